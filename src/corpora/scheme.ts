/** Tag schemes: recognized over a whole file, and turned into IOB2. */

export type TagScheme = 'IOB1' | 'IOB2' | 'IOBES';

/** No control character and no half of a surrogate pair: neither can be stored. */
const LABEL = '[^\\s\\p{Cc}\\p{Cs}]{1,200}';
const IS_LABEL = new RegExp(`^${LABEL}$`, 'u');
const IS_TAG = new RegExp(`^(?:O|[BIESLUM]-${LABEL})$`, 'u');
const EXPECTED = 'expected O, or B-, I-, E-, S-, L-, U- and a label';
const MAX_QUOTED = 60;

export function isTag(tag: string): boolean {
  return IS_TAG.test(tag);
}

export function isLabel(label: string): boolean {
  return IS_LABEL.test(label);
}

/** For the report of what is no tag. */
export function noTag(tag: string): string {
  return `"${tag.length > MAX_QUOTED ? `${tag.slice(0, MAX_QUOTED)}…` : tag}" is no tag; ${EXPECTED}`;
}

/**
 * Evidence for a scheme, gathered over the whole file: only there IOB1 and IOB2 differ, since a sentence of `I-` alone is right in IOB1
 * and a mistake in IOB2. The majority decides, so that one mistake in a file does not.
 */
export class SchemeDetector {
  #ends = 0;
  #brokenEnds = 0;
  #insideStarts = 0;
  #looseBegins = 0;
  #hasTags = false;

  take(tags: readonly string[]): void {
    for (let word = 0; word < tags.length; word++) {
      const tag = tags[word] ?? 'O';
      const previous = tags[word - 1] ?? 'O';
      this.#hasTags = true;
      if (tag === 'O') continue;
      const prefix = tag.charAt(0);
      if ('ESLUM'.includes(prefix)) this.#ends++;
      const isStart = startsEntity(tag, previous);
      if (isStart && 'IELM'.includes(prefix)) this.#brokenEnds++;
      if (isStart && prefix === 'I') this.#insideStarts++;
      const follows = previous !== 'O' && previous.slice(2) === tag.slice(2);
      if (prefix === 'B' && !follows) this.#looseBegins++;
    }
  }

  /** IOB1 writes `B-` only where an entity follows another of its label; IOB2 begins every entity with it. */
  get scheme(): TagScheme | null {
    if (!this.#hasTags) return null;
    if (this.#ends > 0) return 'IOBES';
    return this.#insideStarts > this.#looseBegins ? 'IOB1' : 'IOB2';
  }

  /** What is to be told of tags that the scheme does not allow; they are read as conlleval reads them. */
  get warnings(): string[] {
    const { scheme } = this;
    const count = scheme === 'IOB2' ? this.#insideStarts : scheme === 'IOB1' ? this.#looseBegins : this.#brokenEnds;
    if (count === 0) return [];
    const what = { IOB1: 'B- begin an entity that follows none of its label', IOB2: 'I- begin an entity', IOBES: 'I-, E-, L- or M- begin an entity' }[scheme ?? 'IOB2'];
    return [`${count} tags ${what}, which ${scheme} does not allow; they are read as B-`];
  }
}

/** Tags of any of the schemes, ill-formed ones as conlleval reads them. */
export function toIob2(tags: readonly string[]): string[] {
  return tags.map((tag, word) => (tag === 'O' ? 'O' : `${startsEntity(tag, tags[word - 1] ?? 'O') ? 'B' : 'I'}-${tag.slice(2)}`));
}

/** conlleval's startOfChunk: B, S and U always begin; the others where nothing of their label is open. */
function startsEntity(tag: string, previous: string): boolean {
  if ('BSU'.includes(tag.charAt(0))) return true;
  return previous === 'O' || previous.slice(2) !== tag.slice(2) || 'ELSU'.includes(previous.charAt(0));
}
