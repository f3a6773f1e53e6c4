/** Tag schemes: recognized over a whole file, and turned into IOB2. */
import { spansOfTags, tagsOfSpans } from '../text/bio.ts';

export type TagScheme = 'IOB1' | 'IOB2' | 'IOBES';

const TAG = /^(?:O|[BIESLUM]-\S+)$/;
/** What begins or continues an entity in IOBES, BILOU and BMES, as B and I. */
const AS_IOB: Record<string, string> = { S: 'B', U: 'B', E: 'I', L: 'I', M: 'I' };

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}

/** Evidence for a scheme, gathered sentence by sentence. */
export class SchemeDetector {
  #hasEnds = false;
  #insideStarts = 0;
  #looseBegins = 0;
  #hasTags = false;

  take(tags: readonly string[]): void {
    tags.forEach((tag, word) => {
      this.#hasTags = true;
      const previous = tags[word - 1] ?? 'O';
      const follows = previous !== 'O' && previous.slice(2) === tag.slice(2);
      if (/^[ESLUM]-/.test(tag)) this.#hasEnds = true;
      if (tag.startsWith('I-') && !follows) this.#insideStarts++;
      if (tag.startsWith('B-') && !follows) this.#looseBegins++;
    });
  }

  /** IOB1 writes `B-` only where an entity follows another of its label; IOB2 begins every entity with it. */
  get scheme(): TagScheme | null {
    if (!this.#hasTags) return null;
    if (this.#hasEnds) return 'IOBES';
    return this.#insideStarts > 0 && this.#looseBegins === 0 ? 'IOB1' : 'IOB2';
  }

  /** Tags that the scheme does not allow; they are read as conlleval reads them. */
  get illFormed(): number {
    return this.scheme === 'IOB2' ? this.#insideStarts : 0;
  }
}

export function toIob2(tags: readonly string[]): string[] {
  const plain = tags.map((tag) => (AS_IOB[tag[0] ?? ''] ?? tag[0]) + tag.slice(1));
  return tagsOfSpans(spansOfTags(plain), tags.length);
}
