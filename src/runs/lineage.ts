/** The corpora that a run's weights have anything of: its own, and those of its teachers, of their teachers, and so on. */
import type { CardCorpus, CardTeacher } from '../checkpoints/card.ts';
import { parseManifest } from '../checkpoints/manifest.ts';
import { findLearned, manifestOfTeacher, type LearnedRun, type TeacherOfRun } from '../store/ancestry.ts';
import type { Store } from '../store/store.ts';
import { readsEvaluators } from '../training/distillation.ts';

export interface Lineage {
  /** Of the run itself; those alone that it asked. */
  readonly teachers: readonly CardTeacher[];
  /** One for each corpus and use; those of teachers first. */
  readonly corpora: readonly CardCorpus[];
  readonly nameOf: (datasetId: string) => string;
}

export async function lineageOf(store: Store, runId: string): Promise<Lineage> {
  const run = await findLearned(store, runId);
  const teachers = await teachersOf(store, run);
  const taught = await Promise.all(teachers.map(({ role, learned }) => corporaOf(store, learned, role)));
  const own = run.datasets.map((each) => corpusOf(each, useOf(run, each.role)));
  const names = new Map(run.datasets.map(({ dataset: { datasetId, name } }) => [datasetId, name]));
  return {
    teachers: await Promise.all(teachers.map(async ({ role, learned: { kind, runId: teacherRunId }, row }) => ({ role, kind, runId: teacherRunId, selections: await selectionsOf(store, row) }))),
    corpora: distinct([...taught.flat(), ...own]),
    nameOf: (datasetId) => names.get(datasetId) ?? datasetId,
  };
}

/** @param whose in words: `recognizer’s evaluator` */
async function corporaOf(store: Store, run: LearnedRun, whose: string): Promise<CardCorpus[]> {
  const above = await Promise.all((await teachersOf(store, run)).map(({ role, learned }) => corporaOf(store, learned, `${whose}’s ${role}`)));
  // what a teacher was measured on has left no trace in it, and the text of its estimates neither
  const left = run.datasets.filter(({ role }) => role === 'train' || role === 'dev' || (role === 'unlabeled' && run.kind === 'student'));
  return [...above.flat(), ...left.map((each) => corpusOf(each, `${useOf(run, each.role)} of the ${whose}`))];
}

interface Asked {
  readonly role: CardTeacher['role'];
  readonly learned: LearnedRun;
  readonly row: TeacherOfRun;
}

/** An evaluator that a student's options never ask has taught it nothing. */
async function teachersOf(store: Store, { options, teachers }: LearnedRun): Promise<Asked[]> {
  const asked = readsEvaluators(options) ? teachers : teachers.filter(({ role }) => role === 'recognizer');
  return Promise.all(asked.map(async (row) => ({ role: row.role === 'evaluator' ? 'evaluator' : 'recognizer', learned: await findLearned(store, row.teacherRunId), row })));
}

async function selectionsOf(store: Store, row: TeacherOfRun): Promise<readonly string[]> {
  const manifest = await manifestOfTeacher(store, row);
  return manifest === null ? [] : (parseManifest(manifest).selections ?? []);
}

function useOf({ kind }: LearnedRun, role: string): string {
  return role === 'unlabeled' && kind !== 'student' ? 'estimates without gold tags' : role;
}

function corpusOf({ dataset: { name, kind, language, sentences, digest } }: LearnedRun['datasets'][number], role: string): CardCorpus {
  return { name, kind, role, language, sentences, digest };
}

/** Teachers of an ensemble mostly share their corpora. */
function distinct(corpora: readonly CardCorpus[]): CardCorpus[] {
  return [...new Map(corpora.map((corpus) => [JSON.stringify(corpus), corpus])).values()];
}
