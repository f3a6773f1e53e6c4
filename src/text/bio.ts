/** Tags <-> spans of words. BIO always means IOB2 here; files in other schemes are turned into it when they are read. */
import type { WordSpan } from './span.ts';

/** Spans as conlleval reads them: an `I-` that continues nothing begins a span. */
export function spansOfTags(tags: readonly string[]): WordSpan[] {
  const spans: WordSpan[] = [];
  let open: { wordStart: number; label: string } | null = null;
  const close = (wordEnd: number): void => {
    if (open !== null) spans.push({ wordStart: open.wordStart, wordEnd, label: open.label });
    open = null;
  };
  tags.forEach((tag, word) => {
    const label = tag.slice(2);
    if (tag === 'O') return close(word);
    if (tag.startsWith('I-') && open?.label === label) return;
    close(word);
    open = { wordStart: word, label };
  });
  close(tags.length);
  return spans;
}

/** IOB2 tags of `count` words; spans must not overlap. */
export function tagsOfSpans(spans: readonly WordSpan[], count: number): string[] {
  const tags = new Array<string>(count).fill('O');
  for (const { wordStart, wordEnd, label } of spans) {
    for (let word = wordStart; word < wordEnd; word++) tags[word] = `${word === wordStart ? 'B' : 'I'}-${label}`;
  }
  return tags;
}
