/** What a run reads: before it trains its corpora by role, uploaded pairs, and its teachers' checkpoints; test sets once it has been trained. */
import type { Logger } from 'pino';
import { loadCheckpoint, type LoadedCheckpoint } from '../checkpoints/load.ts';
import { assertMatches, parseManifest } from '../checkpoints/manifest.ts';
import type { Corpus } from '../corpora/corpus.ts';
import { loadCorpus, readPairs } from '../corpora/ingest.ts';
import type { WordPair } from '../corpora/pairs.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { bestCheckpoint, findCheckpoint } from '../store/checkpoints.ts';
import type { RunRecord } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { TrainingRequest } from '../training/request.ts';
import { persist } from './persist.ts';

export type Place = Pick<Corpus, 'datasetId' | 'language' | 'split'>;

export interface Material extends Pick<TrainingRequest, 'train' | 'dev' | 'unlabeled' | 'pairs' | 'teachers'> {
  /** Languages with labels to train on. */
  readonly sourceLanguages: ReadonlySet<string>;
}

export interface TestSets {
  readonly corpora: readonly Corpus[];
  readonly pairs: readonly PairSet[];
}

interface PairSet {
  readonly place: Place;
  readonly pairs: readonly WordPair[];
}

interface Sources {
  readonly store: Store;
  readonly storage: Storage;
  readonly log: Logger;
  readonly run: RunRecord;
  readonly encoder: InstalledEncoder;
}

/** All but the test sets, which nothing in training can then depend on. */
export async function loadMaterial(o: Sources): Promise<Material> {
  const { storage, run } = o;
  const pairs = async (role: string): Promise<WordPair[]> => (await pairSets(storage, run, role)).flatMap((set) => set.pairs);
  return {
    train: await corpora(storage, run, 'train'),
    dev: await corpora(storage, run, 'dev'),
    unlabeled: await corpora(storage, run, 'unlabeled'),
    pairs: { train: await pairs('train'), dev: await pairs('dev') },
    teachers: { recognizers: await teachers(o, 'recognizer'), evaluators: await teachers(o, 'evaluator') },
    sourceLanguages: new Set(run.datasets.filter(({ role }) => role === 'train').map(({ dataset }) => dataset.language)),
  };
}

export async function loadTests(storage: Storage, run: RunRecord): Promise<TestSets> {
  return { corpora: await corpora(storage, run, 'test'), pairs: await pairSets(storage, run, 'test') };
}

async function corpora(storage: Storage, run: RunRecord, wanted: string): Promise<Corpus[]> {
  const loaded: Corpus[] = [];
  for (const { role, dataset } of run.datasets) if (role === wanted && dataset.kind !== 'pairs') loaded.push(await loadCorpus(storage, dataset));
  return loaded;
}

async function pairSets(storage: Storage, run: RunRecord, wanted: string): Promise<PairSet[]> {
  const sets: PairSet[] = [];
  for (const { role, dataset } of run.datasets) if (role === wanted && dataset.kind === 'pairs') sets.push({ place: dataset, pairs: await pairsOf(storage, dataset.storageKey) });
  return sets;
}

async function pairsOf(storage: Storage, key: string): Promise<WordPair[]> {
  const pairs: WordPair[] = [];
  for await (const pair of readPairs(storage, key)) pairs.push(pair);
  return pairs;
}

async function teachers({ store, storage, log, run, encoder }: Sources, role: string): Promise<LoadedCheckpoint[]> {
  const loaded: LoadedCheckpoint[] = [];
  for (const teacher of run.teachers.filter((each) => each.role === role)) {
    const { checkpointId, teacherRunId } = teacher;
    const row = await persist(log, () => (checkpointId === null ? bestCheckpoint(store, teacherRunId) : findCheckpoint(store, checkpointId)));
    if (row === null) throw fail('TEACHER_WITHOUT_CHECKPOINT', { runId: teacherRunId });
    const manifest = parseManifest(row.manifest);
    assertMatches(manifest, encoder);
    loaded.push(await loadCheckpoint(storage, { storageKey: row.storageKey, manifest }));
  }
  return loaded;
}
