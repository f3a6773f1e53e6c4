/** CoNLL -> sentences; one that holds a broken line is a fault as a whole, and the next ones are read. */
import { isBetweenSentences } from '../../corpora/formats/conll.ts';
import { MAX_WORDS, TOO_LONG, type FormatReader } from '../../corpora/formats/format.ts';
import type { Line } from '../../corpora/lines.ts';
import type { Place } from '../../errors.ts';
import type { Rows } from './rows.ts';
import { faultAt, type Source } from './source.ts';

interface Stretch {
  readonly line: number;
  readonly lines: readonly Line[];
  /** What is wrong with it, before its words are looked at. */
  readonly place: Place | null;
}

export async function* sentencesOf(rows: Rows, read: FormatReader): AsyncGenerator<Source> {
  // what is wrong with the sentence that the reader is at, which ends where the reader asks for the next
  const at: { wrong: Place | null } = { wrong: null };
  const faulty: Source[] = [];
  const blocks = async function* (): AsyncGenerator<readonly Line[]> {
    for await (const { line, lines, place } of stretchesOf(rows)) {
      at.wrong = place;
      if (place === null) yield [...lines, { text: '', number: (lines.at(-1)?.number ?? line) + 1 }];
      const wrong = wrongOf();
      if (wrong !== null) faulty.push({ line, fault: faultAt(wrong, line) });
    }
  };
  const wrongOf = (): Place | null => at.wrong;
  const report = (place: Place): void => void (at.wrong ??= place);
  for await (const item of read(blocks(), { kind: 'unlabeled', language: '', report, warn: () => undefined })) {
    yield* faulty.splice(0);
    if (wrongOf() === null && 'sentence' in item) yield { tokens: item.sentence.tokens, line: item.line };
  }
  yield* faulty;
}

/** Lines between blank ones. */
async function* stretchesOf(rows: Rows): AsyncGenerator<Stretch> {
  let lines: Line[] = [];
  let place: Place | null = null;
  let begin = 0;
  for await (const block of rows) {
    for (const row of block) {
      if ('text' in row && isBetweenSentences(row.text)) {
        if (begin > 0) yield { line: begin, lines, place };
        [lines, place, begin] = [[], null, 0];
        continue;
      }
      if (begin === 0) begin = row.number;
      if ('place' in row) place ??= row.place;
      // what is longer must not fill memory
      else if (lines.length < MAX_WORDS) lines.push(row);
      else place ??= { line: begin, column: 1, detail: TOO_LONG };
    }
  }
  if (begin > 0) yield { line: begin, lines, place };
}
