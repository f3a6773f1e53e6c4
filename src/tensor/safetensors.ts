/**
 * Reads and writes the safetensors format: u64 length of a JSON header, the header, then the raw little-endian data.
 * Source: https://huggingface.co/docs/safetensors (format section).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail } from '../errors.ts';
import { mapFile } from './backend.ts';

/** Weights by name; float32, row-major. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type NamedTensors = Readonly<Record<string, NamedTensor>>;

type StoredType = 'F32' | 'F16' | 'BF16';
const BYTES: Record<StoredType, number> = { F32: 4, F16: 2, BF16: 2 };
const MAX_HEADER_BYTES = 100_000_000;

interface Entry {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** Offsets into the file. */
  readonly begin: number;
  readonly end: number;
}

/** An open file whose tensors are read one by one, so that a big table need never be in memory. */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #fd: number;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** All bytes, mapped when a first row is read; null where our module is not loaded. */
  #mapped: ArrayBuffer | null = null;
  #isOpen = true;

  /** @throws SAFETENSORS_INVALID naming the file and what is wrong */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'r');
    try {
      const { metadata, entries } = readHeader(this.#fd, path);
      this.metadata = metadata;
      this.#entries = entries;
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#entry(name).shape;
  }

  /** The whole tensor as float32. */
  tensor(name: string): NamedTensor {
    const { shape } = this.#entry(name);
    const count = shape.reduce((a, b) => a * b, 1);
    return { shape, data: this.#read(name, 0, count) };
  }

  /** The whole tensor; its `data` is read anew at each access. */
  lazily(name: string): NamedTensor {
    const read = (): Float32Array => this.tensor(name).data;
    return {
      shape: this.shape(name),
      get data() {
        return read();
      },
    };
  }

  /** Row `row` of a matrix, `[columns]` float32: of the mapped file, so that a table costs the memory of the rows which are used. Not to be written to. */
  row(name: string, row: number): Float32Array {
    const { shape, dtype, begin } = this.#entry(name);
    const columns = shape[1] ?? 1;
    if (row < 0 || row >= (shape[0] ?? 0)) throw fail('SAFETENSORS_INVALID', { path: this.path, detail: `${name} has no row ${row}, it has ${shape[0]}` });
    if (!this.#isOpen) throw fail('SAFETENSORS_INVALID', { path: this.path, detail: 'it is closed' });
    const mapped = (this.#mapped ??= mapFile(this.#fd));
    const at = begin + row * columns * BYTES[dtype];
    if (mapped === null || at % BYTES[dtype] !== 0) return this.#read(name, row * columns, columns);
    return toFloat32(new Uint8Array(mapped, at, columns * BYTES[dtype]), dtype);
  }

  /** Again is harmless. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#mapped = null;
    closeSync(this.#fd);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw fail('SAFETENSORS_INVALID', { path: this.path, detail: `there is no tensor ${name}` });
    return entry;
  }

  #read(name: string, start: number, count: number): Float32Array {
    const entry = this.#entry(name);
    const width = BYTES[entry.dtype];
    const bytes = new Uint8Array(count * width);
    readFully(this.#fd, bytes, entry.begin + start * width, this.path);
    return toFloat32(bytes, entry.dtype);
  }
}

/** Chunks of a safetensors file with float32 tensors, in the order of their names. */
export function* encodeSafetensors(tensors: NamedTensors, metadata: Record<string, string> = {}): Generator<Buffer> {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names) {
    const tensor = tensors[name] as NamedTensor;
    const bytes = tensor.data.byteLength;
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  yield encodeHeader(header);
  for (const name of names) {
    const { data } = tensors[name] as NamedTensor;
    yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
}

/** Length and JSON of a header, padded with spaces to 8 bytes as the format asks. */
export function encodeHeader(header: Record<string, unknown>): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8), 0);
  json.copy(padded, 8);
  return padded;
}

function readHeader(fd: number, path: string): { metadata: Record<string, string>; entries: Map<string, Entry> } {
  const size = fstatSync(fd).size;
  const prefix = new Uint8Array(8);
  if (size < 8) throw fail('SAFETENSORS_INVALID', { path, detail: `it has ${size} bytes` });
  readFully(fd, prefix, 0, path);
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > size)
    throw fail('SAFETENSORS_INVALID', { path, detail: `its header of ${headerBytes} bytes does not fit into ${size} bytes` });
  const text = new Uint8Array(headerBytes);
  readFully(fd, text, 8, path);
  const json = JSON.parse(new TextDecoder().decode(text)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const metadata = (json['__metadata__'] ?? {}) as unknown as Record<string, string>;
  const entries = new Map<string, Entry>();
  for (const [name, stored] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    if (!(stored.dtype in BYTES)) continue; // integer buffers (position_ids) are no weights
    const dtype = stored.dtype as StoredType;
    const [begin, end] = stored.data_offsets;
    const count = stored.shape.reduce((a, b) => a * b, 1);
    if (end - begin !== count * BYTES[dtype] || 8 + headerBytes + end > size)
      throw fail('SAFETENSORS_INVALID', { path, detail: `${name} ${dtype}[${stored.shape}] does not fit offsets ${begin} to ${end}` });
    entries.set(name, { dtype, shape: stored.shape, begin: 8 + headerBytes + begin, end: 8 + headerBytes + end });
  }
  return { metadata, entries };
}

function readFully(fd: number, into: Uint8Array, position: number, path: string): void {
  // one read() may return at most 2 GiB
  for (let done = 0; done < into.length; ) {
    const read = readSync(fd, into, done, Math.min(into.length - done, 1 << 30), position + done);
    if (read === 0) throw fail('SAFETENSORS_INVALID', { path, detail: `it ends after ${position + done} bytes` });
    done += read;
  }
}

function toFloat32(bytes: Uint8Array, dtype: StoredType): Float32Array {
  const count = bytes.length / BYTES[dtype];
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  if (dtype === 'F16') return fromHalves(halves);
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

let halves: Float32Array | undefined;
/** float32 value of each of the 65,536 half-precision bit patterns: a look-up beats bit arithmetic tenfold. */
function halfTable(): Float32Array {
  if (halves !== undefined) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction === 0 ? Infinity : NaN) : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halves[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return halves;
}

/** Half-precision bits of each value; for storing teachers' outputs. A loop: `from` with a function takes twenty times as long, and a corpus has 100 million. */
export function toHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toHalf(values[i] as number);
  return halves;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Half-precision bits of `value`, rounded to nearest even. */
export function toHalf(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | (exponent === 143 && fraction !== 0 ? 0x7e00 : 0x7c00);
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const shifted = fraction | 0x800000;
    const shift = 14 - exponent;
    const half = shifted >>> shift;
    const rest = shifted & ((1 << shift) - 1);
    const tie = 1 << (shift - 1);
    return sign | (half + (rest > tie || (rest === tie && (half & 1) === 1) ? 1 : 0));
  }
  const half = (exponent << 10) | (fraction >>> 13);
  const rest = fraction & 0x1fff;
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1) ? 1 : 0));
}

/** float32 values of half-precision bits. */
export function fromHalves(bits: Uint16Array): Float32Array {
  const table = halfTable();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] as number] as number;
  return values;
}
