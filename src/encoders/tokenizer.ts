// The piece tokenizer of an encoder: words in, piece ids out.
//
// Words are encoded one by one and without special pieces: the package's own isPretokenized throws (0.23.2), and one by
// one gives the ids that transformers gives for a pre-split sentence (test/encoders/tokenizer.test.ts).
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { openPieces, type Pieces, type TokenizerJson } from './pieces.ts';

/** Some 30 MB when full; corpora of 200,000 sentences have about as many distinct words. */
const MAX_CACHED_WORDS = 200_000;
/** Longer words are rare and, in a request, may be of any size: they are encoded each time. */
const MAX_CACHED_CHARS = 64;

export interface PiecedWords {
  /** All pieces of all words in order, without special pieces. */
  readonly ids: Int32Array;
  /** `[words + 1]`: word i has the pieces `starts[i]` up to `starts[i + 1]`, at least one. */
  readonly starts: Int32Array;
}

export interface PieceTokenizer {
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly unkId: number;
  /** Of tokenizer.json: `sha256:…`. */
  readonly digest: string;
  /** `##son`, `▁Ber`, …; undefined for an id outside the vocabulary. */
  pieceOf(id: number): string | undefined;
  /** One sentence. A word that the tokenizer drops whole (a lone joiner, a control character) is one unk piece. */
  pieces(words: readonly string[]): Promise<PiecedWords>;
  /** Many sentences in one call into the package, on its thread pool. */
  piecesOfAll(sentences: readonly (readonly string[])[]): Promise<PiecedWords[]>;
}

type SpecialIds = Pick<PieceTokenizer, 'startId' | 'endId' | 'padId' | 'unkId'>;
type Ids = readonly number[];

/** @param directory A folder in the Hugging Face layout: `tokenizer.json`, and `config.json` for the padding id. */
export async function loadTokenizer(directory: string): Promise<PieceTokenizer> {
  const path = join(directory, 'tokenizer.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fail('ENCODER_INVALID', { path, detail: 'it cannot be read' }, { cause });
  });
  const { tokenizer, model } = parse(text, path);
  const special = await specialIds({ tokenizer, model, directory, path });
  const cache = new Map<string, Ids>();

  async function lookUp(words: readonly string[]): Promise<ReadonlyMap<string, Ids>> {
    const found = new Map<string, Ids>();
    const missing: string[] = [];
    for (const word of new Set(words)) {
      const known = cache.get(word);
      if (known === undefined) missing.push(word);
      else found.set(word, known);
    }
    if (missing.length === 0) return found;
    const encoded = await tokenizer.encode(missing);
    for (const [i, word] of missing.entries()) {
      const ids = encoded[i] ?? [];
      const pieces = ids.length > 0 ? ids : [special.unkId];
      found.set(word, pieces);
      if (word.length <= MAX_CACHED_CHARS) remember(cache, word, pieces);
    }
    return found;
  }

  return {
    ...special,
    digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
    pieceOf: (id) => tokenizer.pieceOf(id),
    pieces: async (words) => concatenate(words, await lookUp(words), special.unkId),
    async piecesOfAll(sentences) {
      const found = await lookUp(sentences.flat());
      return sentences.map((words) => concatenate(words, found, special.unkId));
    },
  };
}

function parse(text: string, path: string): { tokenizer: Pieces; model: TokenizerJson['model'] } {
  try {
    const json = JSON.parse(text) as TokenizerJson;
    const { unk_id, unk_token } = json.model ?? {};
    return { tokenizer: openPieces(text, json), model: { ...(unk_id !== undefined && { unk_id }), ...(unk_token !== undefined && { unk_token }) } };
  } catch (cause) {
    throw fail('ENCODER_INVALID', { path, detail: 'the tokenizers package refuses it' }, { cause });
  }
}

/** Start and end are what the file's own post-processor puts around an empty text, so no family is special here. */
async function specialIds(o: {
  tokenizer: Pieces;
  model: TokenizerJson['model'];
  directory: string;
  path: string;
}): Promise<SpecialIds> {
  const around = await o.tokenizer.around();
  const [startId, endId] = around;
  if (startId === undefined || endId === undefined || around.length !== 2) {
    const detail = `it puts ${around.length} special pieces around a text, expected 2`;
    throw fail('ENCODER_INVALID', { path: o.path, detail });
  }
  const configText = await readFile(join(o.directory, 'config.json'), 'utf8').catch(() => '{}');
  const config = JSON.parse(configText) as { pad_token_id?: number | null };
  const idOf = (...pieces: string[]): number | undefined =>
    pieces.map((piece) => o.tokenizer.idOf(piece)).find((id) => id !== undefined);
  // The vocabulary before the config: multilingual-e5-small's config says 0, where its vocabulary has <pad> at 1.
  const padId = idOf('[PAD]', '<pad>') ?? config.pad_token_id ?? undefined;
  const unkId = o.model?.unk_id ?? idOf(o.model?.unk_token ?? '[UNK]', '<unk>');
  if (padId === undefined || unkId === undefined) {
    const detail = `it names no ${padId === undefined ? 'padding' : 'unknown'} piece`;
    throw fail('ENCODER_INVALID', { path: o.path, detail });
  }
  return { startId, endId, padId, unkId };
}

function concatenate(words: readonly string[], found: ReadonlyMap<string, Ids>, unkId: number): PiecedWords {
  const starts = new Int32Array(words.length + 1);
  const ids: number[] = [];
  for (const [i, word] of words.entries()) {
    for (const id of found.get(word) ?? [unkId]) ids.push(id);
    starts[i + 1] = ids.length;
  }
  return { ids: Int32Array.from(ids), starts };
}

/** Oldest out first: a bound, not a hit-rate contest. */
function remember(cache: Map<string, Ids>, word: string, pieces: Ids): void {
  if (cache.size >= MAX_CACHED_WORDS) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(word, pieces);
}
