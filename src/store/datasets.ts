/** Rows of datasets; their content lies in artifact storage. */
import { fail } from '../errors.ts';
import type { Dataset, DatasetKind, Split } from './generated/client.ts';
import { newId } from './ids.ts';
import { afterCursor, toPage, type Page, type PageRequest } from './page.ts';
import { LIVE } from './statuses.ts';
import { isUniqueViolation, toJson, type Store, type StoreOrTransaction } from './store.ts';

export type { DatasetKind, Split } from './generated/client.ts';
/** `entities` is a count for each label; `sizeBytes` a number (files stay below 2^53 bytes). */
export interface DatasetRecord extends Omit<Dataset, 'entities' | 'sizeBytes' | 'activeName'> {
  readonly entities: Record<string, number>;
  readonly sizeBytes: number;
}
export type NewDataset = Pick<DatasetRecord, 'name' | 'kind' | 'language' | 'split' | 'format' | 'tagScheme' | 'sentences' | 'words' | 'entities' | 'pairs' | 'digest' | 'sizeBytes' | 'storageKey'> & {
  readonly labels: readonly string[];
  readonly warnings: readonly string[];
};

/**
 * The same content under the same name gives the row that is there.
 * @throws DATASET_NAME_TAKEN where the name has other content
 */
export async function createDataset(store: Store, dataset: NewDataset): Promise<{ dataset: DatasetRecord; isNew: boolean }> {
  const { labels, warnings, entities, sizeBytes, ...rest } = dataset;
  try {
    const row = await store.dataset.create({
      data: { ...rest, datasetId: newId('ds'), activeName: dataset.name, labels: [...labels], warnings: [...warnings], entities: toJson(entities), sizeBytes: BigInt(sizeBytes) },
    });
    return { dataset: toRecord(row), isNew: true };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const known = await findDatasetByName(store, dataset.name);
    if (known === null) return createDataset(store, dataset); // deleted in between
    const isSame = (['kind', 'language', 'split', 'digest'] as const).every((key) => known[key] === dataset[key]);
    if (!isSame) throw fail('DATASET_NAME_TAKEN', { name: dataset.name, expected: known.digest, found: dataset.digest });
    return { dataset: known, isNew: false };
  }
}

export async function findDataset(store: StoreOrTransaction, datasetId: string): Promise<DatasetRecord | null> {
  const row = await store.dataset.findFirst({ where: { datasetId, deletedAt: null } });
  return row === null ? null : toRecord(row);
}

export async function findDatasetByName(store: Store, name: string): Promise<DatasetRecord | null> {
  const row = await store.dataset.findUnique({ where: { activeName: name } });
  return row === null ? null : toRecord(row);
}

export interface DatasetFilter {
  readonly kind?: DatasetKind | undefined;
  readonly language?: string | undefined;
  readonly split?: Split | undefined;
  readonly name?: string | undefined;
}

export async function listDatasets(store: Store, { limit, cursor, kind, language, split, name }: PageRequest & DatasetFilter): Promise<Page<DatasetRecord>> {
  const filter = { ...(kind && { kind }), ...(language && { language }), ...(split && { split }), ...(name && { name }) };
  const rows = await store.dataset.findMany({
    where: { deletedAt: null, ...filter, ...afterCursor(cursor, 'datasetId') },
    orderBy: [{ createdAt: 'desc' }, { datasetId: 'desc' }],
    take: limit + 1,
  });
  const { items, nextCursor } = toPage(rows, limit, (row) => row.datasetId);
  return { items: items.map(toRecord), nextCursor };
}

/**
 * The row stays for the runs that used it; its name is free again.
 * @throws DATASET_NOT_FOUND, DATASET_IN_USE naming a live run
 */
export async function deleteDataset(store: Store, datasetId: string): Promise<void> {
  await store.$transaction(async (transaction) => {
    // the lock keeps a run that is being made from slipping in between the check and the deletion: its rows reference this one
    const locked = await transaction.$queryRaw<unknown[]>`select 1 from "Dataset" where "datasetId" = ${datasetId} and "deletedAt" is null for update`;
    if (locked.length === 0) throw fail('DATASET_NOT_FOUND', { datasetId });
    const used = await transaction.runDataset.findFirst({ where: { datasetId, run: { status: { in: LIVE } } } });
    if (used !== null) throw fail('DATASET_IN_USE', { datasetId, runId: used.runId });
    await transaction.dataset.update({ where: { datasetId }, data: { deletedAt: new Date(), activeName: null } });
  });
}

export function toRecord({ activeName: _, entities, sizeBytes, ...row }: Dataset): DatasetRecord {
  return { ...row, entities: entities as Record<string, number>, sizeBytes: Number(sizeBytes) };
}
