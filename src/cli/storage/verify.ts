/** Reads every artifact that a row needs and compares digests and sizes. */
import { MtmtError } from '../../errors.ts';
import { hashOf } from '../../storage/key.ts';
import type { Storage } from '../../storage/storage.ts';
import { referencedArtifacts, type ReferencedArtifact } from '../../store/artifacts.ts';
import type { Store } from '../../store/store.ts';
import type { Output } from '../client/terminal.ts';

/** Prints each that is bad, by both values. @returns how many artifacts are */
export async function verify({ store, storage, output }: { store: Store; storage: Storage; output: Output }): Promise<number> {
  const byKey = new Map<string, ReferencedArtifact[]>();
  for (const needed of await referencedArtifacts(store)) byKey.set(needed.key, [...(byKey.get(needed.key) ?? []), needed]);
  let [looked, bad, readBytes] = [0, 0, 0];
  for (const [key, rows] of byKey) {
    output.status(`${looked} of ${byKey.size} artifacts, ${(readBytes / 1e6).toFixed(0)} MB`);
    const { faults, sizeBytes } = await look(storage, key, rows);
    for (const fault of faults) output.line(`BAD  ${fault}`);
    looked++;
    readBytes += sizeBytes;
    if (faults.length > 0) bad++;
  }
  output.line(`${storage.place}: ${byKey.size} artifacts (${(readBytes / 1e6).toFixed(1)} MB), ${bad === 0 ? 'all as they were written' : `${bad} bad`}`);
  return bad;
}

async function look(storage: Storage, key: string, rows: readonly ReferencedArtifact[]): Promise<{ faults: string[]; sizeBytes: number }> {
  let sizeBytes = 0;
  try {
    for await (const chunk of storage.read(key)) sizeBytes += (chunk as Buffer).length;
  } catch (error) {
    if (!(error instanceof MtmtError) || error.code === 'STORAGE_UNAVAILABLE') throw error;
    return { faults: rows.map(({ row }) => `${row}: ${error.message}`), sizeBytes };
  }
  const found = `sha256:${hashOf(key)}`;
  const faults = rows.flatMap(({ row, digest, sizeBytes: expected }) => [
    ...(digest === found ? [] : [`${row}: ${key} has the digest ${found}, expected ${digest}`]),
    ...(expected === null || expected === sizeBytes ? [] : [`${row}: ${key} has ${sizeBytes} bytes, expected ${expected}`]),
  ]);
  return { faults, sizeBytes };
}
