/** Removes artifacts that no row needs. */
import { fail } from '../../errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { deleteSuperseded, isReferenced, referencedArtifacts, supersededCheckpoints } from '../../store/artifacts.ts';
import type { Store } from '../../store/store.ts';
import type { Output } from '../client/terminal.ts';

/** An artifact is written before its row is: what is younger may be about to get one. */
const SAFE_MS = 60 * 60_000;
/** No write takes as long. */
const LEFTOVER_MS = 24 * 60 * 60_000;

export interface CollectOptions {
  readonly store: Store;
  readonly storage: Storage;
  readonly isDryRun: boolean;
  /** Goes on where the database needs nothing of what is there. */
  readonly isEmptyFine: boolean;
  readonly output: Output;
}

export interface Collected {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
}

/** @throws STORAGE_FOREIGN */
export async function collect(o: CollectOptions): Promise<Collected> {
  const { store, storage, output, isDryRun } = o;
  await dropSuperseded(o);
  const { garbage, kept } = await sorted(o);
  let [removed, removedBytes] = [0, 0];
  for (const { key, sizeBytes } of garbage) {
    output.status(`${removed} of ${garbage.length} removed`);
    // a dataset that was uploaded meanwhile, or again, may have the same content
    if (!isDryRun && ((await isReferenced(store, key)) || !isOld((await storage.stat(key))?.modifiedAt))) continue;
    if (!isDryRun) await storage.remove(key);
    removed++;
    removedBytes += sizeBytes;
    output.line(`${isDryRun ? 'would remove' : 'removed'} ${key} (${size(sizeBytes)})`);
  }
  const leftovers = isDryRun ? 0 : await storage.removeLeftovers(new Date(Date.now() - LEFTOVER_MS));
  if (leftovers > 0) output.line(`removed ${leftovers} of writes that were cut off`);
  output.line(`${storage.place}: ${isDryRun ? 'would remove' : 'removed'} ${removed} artifacts (${size(removedBytes)}), kept ${kept}`);
  return { removed, removedBytes, kept };
}

async function dropSuperseded({ store, isDryRun, output }: CollectOptions): Promise<void> {
  const count = isDryRun ? (await supersededCheckpoints(store)).length : await deleteSuperseded(store);
  if (count > 0) output.line(`${isDryRun ? 'would forget' : 'forgot'} ${count} checkpoints of attempts that were cut off`);
}

/** A dry run shows what is garbage now; checkpoints that would be forgotten still need theirs. */
async function sorted({ store, storage, output, isEmptyFine }: CollectOptions): Promise<{ garbage: { key: string; sizeBytes: number }[]; kept: number }> {
  const needed = new Set((await referencedArtifacts(store)).map(({ key }) => key));
  const garbage: { key: string; sizeBytes: number }[] = [];
  let [looked, found, kept] = [0, 0, 0];
  for await (const { key, sizeBytes, modifiedAt } of storage.list()) {
    if (looked++ % 1000 === 0) output.status(`looked at ${looked} artifacts`);
    if (needed.has(key)) found++;
    if (needed.has(key) || !isOld(modifiedAt)) kept++;
    else garbage.push({ key, sizeBytes });
  }
  if (garbage.length > 0 && found === 0 && !isEmptyFine) throw fail('STORAGE_FOREIGN', { place: storage.place, count: garbage.length });
  return { garbage, kept };
}

function isOld(modifiedAt: Date | undefined): boolean {
  return modifiedAt !== undefined && Date.now() - modifiedAt.getTime() > SAFE_MS;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
