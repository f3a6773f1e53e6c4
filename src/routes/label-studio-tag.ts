/** Tags the texts of many tasks: what is wrong with one is that one's alone. */
import { MtmtError } from '../errors.ts';
import { MAX_TEXTS, type NerResponse, type NerResult } from '../schemas/ner.ts';

export interface TaggedTexts {
  readonly results: readonly { readonly result: NerResult; readonly checkpointId: string }[];
  /** Index of a text that was read as an empty one -> what is wrong with it. */
  readonly refused: ReadonlyMap<number, string>;
}

type Tag = (texts: string[]) => Promise<NerResponse>;

/** In requests that the tagger takes: all tasks of a project may come at once. @throws what the tagger does, unless it is about one of the texts */
export async function tagTexts(texts: readonly string[], tag: Tag): Promise<TaggedTexts> {
  const refused = new Map<number, string>();
  const answers: NerResponse[] = [];
  for (let start = 0; start < texts.length; start += MAX_TEXTS) await tagPart(texts.slice(start, start + MAX_TEXTS), start);
  return { results: answers.flatMap(({ results, model: { checkpointId } }) => results.map((result) => ({ result, checkpointId }))), refused };

  async function tagPart(part: readonly string[], start: number): Promise<void> {
    let error: MtmtError;
    try {
      answers.push(await tag([...part]));
      return;
    } catch (thrown) {
      if (!isAboutTexts(thrown)) throw thrown;
      error = thrown;
    }
    const wrong = wrongIn(error, part.length);
    if (wrong.size === 0 && part.length > 1) {
      // too much in all
      const half = Math.ceil(part.length / 2);
      await tagPart(part.slice(0, half), start);
      return tagPart(part.slice(half), start + half);
    }
    if ([...wrong.keys()].every((index) => part[index] === '')) throw error;
    for (const [index, detail] of wrong) refused.set(start + index, detail);
    // a refusal names a hundred of them at most, so that there may be more
    return tagPart(part.map((text, index) => (wrong.has(index) ? '' : text)), start);
  }
}

function isAboutTexts(error: unknown): error is MtmtError {
  return error instanceof MtmtError && (error.code === 'TEXT_NOT_UNICODE' || error.code === 'TEXT_TOO_LONG');
}

/** By index; a request of one text is at fault for what is said of the whole. */
function wrongIn({ errors = [] }: MtmtError, count: number): Map<number, string> {
  const wrong = new Map<number, string>();
  for (const { pointer = '', detail } of errors) {
    const index = /^\/texts\/(\d+)$/.exec(pointer)?.[1] ?? (count === 1 ? '0' : undefined);
    if (index !== undefined) wrong.set(Number(index), detail);
  }
  return wrong;
}
