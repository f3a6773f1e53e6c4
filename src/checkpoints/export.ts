/** A checkpoint as files that other libraries load, with a model card; what they hold is made as they are read. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstalledEncoder } from '../encoders/registry.ts';
import type { ExportFormat } from '../schemas/checkpoint.ts';
import type { Storage } from '../storage/storage.ts';
import { modelCard, type CardFacts } from './card.ts';
import { modelConfig, modelSafetensors, tokenizerConfig } from './hugging-face.ts';
import { loadCheckpoint } from './load.ts';
import { assertMatches, type Manifest } from './manifest.ts';
import { onnxModel } from './onnx.ts';
import { openWeights } from './weights.ts';

/** What an export is made of. */
export interface ExportParts {
  readonly storageKey: string;
  readonly manifest: Manifest;
  readonly encoder: InstalledEncoder;
  readonly card: Omit<CardFacts, 'manifest' | 'encoder' | 'format'>;
}

export interface ExportFile {
  readonly name: string;
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Buffer>;
}

export interface Export {
  /** To be read before `close`; equal parts give equal bytes. */
  readonly files: readonly ExportFile[];
  close(): void;
}

/** @throws CHECKPOINT_MISMATCH, CHECKPOINT_BROKEN, ARTIFACT_NOT_FOUND, ENCODER_INVALID */
export async function openExport(storage: Storage, parts: ExportParts, format: ExportFormat): Promise<Export> {
  const { manifest, encoder, card } = parts;
  assertMatches(manifest, encoder);
  const { tensors } = await loadCheckpoint(storage, parts);
  const described = [
    textFile('README.md', modelCard({ manifest, encoder, format, ...card })),
    textFile('config.json', json(await modelConfig(encoder, manifest))),
    textFile('manifest.json', json(manifest)),
    textFile('tokenizer_config.json', json(await tokenizerConfig(encoder, manifest))),
    await fileOf('tokenizer.json', join(encoder.directory, 'tokenizer.json')),
  ];
  const weights = openWeights(encoder, manifest, tensors);
  const model = format === 'hf' ? [modelSafetensors(encoder, weights.all)] : onnxModel(manifest, weights.all, { precision: format === 'onnx-int8' ? 'int8' : 'float32' });
  return { files: [...described, ...model], close: () => weights.close() };
}

function textFile(name: string, text: string): ExportFile {
  const bytes = Buffer.from(text);
  return {
    name,
    sizeBytes: bytes.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- as the others are
    async *chunks() {
      yield bytes;
    },
  };
}

async function fileOf(name: string, path: string): Promise<ExportFile> {
  return { name, sizeBytes: (await stat(path)).size, chunks: () => createReadStream(path) as AsyncIterable<Buffer> };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
