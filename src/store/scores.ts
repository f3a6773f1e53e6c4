/** Counts of runs on datasets, one row a label; and of each decoding and choice of the checkpoint, sentence by sentence. */
import type { Score, ScoreVariant } from './generated/client.ts';
import { isCurrent } from './locks.ts';
import type { Store } from './store.ts';

export type ScoreRecord = Omit<Score, 'createdAt'>;
export type NewScore = Omit<ScoreRecord, 'runId'>;
export type VariantRecord = Omit<ScoreVariant, 'sentenceCounts' | 'alphaBins'>;
export type DetailedVariant = ScoreVariant;
type Scored = Pick<ScoreRecord, 'runId' | 'datasetId'>;
export type NewVariant = Omit<ScoreVariant, 'runId' | 'sentenceCounts' | 'alphaBins'> & { readonly sentenceCounts: readonly number[]; readonly alphaBins: readonly number[] };

interface Filter {
  readonly language?: string | undefined;
  readonly split?: string | undefined;
}

/** Replaces what the run has for the same dataset and label, or dataset, selection and decoding. @returns false when the run has moved on */
export async function saveScores(store: Store, run: { runId: string; attempt: number }, rows: readonly NewScore[], variants: readonly NewVariant[] = []): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, run))) return false;
    const { runId } = run;
    await transaction.score.deleteMany({ where: { runId, OR: rows.map(({ datasetId, label }) => ({ datasetId, label })) } });
    await transaction.score.createMany({ data: rows.map((row) => ({ ...row, runId })) });
    await transaction.scoreVariant.deleteMany({ where: { runId, OR: variants.map(({ datasetId, selection, decoding }) => ({ datasetId, selection, decoding })) } });
    await transaction.scoreVariant.createMany({ data: variants.map(({ sentenceCounts, alphaBins, ...row }) => ({ ...row, runId, sentenceCounts: [...sentenceCounts], alphaBins: [...alphaBins] })) });
    return true;
  });
}

/** All labels ("" first) of all datasets, by run. */
export async function listScores(store: Store, runIds: readonly string[], { language, split }: Filter = {}): Promise<ScoreRecord[]> {
  const filter = { ...(language !== undefined && { language }), ...(split !== undefined && { split }) };
  const rows = await store.score.findMany({
    where: { runId: { in: [...runIds] }, ...filter },
    orderBy: [{ runId: 'asc' }, { language: 'asc' }, { split: 'asc' }, { datasetId: 'asc' }, { label: 'asc' }],
  });
  return rows.map(({ createdAt: _, ...row }) => row);
}

/** Sorted. */
export async function scoredLanguages(store: Store, runId: string): Promise<string[]> {
  const rows = await store.score.findMany({ where: { runId }, distinct: ['language'], select: { language: true }, orderBy: { language: 'asc' } });
  return rows.map(({ language }) => language);
}

const VARIANT_ORDER = [{ runId: 'asc' }, { datasetId: 'asc' }, { selection: 'asc' }, { decoding: 'asc' }] as const;

/** Those of the scores' runs and datasets, without the long lists. */
export async function listVariants(store: Store, scores: readonly Scored[]): Promise<VariantRecord[]> {
  return store.scoreVariant.findMany({ where: placesOf(scores), orderBy: [...VARIANT_ORDER], omit: { sentenceCounts: true, alphaBins: true } });
}

/** The long lists have three counts a sentence, so that nothing is read but what the scores are of. */
export async function listDetailedVariants(store: Store, scores: readonly Scored[]): Promise<DetailedVariant[]> {
  return store.scoreVariant.findMany({ where: placesOf(scores), orderBy: [...VARIANT_ORDER] });
}

function placesOf(scores: readonly Scored[]): { runId: { in: string[] }; datasetId: { in: string[] } } {
  const distinct = (ids: readonly string[]): { in: string[] } => ({ in: [...new Set(ids)] });
  return { runId: distinct(scores.map(({ runId }) => runId)), datasetId: distinct(scores.map(({ datasetId }) => datasetId)) };
}
