/** Lines, with those that could not be read in their places. */
import type { Line, LineBlocks } from '../../corpora/lines.ts';
import type { Place } from '../../errors.ts';

export interface UnreadLine {
  readonly number: number;
  readonly place: Place;
}

/** In blocks, as lines come. */
export type Rows = AsyncIterable<readonly (Line | UnreadLine)[]>;

/** @param unread told before the block that holds the next line; taken from here */
export async function* rowsOf(blocks: LineBlocks, unread: Place[]): AsyncGenerator<readonly (Line | UnreadLine)[]> {
  for await (const block of blocks) {
    if (unread.length === 0) {
      yield block;
      continue;
    }
    const last = block.at(-1)?.number ?? 0;
    const count = unread.findIndex(({ line = 1 }) => line > last);
    const before = unread.splice(0, count < 0 ? unread.length : count).map(rowOf);
    yield [...block, ...before].sort((a, b) => a.number - b.number);
  }
  yield unread.splice(0).map(rowOf);
}

function rowOf(place: Place): UnreadLine {
  return { number: place.line ?? 1, place };
}
