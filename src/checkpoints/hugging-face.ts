/** A checkpoint as files that Hugging Face's transformers loads: the encoder's weights and the trained ones put together. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { encoderWeightNames, nameInFile, toHuggingFace } from '../models/names.ts';
import { encodeHeader, SafetensorsFile, type NamedTensors } from '../tensor/safetensors.ts';
import { hasHead, type Manifest } from './manifest.ts';

/** Rows converted at once: some 5 ms, so that other requests of the process are not kept waiting. */
const ROWS_AT_ONCE = 1024;

/** `model_type` -> prefix of the class names in transformers */
const CLASSES: Record<string, string> = {
  bert: 'Bert',
  'xlm-roberta': 'XLMRoberta',
  roberta: 'Roberta',
  distilbert: 'DistilBert',
};

/** config.json: the encoder's own, with the class of the whole model and its tags. */
export async function modelConfig(encoder: InstalledEncoder, manifest: Manifest): Promise<Record<string, unknown>> {
  const config = await readJson(join(encoder.directory, 'config.json'));
  delete config['_name_or_path'];
  delete config['dtype'];
  const family = CLASSES[String(config['model_type'])] ?? 'Bert';
  const shared = { ...config, torch_dtype: 'float32' };
  if (!hasHead(manifest)) return { ...shared, architectures: [`${family}Model`] };
  return {
    ...shared,
    architectures: [`${family}ForTokenClassification`],
    id2label: Object.fromEntries(manifest.tags.map((tag, id) => [String(id), tag])),
    label2id: Object.fromEntries(manifest.tags.map((tag, id) => [tag, id])),
  };
}

/** tokenizer_config.json: the encoder's own, or one that makes AutoTokenizer read tokenizer.json as it is. */
export async function tokenizerConfig(encoder: InstalledEncoder, manifest: Manifest): Promise<Record<string, unknown>> {
  const own = await readJson(join(encoder.directory, 'tokenizer_config.json')).catch(() => null);
  if (own !== null) return own;
  // Searched and not parsed: it is 17 MB for a large vocabulary, and parsing would keep other requests waiting.
  const file = await readFile(join(encoder.directory, 'tokenizer.json'), 'utf8');
  const named = (...names: string[]): string | undefined => names.find((name) => new RegExp(`"content":\\s*"${name.replace(/[[\]]/g, '\\$&')}"`).test(file));
  const special = {
    cls_token: named('[CLS]', '<s>'),
    sep_token: named('[SEP]', '</s>'),
    pad_token: named('[PAD]', '<pad>'),
    unk_token: named('[UNK]', '<unk>'),
    mask_token: named('[MASK]', '<mask>'),
  };
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: manifest.maxPieces,
    ...Object.fromEntries(Object.entries(special).filter(([, piece]) => piece !== undefined)),
  };
}

export interface ModelWeights {
  readonly sizeBytes: number;
  chunks(): AsyncGenerator<Buffer>;
  close(): void;
}

/** model.safetensors with float32 weights under transformers' names; read from the encoder's file as it is written. */
export function modelWeights(encoder: InstalledEncoder, manifest: Manifest, trained: NamedTensors): ModelWeights {
  const { family } = encoder.config;
  const file = new SafetensorsFile(join(encoder.directory, 'model.safetensors'));
  const entries = [...new Set([...encoderWeightNames(encoder.config), ...manifest.tensors])]
    .map((name) => {
      const own = trained[name];
      const stored = own === undefined ? nameInFile(file, family, name) : '';
      return { foreign: toHuggingFace(family, name), own, stored, shape: own?.shape ?? file.shape(stored) };
    })
    .sort((a, b) => (a.foreign < b.foreign ? -1 : 1));
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const { foreign, shape } of entries) {
    const begin = offset;
    offset += 4 * shape.reduce((a, b) => a * b, 1);
    header[foreign] = { dtype: 'F32', shape, data_offsets: [begin, offset] };
  }
  const head = encodeHeader(header);
  return {
    sizeBytes: head.length + offset,
    async *chunks() {
      yield head;
      for (const { own, stored, shape } of entries) {
        if (own !== undefined) yield bytesOf(own.data);
        else yield* readInParts(file, stored, shape);
      }
    },
    close: () => file.close(),
  };
}

async function* readInParts(file: SafetensorsFile, name: string, shape: readonly number[]): AsyncGenerator<Buffer> {
  const [rows = 1, columns = 1] = shape;
  if (rows <= ROWS_AT_ONCE || shape.length !== 2) {
    yield bytesOf(file.tensor(name).data);
    await breathe();
    return;
  }
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const here = Math.min(ROWS_AT_ONCE, rows - first);
    const part = new Float32Array(here * columns);
    for (let row = 0; row < here; row++) part.set(file.row(name, first + row), row * columns);
    yield bytesOf(part);
    await breathe();
  }
}

function bytesOf(data: Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}
