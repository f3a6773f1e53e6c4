import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import { loadRecognizer } from '../../src/inference/load.ts';
import { loadBackend, nodeBackend, tf } from '../../src/tensor/backend.ts';
import { resolveOptions } from '../../src/training/options.ts';
import type { TrainingReport } from '../../src/training/request.ts';
import type { NamedTensors } from '../../src/tensor/safetensors.ts';
import { decode } from '../../src/scoring/viterbi.ts';
import { corpus, encoder, loaded, run, SIZES } from './tiny-run.ts';

before(() => loadBackend({ device: 'cpu' }));

const lossesOf = (reports: readonly TrainingReport[]): number[] => reports.flatMap((report) => (report.type === 'step' ? [report.loss] : []));

test('three sentences are learned by heart', async (t) => {
  const { model, reports } = await run(t, { epochs: 60, learningRate: 1e-2, dropout: 0, schedule: 'constant' });
  const losses = lossesOf(reports);
  assert.ok((losses.at(-1) ?? 1) < 0.05, `the last loss is ${losses.at(-1)}, the first ${losses[0]}`);
  const recognized = await model.recognizer?.recognize(corpus.sentences.map(({ tokens }) => tokens));
  assert.deepEqual(
    recognized?.map(({ probs }) => decode(probs, model.recognizer!.labels, 'argmax')),
    corpus.sentences.map(({ tags }) => tags),
  );
});

test('the same seed gives the same losses to the bit, another one others', async (t) => {
  const [first, again, other] = [await run(t, { epochs: 3 }), await run(t, { epochs: 3 }), await run(t, { epochs: 3 }, { seed: 2 })];
  assert.deepEqual(lossesOf(again.reports), lossesOf(first.reports));
  assert.notDeepEqual(lossesOf(other.reports), lossesOf(first.reports));
});

test('the last step’s weights are the mean over the last part of the training, which goes on as without', async (t) => {
  const options = { epochs: 3, accumulation: 1, schedule: 'constant', warmupRatio: 0, dropout: 0 } as const;
  const [averaged, second, first] = [await run(t, { ...options, maxSteps: 2 }), await run(t, { ...options, maxSteps: 2, averagedShare: 0 }), await run(t, { ...options, maxSteps: 1, averagedShare: 0 })];
  const weightsOf = ({ reports }: { reports: readonly TrainingReport[] }): NamedTensors => reports.flatMap((report) => (report.type === 'checkpoint' ? [report.tensors] : [])).at(-1) ?? {};
  const [mean, a, b] = [weightsOf(averaged), weightsOf(first), weightsOf(second)];
  assert.deepEqual(lossesOf(averaged.reports), lossesOf(second.reports));
  assert.notDeepEqual(a['head.weight'], b['head.weight']);
  for (const [name, { data }] of Object.entries(mean)) {
    for (let i = 0; i < data.length; i++) assert.ok(Math.abs((data[i] ?? NaN) - ((a[name]?.data[i] ?? NaN) + (b[name]?.data[i] ?? NaN)) / 2) < 1e-6, `${name} ${i}`);
  }
  const words = corpus.sentences.map(({ tokens }) => tokens);
  const [ofMean, ofLast] = [await averaged.model.recognizer?.recognize(words), await second.model.recognizer?.recognize(words)];
  assert.notDeepEqual(ofMean, ofLast, 'the model tags with the mean');
});

test('a loss that is no number ends the run with a code and the step', async (t) => {
  await assert.rejects(run(t, { epochs: 5, learningRate: 1e30, schedule: 'constant' }), { code: 'LOSS_NOT_FINITE', message: /at step \d+; a lower learning rate may help/ });
});

test('a run leaves no tensor behind once its model is disposed', async (t) => {
  (await run(t, { epochs: 1 })).model.dispose();
  const before = { js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() };
  (await run(t, { epochs: 1 })).model.dispose();
  assert.deepEqual({ js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() }, before);
});

test('frozen weights are not in the checkpoint, and an aborted run throws the reason', async (t) => {
  const { reports } = await run(t, { epochs: 1, frozenLayers: 1 });
  const checkpoint = reports.find((report) => report.type === 'checkpoint');
  const names = Object.keys(checkpoint?.tensors ?? {});
  assert.ok(names.includes('head.weight') && names.some((name) => name.startsWith('layers.1.')));
  assert.ok(!names.some((name) => name.startsWith('embeddings.') || name.startsWith('layers.0.')));
  await assert.rejects(run(t, { epochs: 1 }, { signal: AbortSignal.abort(new Error('cancelled')) }), /cancelled/);
});

test('a student comes close to its teachers on text without tags, and has not seen the tags', async (t) => {
  const options = { epochs: 60, learningRate: 1e-2, dropout: 0, schedule: 'constant' } as const;
  const recognizer = await run(t, options);
  const evaluator = await run(t, options, { kind: 'evaluator', options: resolveOptions('evaluator', { maxPieces: 32, batchPieces: 64, ...options }) });
  const teachers = {
    recognizers: [loaded('recognizer', recognizer.reports, options)],
    evaluators: [loaded('evaluator', evaluator.reports, options)],
  };
  const wrong = corpus.sentences.map(({ tokens }) => ({ tokens, tags: tokens.map(() => 'B-PER') }));
  const unlabeled = [{ ...corpus, language: 'es', sentences: wrong }];
  const studied = { maxPieces: 32, batchPieces: 64, ...options, start: 'encoder', formShare: 0, neighbourShare: 0 } as const;
  const student = await run(t, {}, { kind: 'student', options: resolveOptions('student', studied), train: [], unlabeled, teachers });
  const losses = lossesOf(student.reports);
  const [first = 0, last = Infinity] = [losses[0], losses.at(-1)];
  // not to zero: the cross-entropy of soft similarities ends at their entropy
  assert.ok(last < 0.6 * first, `the last loss is ${last}, the first ${first}`);
  const words = corpus.sentences.map(({ tokens }) => tokens);
  const [taught = [], learned = []] = [await recognizer.model.recognizer?.recognize(words), await student.model.recognizer?.recognize(words)];
  const distances = taught.flatMap(({ probs }, sentence) => [...probs].map((value, index) => Math.abs(value - (learned[sentence]?.probs[index] ?? NaN))));
  assert.ok(Math.max(...distances) < 0.25, `one probability is ${Math.max(...distances)} away from the teacher's`);
});

test('the article’s teacher teaches a student with two heads, which is saved with one and predicts as it did in training', async (t) => {
  const quick = { maxPieces: 32, batchPieces: 64, epochs: 8, learningRate: 1e-2, dropout: 0, schedule: 'constant', preset: 'article' } as const;
  const teacher = await run(t, {}, { kind: 'teacher', options: resolveOptions('teacher', quick) });
  const teachers = { recognizers: [loaded('teacher', teacher.reports, quick)], evaluators: [loaded('teacher', teacher.reports, quick)] };
  const text = { ...corpus, language: 'es' };
  const student = await run(t, {}, { kind: 'student', options: resolveOptions('student', quick), train: [], unlabeled: [text], dev: [{ ...corpus, split: 'dev' }], teachers });
  const checkpoints = student.reports.filter((report) => report.type === 'checkpoint');
  for (const { tensors } of checkpoints) assert.deepEqual(Object.keys(tensors).filter((name) => /head/i.test(name)).sort(), ['head.bias', 'head.weight']);
  const best = checkpoints.filter(({ isBest }) => isBest);
  const saved = await loadRecognizer({ encoder, checkpoint: loaded('student', best, quick) });
  t.after(() => saved.dispose());
  const words = corpus.sentences.map(({ tokens }) => tokens);
  const [found, expected = []] = [await saved.recognize(words), await student.model.recognizer?.recognize(words)];
  found.forEach(({ probs }, sentence) => probs.forEach((value, index) => assert.ok(Math.abs(value - (expected[sentence]?.probs[index] ?? NaN)) < 1e-5)));
});

test('a student that freezes what its recognizer has trained is saved with it, and predicts as it did in training', async (t) => {
  const whole = { ...SIZES, epochs: 6, learningRate: 1e-2, dropout: 0, freezeEmbeddings: false } as const;
  const recognizer = await run(t, whole);
  const evaluator = await run(t, {}, { kind: 'evaluator', options: resolveOptions('evaluator', { ...SIZES, epochs: 1 }) });
  const teachers = { recognizers: [loaded('recognizer', recognizer.reports, whole)], evaluators: [loaded('evaluator', evaluator.reports, {})] };
  const frozen = { ...SIZES, epochs: 1, frozenLayers: 1 } as const;
  const student = await run(t, {}, { kind: 'student', options: resolveOptions('student', frozen), train: [], unlabeled: [corpus], teachers });
  const saved = await loadRecognizer({ encoder, checkpoint: loaded('student', student.reports, frozen) });
  t.after(() => saved.dispose());
  const words = corpus.sentences.map(({ tokens }) => tokens);
  const [found, expected = []] = [await saved.recognize(words), await student.model.recognizer?.recognize(words)];
  found.forEach(({ probs }, sentence) => probs.forEach((p, i) => assert.ok(Math.abs(p - (expected[sentence]?.probs[i] ?? NaN)) < 1e-5, `sentence ${sentence}`)));
});

test('a student learns from one word of each sentence, from pairs of any two and without clipping', async (t) => {
  const options = { maxPieces: 32, batchPieces: 64, epochs: 60, learningRate: 1e-2, dropout: 0, schedule: 'constant' } as const;
  const teacher = await run(t, {}, { kind: 'teacher', options: resolveOptions('teacher', options) });
  const teachers = { recognizers: [loaded('teacher', teacher.reports, options)], evaluators: [loaded('teacher', teacher.reports, options)] };
  const own = { ...options, epochs: 120, learningRate: 3e-3, distil: 'oneWord', pairsPerWord: 2, pairDraw: 'uniform', clipNorm: null, similarityWeight: 0, alpha: false, gamma: false, start: 'encoder', formShare: 0, neighbourShare: 0 } as const;
  const student = await run(t, {}, { kind: 'student', options: resolveOptions('student', own), train: [], unlabeled: [corpus], teachers });
  const losses = lossesOf(student.reports);
  const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [first, last] = [meanOf(losses.slice(0, 5)), meanOf(losses.slice(-5))];
  assert.ok(last < 0.5 * first, `the last losses are ${last}, the first ${first}`);
});

/** Spanish dev that has no entity: no step is better than the first. */
const english: Corpus = { ...corpus, datasetId: 'ds_en', split: 'dev' };
const nothing: Corpus = { ...english, datasetId: 'ds_es', language: 'es', sentences: english.sentences.map(({ tokens }) => ({ tokens, tags: tokens.map(() => 'O') })) };

test('a run offers the weights of each choice that its dev sets allow, and has its own at the end', async (t) => {
  const options = { epochs: 60, learningRate: 1e-2, dropout: 0, schedule: 'constant' } as const;
  const { model, reports } = await run(t, options, { dev: [english, nothing] });
  const checkpoints = reports.filter((report) => report.type === 'checkpoint');
  const steps = Object.fromEntries(model.choices.map(({ selection, step }) => [selection, step]));
  assert.deepEqual([steps['target-dev'], steps['last']], [1, 60]);
  assert.ok(Number(steps['source-dev']) > 1 && Number(steps['source-dev']) < 60, `source-dev chose step ${steps['source-dev']}`);
  assert.deepEqual(
    checkpoints.map(({ step, isBest, isLast, selections, scores }) => [step, isBest, isLast, selections, scores]),
    [[1, false, false, ['target-dev'], { 'f1 by target-dev': 0 }], [60, false, true, ['last'], {}], [steps['source-dev'], true, false, ['source-dev'], { 'f1 by source-dev': 1 }]],
  );
  // each on its own weights and dev sets: before anything is learned a flatter distribution is likelier, and what has every word right is left as it is
  const [early, ...learned] = checkpoints.map(({ calibration }) => calibration ?? assert.fail('no calibration'));
  assert.ok(early !== undefined && early.temperature !== 1 && early.errorBefore !== early.errorAfter, JSON.stringify(early));
  assert.deepEqual(learned.map(({ temperature, words }) => [temperature, words]), [[1, 13], [1, 13]]);
  const words = corpus.sentences.map(({ tokens }) => tokens);
  const predicted = async (recognizer: typeof model.recognizer): Promise<Float32Array[]> => ((await recognizer?.recognize(words)) ?? []).map(({ probs }) => probs);
  const own = await predicted(model.recognizer);
  for (const { selection, step } of [...model.choices, { selection: model.selection, step: steps['source-dev'] }]) {
    const saved = await loadRecognizer({ encoder, checkpoint: loaded('recognizer', checkpoints.filter((each) => each.step === step), options) });
    t.after(() => saved.dispose());
    model.use(selection);
    const [found, expected] = [await predicted(model.recognizer), await predicted(saved)];
    found.forEach((probs, sentence) => probs.forEach((value, index) => assert.ok(Math.abs(value - (expected[sentence]?.[index] ?? NaN)) < 1e-5, `${selection} of step ${step}`)));
  }
  assert.deepEqual(await predicted(model.recognizer), own);
  model.use('target-dev');
  assert.notDeepEqual(await predicted(model.recognizer), own);
});

test('patience counts the scores of the run’s own selection, and none where no dev set allows it', async (t) => {
  const options = { epochs: 30, learningRate: 1e-2, dropout: 0, schedule: 'constant', patience: 10 } as const;
  const stepsOf = async (dev: Corpus[], selection: 'source-dev' | 'target-dev'): Promise<number> => lossesOf((await run(t, { ...options, selection }, { dev })).reports).length;
  assert.equal(await stepsOf([english, nothing], 'target-dev'), 11);
  assert.ok((await stepsOf([english, nothing], 'source-dev')) > 11);
  assert.equal(await stepsOf([nothing], 'source-dev'), 30);
});
