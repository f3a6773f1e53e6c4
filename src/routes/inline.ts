/** A dataset whose content stands in the JSON body. */
import { lines, type Upload } from '../datasets/service.ts';
import { fail, MtmtError } from '../errors.ts';
import type { InlineDataset } from '../schemas/dataset.ts';

/** @param body validated, where there is one. @throws BODY_MISSING, DATASET_FIELDS; DATASET_INVALID, whose places are pointers into the body */
export async function readInline<T>(body: unknown, use: (fields: Upload, source: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
  if (body === undefined || body === null) throw fail('BODY_MISSING', {});
  const { sentences, pairs, ...fields } = body as InlineDataset;
  if ((sentences === undefined) === (pairs === undefined)) throw fail('DATASET_FIELDS', { detail: 'one of /sentences and /pairs is given' });
  if ((pairs !== undefined) !== (fields.kind === 'pairs')) throw fail('DATASET_FIELDS', { detail: `/kind is ${fields.kind}, and the content is in /${pairs === undefined ? 'sentences' : 'pairs'}` });
  const isPairs = pairs !== undefined;
  try {
    return await use({ ...fields, format: isPairs ? 'pairs' : 'jsonl' }, lines(pairs ?? sentences ?? []));
  } catch (error) {
    if (!(error instanceof MtmtError) || error.code !== 'DATASET_INVALID') throw error;
    const errors = (error.errors ?? []).map(({ line = 1, detail }) => ({ pointer: `/${isPairs ? 'pairs' : 'sentences'}/${line - 1}`, detail }));
    const [first] = errors;
    throw fail('DATASET_INVALID', { count: errors.length, first: `${first?.pointer ?? ''}: ${first?.detail ?? ''}` }, { errors, cause: error });
  }
}
