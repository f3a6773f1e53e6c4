/** A checkpoint as files that Hugging Face's transformers loads: the encoder's weights and the trained ones put together. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { toHuggingFace } from '../models/names.ts';
import { encodeHeader } from '../tensor/safetensors.ts';
import { hasHead, longestWindow, type Manifest } from './manifest.ts';
import { bytesOf, type ModelWeight } from './weights.ts';

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
    model_max_length: longestWindow(manifest),
    ...Object.fromEntries(Object.entries(special).filter(([, piece]) => piece !== undefined)),
  };
}

/** model.safetensors with float32 weights under transformers' names. */
export function modelSafetensors({ config: { family } }: InstalledEncoder, weights: readonly ModelWeight[]): { name: string; sizeBytes: number; chunks(): AsyncGenerator<Buffer> } {
  const entries = weights.map(({ name, ...weight }) => ({ foreign: toHuggingFace(family, name), ...weight })).sort((a, b) => (a.foreign < b.foreign ? -1 : 1));
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const { foreign, shape } of entries) {
    const begin = offset;
    offset += 4 * shape.reduce((a, b) => a * b, 1);
    header[foreign] = { dtype: 'F32', shape, data_offsets: [begin, offset] };
  }
  const head = encodeHeader(header);
  return {
    name: 'model.safetensors',
    sizeBytes: head.length + offset,
    async *chunks() {
      yield head;
      for (const { parts } of entries) {
        for await (const part of parts()) yield bytesOf(part);
      }
    },
  };
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}
