/** How a tokenizer.json cuts words into pieces: by the official `tokenizers` package, but for the vocabulary of a Unigram model, which is ours. */
import { setImmediate as breathe } from 'node:timers/promises';
import { Tokenizer } from 'tokenizers';
import { isUnigram, unigram, type UnigramJson } from './unigram.ts';

export interface TokenizerJson {
  readonly model?: { readonly unk_id?: number | null; readonly unk_token?: string | null };
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
}

export interface Pieces {
  /** Ids of each word's pieces, without special ones; a word may have none. */
  encode(words: readonly string[]): Promise<(readonly number[])[]>;
  /** Special ids around an empty text. */
  around(): Promise<readonly number[]>;
  idOf(piece: string): number | undefined;
  pieceOf(id: number): string | undefined;
}

/** A thread that cuts words answers nobody: this many take some 10 ms. */
const WORDS_AT_ONCE = 1_000;

/** @param text of the file @throws what the package says of it */
export function openPieces(text: string, json: TokenizerJson): Pieces {
  return isUnigram(json.model) ? unigramPieces(json, json.model) : packagePieces(text);
}

function packagePieces(text: string): Pieces {
  const tokenizer = parse(text);
  return {
    encode: async (words) => (await tokenizer.encodeBatch([...words], { addSpecialTokens: false })).map((encoding) => encoding.getIds()),
    around: () => around(tokenizer),
    idOf: (piece) => tokenizer.tokenToId(piece) ?? undefined,
    pieceOf: (id) => tokenizer.idToToken(id) ?? undefined,
  };
}

/**
 * The package normalizes, finds added tokens and cuts; with a vocabulary of one piece, whatever lies between two cuts is one unknown piece, whose
 * text is what our vocabulary is to read.
 */
function unigramPieces(json: TokenizerJson, model: UnigramJson): Pieces {
  const ours = unigram(model);
  const unknown = ours.pieceOf(model.unk_id) ?? '<unk>';
  const tokenizer = parse(JSON.stringify({ ...json, model: { ...model, unk_id: 0, vocab: [[unknown, 0]] } }));
  const added = new Map(json.added_tokens?.map(({ id, content }) => [content, id]));
  const contents = new Map(json.added_tokens?.map(({ id, content }) => [id, content]));
  const idsOf = (part: string): readonly number[] => {
    const id = added.get(part);
    return id === undefined ? ours.ids(part) : [id];
  };
  return {
    async encode(words) {
      const encodings = await tokenizer.encodeBatch([...words], { addSpecialTokens: false });
      const found: (readonly number[])[] = [];
      for (const encoding of encodings) {
        found.push(encoding.getTokens().flatMap(idsOf));
        if (found.length % WORDS_AT_ONCE === 0) await breathe();
      }
      return found;
    },
    around: () => around(tokenizer),
    idOf: (piece) => added.get(piece) ?? ours.idOf(piece),
    pieceOf: (id) => contents.get(id) ?? ours.pieceOf(id),
  };
}

function parse(text: string): Tokenizer {
  const tokenizer = Tokenizer.fromString(text);
  // Some published files carry a training run's truncation and padding; batching is ours.
  tokenizer.disableTruncation();
  tokenizer.disablePadding();
  return tokenizer;
}

async function around(tokenizer: Tokenizer): Promise<readonly number[]> {
  return (await tokenizer.encode('', null, { addSpecialTokens: true })).getIds();
}
