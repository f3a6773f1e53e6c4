/** What a service that refuses a request says of its texts. */
import { ApiForeign, ApiProblem } from '../client/api.ts';
import type { Fault } from './source.ts';

/** Of one text, or of all together, even where no place is named. */
const OF_TEXTS = ['TEXT_TOO_LONG', 'TEXT_NOT_UNICODE', 'BODY_TOO_LARGE'];
const POINTER = /^\/(?:texts|tokens)\/(\d+)/;
const CONTENT_TOO_LARGE = 413;

export interface Refusal {
  readonly fault: Fault;
  /** By place in the request; of none where nobody says which it was. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/** Null where the request is refused for another reason than its texts. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof ApiForeign && error.status === CONTENT_TOO_LARGE) {
    return { fault: { code: 'BODY_TOO_LARGE', detail: 'what stands between here and the service takes no text of this length' }, faults: new Map() };
  }
  if (!(error instanceof ApiProblem) || error.problem.status < 400 || error.problem.status >= 500) return null;
  const { code, detail, errors = [] } = error.problem;
  const faults = new Map<number, Fault>();
  for (const place of errors) {
    const index = POINTER.exec(place.pointer ?? '')?.[1];
    // something else is wrong as well: the request would be refused without its texts, too
    if (index === undefined && !OF_TEXTS.includes(code)) return null;
    if (index !== undefined && !faults.has(Number(index))) faults.set(Number(index), { code, detail: place.detail });
  }
  return faults.size > 0 || OF_TEXTS.includes(code) ? { fault: { code, detail }, faults } : null;
}
