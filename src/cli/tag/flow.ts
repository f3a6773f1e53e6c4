/** Requests that are big enough, some at once, their answers in order. */
import type { Source } from './records.ts';

/** Texts of one request: enough for the tagger to fill its batches, few enough to be done within seconds. */
const MAX_SOURCES = 64;
const MAX_CHARS = 100_000;

/** Of texts alone or of tokens alone. Where the source fails, what came before it is still given. */
export async function* batchesOf(sources: AsyncIterable<Source>): AsyncGenerator<readonly Source[]> {
  let batch: Source[] = [];
  let chars = 0;
  let failure: { readonly error: unknown } | null = null;
  try {
    for await (const source of sources) {
      const size = sizeOf(source);
      const isOther = batch[0] !== undefined && (batch[0].tokens === undefined) !== (source.tokens === undefined);
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

/** Results in the order of the items. An item that fails ends it; a source that fails does when all before it are done. */
export async function* inOrder<T, R>(source: AsyncGenerator<T>, limit: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  const failures: { readonly error: unknown }[] = [];
  const first = async (): Promise<R> => running.shift() as Promise<R>;
  try {
    for (;;) {
      const next = await source.next().catch((error: unknown) => {
        failures.push({ error });
        return { done: true } as const;
      });
      if (next.done === true) break;
      const result = work(next.value);
      result.catch(() => undefined); // heard when its turn comes, or never, where one before it failed
      running.push(result);
      if (running.length === limit) yield await first();
    }
    while (running.length > 0) yield await first();
    for (const { error } of failures) throw error;
  } finally {
    await source.return(undefined);
  }
}

function sizeOf({ text = '', tokens = [] }: Source): number {
  return tokens.reduce((sum, token) => sum + token.length + 1, text.length);
}
