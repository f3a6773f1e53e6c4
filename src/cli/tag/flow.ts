/** Requests that are big enough, some at once, their answers in order. */
import type { Source } from './source.ts';

/** Texts of one request: enough for the tagger to fill its batches, few enough to be done within seconds. */
const MAX_SOURCES = 64;
const MAX_CHARS = 100_000;

/** Of texts alone or of tokens alone, beside what cannot be read. Where the source fails, what came before it is still given. */
export async function* batchesOf(sources: AsyncIterable<Source>): AsyncGenerator<readonly Source[]> {
  let batch: Source[] = [];
  let chars = 0;
  let failure: { readonly error: unknown } | null = null;
  try {
    for await (const source of sources) {
      const size = sizeOf(source);
      const isOther = kindOf(batch) !== null && source.fault === undefined && kindOf(batch) !== kindOf([source]);
      if (isOther || batch.length === MAX_SOURCES || (batch.length > 0 && chars + size > MAX_CHARS)) {
        yield batch;
        batch = [];
        chars = 0;
      }
      batch.push(source);
      chars += size;
    }
  } catch (error) {
    failure = { error };
  }
  if (batch.length > 0) yield batch;
  if (failure !== null) throw failure.error;
}

/** Requests of the usual length that a batch is as much work as: a text of megabytes is read alone, or those beside it would wait for minutes. */
export function weightOf(batch: readonly Source[]): number {
  return batch.reduce((sum, source) => sum + sizeOf(source), 0) / MAX_CHARS;
}

/**
 * Results in the order of the items. An item that fails ends it; a source that fails does when all before it are done.
 * @param o.limit weights under way together; one item may always be
 */
export async function* inOrder<T, R>(source: AsyncGenerator<T>, { limit, weightOf: weigh }: { limit: number; weightOf: (item: T) => number }, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: { readonly result: Promise<R>; readonly weight: number }[] = [];
  const failures: { readonly error: unknown }[] = [];
  let weights = 0;
  const first = async (): Promise<R> => {
    const [{ result, weight }] = running.splice(0, 1) as [(typeof running)[number]];
    const value = await result;
    weights -= weight;
    return value;
  };
  try {
    for (;;) {
      const next = await source.next().catch((error: unknown) => {
        failures.push({ error });
        return { done: true } as const;
      });
      if (next.done === true) break;
      const weight = Math.max(1, weigh(next.value));
      while (running.length > 0 && weights + weight > limit) yield await first();
      const result = work(next.value);
      result.catch(() => undefined); // heard when its turn comes, or never, where one before it failed
      running.push({ result, weight });
      weights += weight;
    }
    while (running.length > 0) yield await first();
    for (const { error } of failures) throw error;
  } finally {
    await source.return(undefined);
  }
}

function kindOf(batch: readonly Source[]): 'text' | 'tokens' | null {
  const first = batch.find(({ fault }) => fault === undefined);
  if (first === undefined) return null;
  return first.tokens === undefined ? 'text' : 'tokens';
}

function sizeOf({ text = '', tokens = [] }: Source): number {
  return tokens.reduce((sum, token) => sum + token.length + 1, text.length);
}
