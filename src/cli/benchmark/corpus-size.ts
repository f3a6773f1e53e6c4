/** Pieces and words of raw text, as an encoder's tokenizer cuts it. */
import { SPECIAL_PIECES } from '../../encoders/pack.ts';
import { loadTokenizer } from '../../encoders/tokenizer.ts';
import type { CorpusSize } from '../../study/schedules.ts';
import type { Upload } from '../client/api.ts';

/** Of each file: the ratio of pieces to words needs no more. */
const SENTENCES = 2000;

/** @param uploads unlabeled CoNLL files: a word a line, blank lines between sentences */
export async function corpusSize(uploads: readonly Upload[], encoderDirectory: string): Promise<CorpusSize> {
  const tokenizer = await loadTokenizer(encoderDirectory);
  const sentences = uploads.flatMap(({ content }) => sentencesOf(typeof content === 'string' ? content : new TextDecoder().decode(content)).slice(0, SENTENCES));
  const pieced = await tokenizer.piecesOfAll(sentences);
  const words = sentences.reduce((sum, sentence) => sum + sentence.length, 0);
  const pieces = pieced.reduce((sum, { ids }) => sum + ids.length + SPECIAL_PIECES, 0);
  return { sentences: sentences.length, words, pieces };
}

function sentencesOf(text: string): string[][] {
  const words = (block: string): string[] => block.split('\n').flatMap((line) => line.trim().split(/\s/)[0] || []);
  return text.replaceAll('\r', '').split(/\n[ \t]*\n/).map(words).filter((sentence) => sentence.length > 0);
}
