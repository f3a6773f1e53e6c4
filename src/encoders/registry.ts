// The pretrained encoders installed on this machine: one folder each, in the Hugging Face layout, with our encoder.json.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { parseEncoderConfig } from '../models/config.ts';
import type { EncoderConfig } from '../models/config.ts';

export const DEFAULT_ENCODER = 'multilingual-e5-small';
/** The same encoder from 4-bit weights: other numbers, so another id, that stands in where only it is installed. */
export const DEFAULT_ENCODER_4BIT = 'multilingual-e5-small-q4';

export const ENCODER_FILES = ['config.json', 'model.safetensors', 'tokenizer.json'] as const;
export type EncoderFile = (typeof ENCODER_FILES)[number];

/** What encoder.json holds. */
export interface EncoderRecord {
  readonly encoderId: string;
  /** Where it came from, for people: `intfloat/multilingual-e5-small` or a folder. */
  readonly source: string;
  /** SPDX name; `unknown` for a folder that does not say. */
  readonly license: string;
  /** `sha256:…` of each file. */
  readonly digests: Readonly<Record<EncoderFile, string>>;
  readonly sizeBytes: number;
}

export interface InstalledEncoder {
  readonly encoderId: string;
  readonly directory: string;
  readonly source: string;
  readonly license: string;
  /** Of model.safetensors: what a checkpoint names instead of storing frozen tensors again. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly config: EncoderConfig;
  readonly tokenizerDigest: string;
}

/** @param encodersDir Its folders are the encoders; need not exist. */
export async function installedEncoders(encodersDir: string): Promise<InstalledEncoder[]> {
  const entries = await readdir(encodersDir, { withFileTypes: true }).catch(() => []);
  // A folder being written starts with a dot.
  const names = entries.filter((entry) => !entry.name.startsWith('.')).map((entry) => entry.name);
  const found = await Promise.all(names.sort().map((name) => readEncoder(join(encodersDir, name))));
  return found.filter((encoder) => encoder !== null);
}

/** @throws ENCODER_NOT_FOUND naming what is installed */
export async function findEncoder(encodersDir: string, encoderId: string): Promise<InstalledEncoder> {
  const installed = await installedEncoders(encodersDir);
  const byId = (id: string): InstalledEncoder | undefined => installed.find((encoder) => encoder.encoderId === id);
  const found = byId(encoderId) ?? (encoderId === DEFAULT_ENCODER ? byId(DEFAULT_ENCODER_4BIT) : undefined);
  if (found !== undefined) return found;
  const names = installed.map((encoder) => encoder.encoderId);
  throw fail('ENCODER_NOT_FOUND', { encoderId, installed: names.join(', ') || 'none' });
}

/** Reads every file again and compares: a download cut short or a disk gone bad shows here. */
export async function verifyEncoder(encoder: InstalledEncoder): Promise<void> {
  const record = await readRecord(encoder.directory);
  for (const file of ENCODER_FILES) {
    const expected = record?.digests[file] ?? 'none';
    const path = join(encoder.directory, file);
    const found = await digestOfFile(path);
    if (found !== expected) throw fail('ENCODER_INVALID', { path, detail: `its digest is ${found}, expected ${expected}` });
  }
}

/** @returns `sha256:…` */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

/** null for a folder without encoder.json: put there by hand, it is not ours to guess about. */
async function readEncoder(directory: string): Promise<InstalledEncoder | null> {
  const record = await readRecord(directory);
  if (record === null) return null;
  const config = parseEncoderConfig(JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')));
  const { encoderId, source, license, sizeBytes, digests } = record;
  const tokenizerDigest = digests['tokenizer.json'];
  return { encoderId, directory, source, license, digest: digests['model.safetensors'], sizeBytes, config, tokenizerDigest };
}

async function readRecord(directory: string): Promise<EncoderRecord | null> {
  const text = await readFile(join(directory, 'encoder.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as EncoderRecord);
}
