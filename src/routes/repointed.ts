/** What the tagger refuses, as places in what the client sent: several routes make the tagger's request from their own. */
import { MtmtError, type Place } from '../errors.ts';

/** @param rename the tagger's pointer, such as /texts/0, to the client's */
export function repointed(error: unknown, rename: (pointer: string) => string): unknown {
  if (!(error instanceof MtmtError) || error.errors === undefined) return error;
  const errors = error.errors.map(({ pointer = '', ...place }): Place => ({ ...place, pointer: rename(pointer) }));
  // the message begins with the first place
  const { pointer = '' } = error.errors[0] ?? {};
  const isNamed = pointer !== '' && error.message.startsWith(pointer);
  const message = isNamed ? `${rename(pointer)}${error.message.slice(pointer.length)}` : error.message;
  return new MtmtError(error.code, message, { errors, cause: error });
}
