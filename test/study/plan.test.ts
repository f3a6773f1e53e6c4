import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTrainedSo, planStudy, resolvedOptions, type StudyDataset, type StudyRequest } from '../../src/study/plan.ts';

const set = (language: string, use: 'train' | 'dev' | 'test' | 'unlabeled', labels = ['LOC', 'PER']): StudyDataset => ({
  datasetId: `ds_${language}_${use}`,
  name: `${language} ${use}`,
  kind: use === 'unlabeled' ? 'unlabeled' : 'labeled',
  language,
  split: use === 'unlabeled' ? 'train' : use,
  digest: `sha256:${language}${use}`,
  labels: use === 'unlabeled' ? [] : labels,
  sentences: 10,
  words: 100,
});
const DATASETS = [set('en', 'train'), set('en', 'dev'), set('en', 'test'), set('es', 'unlabeled'), set('es', 'dev'), set('es', 'test'), set('de', 'unlabeled'), set('zh', 'dev', ['LOC', 'TIME'])];
const REQUEST: StudyRequest = { datasets: DATASETS, encoder: 'tiny', options: { epochs: 2 }, studentOptions: { learningRate: 5e-5 }, seeds: 2, systems: null, timedSteps: null };

test('A seed has a recognizer, an evaluator and a student for each ablation, teachers first', () => {
  const { runs } = planStudy(REQUEST);
  assert.deepEqual(
    runs.map(({ name }) => name),
    [1, 2].flatMap((seed) => ['recognizer', 'evaluator', 'recognition', 'similarity', 'alpha', 'beta', 'gamma', 'agreement'].map((what) => `seed ${seed} ${what}`)),
  );
  const of = (seed: number, kind: string): string | undefined => runs.find((run) => run.seed === seed && run.kind === kind)?.key;
  for (const run of runs.filter(({ kind }) => kind === 'student')) assert.deepEqual(run.teachers, { recognizers: [of(run.seed, 'recognizer')], evaluators: [of(run.seed, 'evaluator')] });
  assert.equal(new Set(runs.map(({ key }) => key)).size, runs.length);
});

test('Each ablation adds one ingredient to the one before', () => {
  const { runs } = planStudy({ ...REQUEST, seeds: 1 });
  const weights = runs.filter(({ kind }) => kind === 'student').map((run) => {
    const { similarityWeight, alpha, beta, gamma, formShare, neighbourShare, epochs, learningRate } = resolvedOptions(run);
    assert.deepEqual([epochs, learningRate], [2, 5e-5]);
    return [similarityWeight, alpha, beta, gamma, formShare, neighbourShare];
  });
  assert.deepEqual(weights, [
    [0, false, 'none', false, 0, 0],
    [0.5, false, 'none', false, 0, 0],
    [0.5, true, 'none', false, 0, 0],
    [0.5, true, 'shifted', false, 0, 0],
    [0.5, true, 'shifted', true, 0, 0],
    [0.5, true, 'shifted', true, 0.3, 0.4],
  ]);
});

test('Students of the default options are a system of their own where they differ from the whole method', () => {
  const { systems, runs } = planStudy({ ...REQUEST, studentOptions: { gamma: false, similarityWeight: 2, formShare: 0, neighbourShare: 0 } });
  assert.deepEqual(systems.map(({ systemId }) => systemId), ['transfer', 'recognition', 'similarity', 'alpha', 'beta', 'gamma', 'agreement']); // the default is "beta" here
  assert.equal(runs.find(({ systemId }) => systemId === 'similarity')?.options.similarityWeight, 2);
  const other = planStudy({ ...REQUEST, studentOptions: { alpha: false } });
  assert.equal(other.systems.at(-1)?.systemId, 'default');
});

test('Targets’ raw text is learnt from by one student, and target dev sets go along where a run takes their labels', () => {
  const { runs } = planStudy(REQUEST);
  const [recognizer, evaluator, student] = runs;
  assert.deepEqual(recognizer?.datasets, { train: ['ds_en_train'], dev: ['ds_en_dev', 'ds_es_dev'], test: ['ds_en_test', 'ds_es_test'], unlabeled: ['ds_es_unlabeled', 'ds_de_unlabeled'] });
  assert.deepEqual(evaluator?.datasets, { train: ['ds_en_train'], dev: ['ds_en_dev'], test: ['ds_en_test'] });
  assert.deepEqual(student?.datasets, { unlabeled: ['ds_es_unlabeled', 'ds_de_unlabeled'], dev: ['ds_en_dev', 'ds_es_dev'], test: ['ds_en_test', 'ds_es_test'] });
});

test('Teachers get no option of students', () => {
  const { runs } = planStudy({ ...REQUEST, options: { alpha: true, pairBalance: 0.4, epochs: 1 } });
  assert.deepEqual([runs[0]?.options, runs[1]?.options], [{ epochs: 1 }, { pairBalance: 0.4, epochs: 1 }]);
});

test('A key is of content: ids do not change it; data, options, encoder, seed and teachers do', () => {
  const keysOf = (change: Partial<StudyRequest>): string[] => planStudy({ ...REQUEST, seeds: 1, ...change }).runs.map(({ key }) => key);
  const keys = keysOf({});
  assert.deepEqual(keysOf({ datasets: DATASETS.map((each) => ({ ...each, datasetId: `${each.datasetId}x` })) }), keys);
  assert.deepEqual(keysOf({ seeds: 2 }).slice(0, keys.length), keys);
  const shared = (change: Partial<StudyRequest>): number => keysOf(change).filter((key) => keys.includes(key)).length;
  assert.equal(shared({ encoder: 'other' }), 0);
  assert.equal(shared({ options: { epochs: 3 } }), 0, 'students follow their teachers');
  assert.equal(shared({ datasets: DATASETS.map((each) => ({ ...each, digest: `${each.digest}x` })) }), 0);
  assert.equal(shared({ studentOptions: { learningRate: 1e-5 } }), 2, 'the teachers stay');
});

test('A run of before counts while every option it had is what the plan wants today', () => {
  const [planned] = planStudy(REQUEST).runs;
  assert.ok(planned);
  const trained = resolvedOptions(planned);
  assert.equal(isTrainedSo(planned, trained), true);
  assert.equal(isTrainedSo(planned, { ...trained, dropout: 0.3 }), false);
  const { dropout: _, ...older } = trained;
  assert.equal(isTrainedSo(planned, older as typeof trained), true);
});

test('Only the systems that are asked for are trained, beside direct transfer, with the teachers they need', () => {
  const namesOf = (systems: string[]): string[] => planStudy({ ...REQUEST, seeds: 1, systems }).runs.map(({ name }) => name.replace('seed 1 ', ''));
  assert.deepEqual(namesOf(['transfer']), ['recognizer']);
  assert.deepEqual(namesOf(['gamma', 'alpha']), ['recognizer', 'evaluator', 'alpha', 'gamma']);
  assert.deepEqual(namesOf(['article']), ['recognizer', 'teacher of article', 'article']);
  assert.deepEqual(planStudy({ ...REQUEST, systems: ['default'] }).systems.map(({ systemId }) => systemId), ['transfer', 'default']);
});

test('The article’s student has the article’s options, and one teacher of both tasks in both roles', () => {
  const { runs } = planStudy({ ...REQUEST, systems: ['article', 'gamma'] });
  for (const seed of [1, 2]) {
    const teacher = runs.find((run) => run.kind === 'teacher' && run.seed === seed) ?? assert.fail();
    const student = runs.find((run) => run.systemId === 'article' && run.seed === seed) ?? assert.fail();
    assert.deepEqual(student.teachers, { recognizers: [teacher.key], evaluators: [teacher.key] });
    const { preset, objective, heads, epochs, learningRate } = resolvedOptions(student);
    assert.deepEqual({ preset, objective, heads, epochs, learningRate }, { preset: 'article', objective: 'article', heads: 'two', epochs: 2, learningRate: 5e-5 });
    assert.deepEqual([teacher.systemId, teacher.options, teacher.datasets], [null, { preset: 'article', epochs: 2 }, runs[0]?.datasets]);
    assert.equal(resolvedOptions(teacher).pairDraw, 'uniform');
  }
});

test('An ensemble learns from the teachers of every seed, once for each seed of the student, when all else is done', () => {
  const { systems, runs } = planStudy({ ...REQUEST, systems: ['default', 'ensemble'] });
  assert.deepEqual(systems.map(({ systemId }) => systemId), ['transfer', 'default', 'ensemble']);
  assert.deepEqual(runs.map(({ name }) => name), ['seed 1 recognizer', 'seed 1 evaluator', 'seed 1 default', 'seed 2 recognizer', 'seed 2 evaluator', 'seed 2 default', 'seed 1 ensemble', 'seed 2 ensemble']);
  const keys = (kind: string): string[] => runs.filter((run) => run.kind === kind).map(({ key }) => key);
  for (const run of runs.slice(-2)) assert.deepEqual(run.teachers, { recognizers: keys('recognizer'), evaluators: keys('evaluator') });
  assert.deepEqual(runs[6]?.options, runs[2]?.options);
  assert.equal(new Set(runs.map(({ key }) => key)).size, runs.length);
});

test('Timed students are few steps of the first seed, by both schedules, and in no table', () => {
  const { runs } = planStudy({ ...REQUEST, timedSteps: 7 });
  const timed = runs.filter(({ schedule }) => schedule !== null);
  assert.deepEqual(timed.map(({ schedule, options }) => [schedule, options.distil]), [['everyWord', 'everyWord'], ['oneWord', 'oneWord']]);
  for (const { seed, systemId, options, datasets, teachers } of timed) {
    assert.deepEqual([seed, systemId, options.maxSteps, options.selection, Object.keys(datasets)], [1, null, 7, 'last', ['unlabeled']]);
    assert.deepEqual(teachers?.recognizers, [runs[0]?.key]);
  }
});

test('A second round learns from the student of the first, and from the evaluator of its seed', () => {
  const { systems, runs } = planStudy({ ...REQUEST, seeds: 1, systems: ['rounds'] });
  assert.deepEqual(systems.map(({ systemId }) => systemId), ['transfer', 'agreement', 'rounds']);
  assert.deepEqual(runs.map(({ name }) => name), ['seed 1 recognizer', 'seed 1 evaluator', 'seed 1 agreement', 'seed 1 rounds']);
  const [, evaluator, first, second] = runs;
  assert.deepEqual(second?.teachers, { recognizers: [first?.key], evaluators: [evaluator?.key] });
  assert.deepEqual(second.datasets, first?.datasets);
});
