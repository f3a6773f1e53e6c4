/** What a run reads before it trains: its corpora by role, uploaded pairs, and its teachers' checkpoints. */
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

type Place = Pick<Corpus, 'datasetId' | 'language' | 'split'>;

export interface Material extends Pick<TrainingRequest, 'train' | 'dev' | 'unlabeled' | 'pairs' | 'teachers'> {
  readonly test: readonly Corpus[];
  readonly testPairs: readonly { readonly place: Place; readonly pairs: readonly WordPair[] }[];
  /** Languages with labels to train on. */
  readonly sourceLanguages: ReadonlySet<string>;
}

export async function loadMaterial(o: { store: Store; storage: Storage; run: RunRecord; encoder: InstalledEncoder }): Promise<Material> {
  const { storage, run } = o;
  const of = (role: string): RunRecord['datasets'] => run.datasets.filter((dataset) => dataset.role === role);
  const corpora = async (role: string): Promise<Corpus[]> => {
    const loaded: Corpus[] = [];
    for (const { dataset } of of(role)) if (dataset.kind !== 'pairs') loaded.push(await loadCorpus(storage, dataset));
    return loaded;
  };
  const pairSets = async (role: string): Promise<{ place: Place; pairs: WordPair[] }[]> => {
    const sets: { place: Place; pairs: WordPair[] }[] = [];
    for (const { dataset } of of(role)) if (dataset.kind === 'pairs') sets.push({ place: dataset, pairs: await pairsOf(storage, dataset.storageKey) });
    return sets;
  };
  const pairs = async (role: string): Promise<WordPair[]> => (await pairSets(role)).flatMap((set) => set.pairs);
  const train = await corpora('train');
  return {
    train,
    dev: await corpora('dev'),
    test: await corpora('test'),
    unlabeled: await corpora('unlabeled'),
    pairs: { train: await pairs('train'), dev: await pairs('dev') },
    testPairs: await pairSets('test'),
    teachers: { recognizers: await teachers(o, 'recognizer'), evaluators: await teachers(o, 'evaluator') },
    sourceLanguages: new Set(of('train').map(({ dataset }) => dataset.language)),
  };
}

async function pairsOf(storage: Storage, key: string): Promise<WordPair[]> {
  const pairs: WordPair[] = [];
  for await (const pair of readPairs(storage, key)) pairs.push(pair);
  return pairs;
}

async function teachers({ store, storage, run, encoder }: { store: Store; storage: Storage; run: RunRecord; encoder: InstalledEncoder }, role: string): Promise<LoadedCheckpoint[]> {
  const loaded: LoadedCheckpoint[] = [];
  for (const teacher of run.teachers.filter((each) => each.role === role)) {
    const { checkpointId, teacherRunId } = teacher;
    const row = checkpointId === null ? await bestCheckpoint(store, teacherRunId) : await findCheckpoint(store, checkpointId);
    if (row === null) throw fail('TEACHER_WITHOUT_CHECKPOINT', { runId: teacherRunId });
    const manifest = parseManifest(row.manifest);
    assertMatches(manifest, encoder);
    loaded.push(await loadCheckpoint(storage, { storageKey: row.storageKey, manifest }));
  }
  return loaded;
}
