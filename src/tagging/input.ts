/** What is asked to be tagged: checked against every limit, then as documents. */
import { fail, type MtmtError } from '../errors.ts';
import { MAX_TEXT_CHARS, MAX_TEXTS, MAX_WORDS, type NerRequest } from '../schemas/ner.ts';
import { documentOfTokens, documentsOfTexts, findBroken, type Document } from './document.ts';

/** Places that one refusal names. */
export const MAX_PLACES = 100;

interface TooLong {
  readonly pointer: string;
  readonly found: number | string;
}

/** @throws NER_INPUT_INVALID, TEXT_NOT_UNICODE, TEXT_TOO_LONG, each naming all that is wrong; the signal's reason */
export async function documentsOf(request: NerRequest, signal?: AbortSignal): Promise<Document[]> {
  const { text, texts, tokens, language } = request;
  const given = Object.entries({ text, texts, tokens }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const names = given.map(([name]) => name).join(' and ') || 'none of them';
    throw fail('NER_INPUT_INVALID', { detail: `One of text, texts and tokens must be given, found ${names}` });
  }
  refuseTooLong(request);
  const broken = findBroken(pointed(request), MAX_PLACES);
  if (broken[0] !== undefined) {
    throw fail('TEXT_NOT_UNICODE', broken[0], { errors: broken.map(({ pointer, index }) => ({ pointer, detail: `half a surrogate pair at the UTF-16 index ${index}` })) });
  }
  if (tokens !== undefined) return tokens.map(documentOfTokens);
  const all = text === undefined ? (texts ?? []) : [text];
  const documents = await documentsOfTexts(all, { language, maxWords: MAX_WORDS, signal });
  if (documents === null) throw tooManyWords(`more than ${MAX_WORDS}`);
  return documents;
}

/** By sizes that cost nothing to see. */
function refuseTooLong(request: NerRequest): void {
  const { text = '', texts = [text], tokens } = request;
  const inputs = tokens ?? texts;
  const [pointer, unit] = tokens === undefined ? ['/texts', 'texts'] : ['/tokens', 'sentences'];
  if (inputs.length > MAX_TEXTS) throw tooLong([{ pointer, found: inputs.length }], MAX_TEXTS, unit);
  const long = inputs.map(unitsOf).flatMap((found, index) => (found > MAX_TEXT_CHARS ? [{ pointer: pointerOf(request, index), found }] : []));
  if (long.length > 0) throw tooLong(long, MAX_TEXT_CHARS, 'UTF-16 units');
  const words = (tokens ?? []).reduce((sum, { length }) => sum + length, 0);
  if (words > MAX_WORDS) throw tooManyWords(words);
}

function unitsOf(input: string | readonly string[]): number {
  return typeof input === 'string' ? input.length : input.reduce((sum, { length }) => sum + length + 1, -1);
}

function tooManyWords(found: number | string): MtmtError {
  return tooLong([{ pointer: '', found }], MAX_WORDS, 'words in all');
}

/** Of one of the request's inputs. */
export function pointerOf({ text, tokens }: NerRequest, index: number): string {
  if (text !== undefined) return '/text';
  return tokens === undefined ? `/texts/${index}` : `/tokens/${index}`;
}

/** @param found at least one */
export function tooLong(found: readonly TooLong[], expected: number, unit: string): MtmtError {
  const errors = found.slice(0, MAX_PLACES).map((each) => ({ pointer: each.pointer, detail: `${each.found} ${unit}, at most ${expected}` }));
  const { pointer = '', found: first = 0 } = found[0] ?? {};
  return fail('TEXT_TOO_LONG', { pointer: pointer === '' ? 'The request' : pointer, found: first, expected, unit }, { errors });
}

function* pointed({ text, texts = [], tokens = [] }: NerRequest): Generator<[string, string]> {
  if (text !== undefined) yield ['/text', text];
  for (const [index, each] of texts.entries()) yield [`/texts/${index}`, each];
  for (const [index, words] of tokens.entries()) {
    for (const [word, token] of words.entries()) yield [`/tokens/${index}/${word}`, token];
  }
}
