// Files of a model repository from the Hugging Face hub, or whatever speaks its paths.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '../errors.ts';
import { digestOfFile } from './registry.ts';

/** A hub that is there answers in well under a second; where it is not, nobody should wait for it. */
const ANSWER_TIMEOUT_MS = 3_000;
/** A download that brings nothing for this long has died. */
const STALL_TIMEOUT_MS = 30_000;

/** @returns false when the hub does not answer at once or breaks off; what is in the folder is not to be used then */
export async function downloadFromHub(o: {
  hubUrl: string;
  /** `owner/name` */
  repository: string;
  files: readonly string[];
  folder: string;
  report: (step: string, doneBytes?: number, ofBytes?: number) => void;
}): Promise<boolean> {
  for (const file of o.files) {
    const url = `${o.hubUrl.replace(/\/+$/, '')}/${o.repository}/resolve/main/${file}`;
    const path = join(o.folder, file);
    const onProgress = (done: number, of?: number): void => o.report(`downloading ${file}`, done, of);
    const answer = await download({ url, path, onProgress }).catch(() => null);
    if (answer === null) return false;
    const found = await digestOfFile(path);
    if (answer.digest !== null && found !== answer.digest) {
      throw fail('ENCODER_INVALID', { path: url, detail: `its digest is ${found}, the hub says ${answer.digest}` });
    }
  }
  return true;
}

/** @returns the digest that the hub gives for large files, null for small ones */
async function download(o: {
  url: string;
  path: string;
  onProgress: (doneBytes: number, ofBytes?: number) => void;
}): Promise<{ digest: string | null }> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), ANSWER_TIMEOUT_MS);
  try {
    // Large files are redirected to a store; only the hub's own answer carries their digest.
    const first = await fetch(o.url, { signal: abort.signal, redirect: 'manual' });
    const location = first.headers.get('location');
    const answer = location === null ? first : await fetch(new URL(location, o.url), { signal: abort.signal });
    if (!answer.ok || answer.body === null) throw new Error(`${o.url} answers ${answer.status}`);
    const announced = Number(answer.headers.get('content-length') ?? NaN);
    let done = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), STALL_TIMEOUT_MS);
        done += chunk.length;
        o.onProgress(done, Number.isNaN(announced) ? undefined : announced);
        next(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body), counter, createWriteStream(o.path));
    const etag = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(first.headers.get('x-linked-etag') ?? '');
    return { digest: etag?.[1] === undefined ? null : `sha256:${etag[1]}` };
  } finally {
    clearTimeout(timer);
  }
}
