import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import { openChoices, choicesOf, switchOver, type Choices } from '../../src/training/choices.ts';
import { protocolsOf } from '../../src/training/dev.ts';
import { resolveOptions } from '../../src/training/options.ts';
import type { RunKind, Selection } from '../../src/training/request.ts';
import type { NamedTensors } from '../../src/tensor/safetensors.ts';

const BOTH = [
  { selection: 'source-dev', datasetIds: new Set(['en']) },
  { selection: 'target-dev', datasetIds: new Set(['es', 'nl']) },
] as const;

/** With a copy of the weights of each step that asks for one. */
function opened(own: Selection, protocols: Parameters<typeof openChoices>[0]['protocols'] = BOTH): { choices: Choices; copies: NamedTensors[] } {
  const copies: NamedTensors[] = [];
  const trained = (): NamedTensors => {
    const copy = { weight: { shape: [1], data: Float32Array.of(copies.length) } };
    copies.push(copy);
    return copy;
  };
  return { choices: openChoices({ protocols, own, trained }), copies };
}

const rowsOf = (en: number, es: number, nl: number): { datasetId: string; language: string; split: string; name: string; value: number }[] =>
  Object.entries({ en, es, nl }).map(([language, value]) => ({ datasetId: language, language, split: 'dev', name: 'f1', value }));

test('Each protocol keeps the step that is best by the mean of its own dev sets, the first of equal ones', () => {
  const { choices, copies } = opened('source-dev');
  assert.deepEqual(choices.judge(1, rowsOf(0.5, 0.2, 0.4)).map(({ selection, isBest }) => [selection, isBest]), [['source-dev', true], ['target-dev', true]]);
  // the means of the targets: .3, .4, .4, .35
  assert.deepEqual(choices.judge(2, rowsOf(0.5, 0.5, 0.3)).map(({ isBest }) => isBest), [false, true]);
  assert.deepEqual(choices.judge(3, rowsOf(0.75, 0.4, 0.4)).map(({ value, isBest }) => [value, isBest]), [[0.75, true], [0.4, false]]);
  choices.judge(4, rowsOf(0.5, 0.5, 0.2));
  const chosen = choices.end(4);
  assert.deepEqual(choicesOf(chosen), [{ selection: 'target-dev', step: 2 }, { selection: 'source-dev', step: 3 }, { selection: 'last', step: 4 }]);
  assert.deepEqual(chosen.map(({ weights, values }) => [copies.findIndex((copy) => copy === weights), values]), [[1, { 'target-dev': 0.4 }], [2, { 'source-dev': 0.75 }], [3, {}]]);
});

test('A step that several choose is copied once, the last step, too', () => {
  const { choices, copies } = opened('source-dev');
  choices.judge(1, rowsOf(0.1, 0.1, 0.1));
  choices.judge(2, rowsOf(0.2, 0.2, 0.2));
  const [only, ...others] = choices.end(2);
  assert.deepEqual([only?.step, only?.selections, others.length, copies.length], [2, ['source-dev', 'target-dev', 'last'], 0, 2]);
  assert.equal(only?.weights, copies[1]);
});

test('Without the dev sets of the run’s own selection the last step is its own', () => {
  const { choices } = opened('source-dev', BOTH.slice(1));
  choices.judge(1, rowsOf(0.9, 0.1, 0.1));
  assert.deepEqual([choices.own, choicesOf(choices.end(2))], ['last', [{ selection: 'target-dev', step: 1 }, { selection: 'last', step: 2 }]]);
  assert.equal(opened('target-dev', BOTH.slice(1)).choices.own, 'target-dev');
});

test('Weights are restored only where they are of another step', () => {
  const { choices, copies } = opened('source-dev');
  choices.judge(1, rowsOf(0.5, 0.5, 0.5));
  const restored: NamedTensors[] = [];
  const use = switchOver(choices.end(2), { restore: (weights) => restored.push(weights), loaded: 2 });
  for (const selection of ['last', 'source-dev', 'target-dev', 'last'] as const) use(selection);
  assert.deepEqual(restored, [copies[0], copies[1]]);
  const { choices: none } = opened('last', []);
  assert.throws(() => switchOver(none.end(1), { restore: () => undefined, loaded: 1 })('target-dev'), TypeError);
});

const setOf = (language: string, split: 'train' | 'dev' = 'dev'): Corpus => ({ datasetId: `${language} ${split}`, language, split, labels: [], digest: '', sentences: [] });
const pair = { left: { tokens: ['a'], word: 0 }, right: { tokens: ['b'], word: 0 }, same: true };
const ALLOWED: [name: string, kind: RunKind, selection: Selection, dev: string[], allowed: Record<string, string[]>, pairs?: (typeof pair)[]][] = [
  ['a recognizer with dev sets of other languages has both protocols', 'recognizer', 'source-dev', ['en', 'es'], { 'source-dev': ['en dev'], 'target-dev': ['es dev'] }],
  ['so has a student', 'student', 'target-dev', ['en', 'es', 'es'], { 'target-dev': ['es dev'], 'source-dev': ['en dev'] }],
  ['one whose own choice is the last step, too', 'teacher', 'last', ['en', 'es'], { 'source-dev': ['en dev'], 'target-dev': ['es dev'] }],
  ['a protocol without dev sets is none', 'recognizer', 'source-dev', ['es'], { 'target-dev': ['es dev'] }],
  ['an evaluator, whose figures have one row, is chosen by its own alone', 'evaluator', 'source-dev', ['en', 'es'], { 'source-dev': ['en dev'] }],
  ['uploaded pairs stand for an evaluator’s dev sets', 'evaluator', 'target-dev', [], { 'target-dev': [''] }, [pair]],
  ['but choose nothing where the last step is wanted', 'evaluator', 'last', [], {}, [pair]],
];
for (const [name, kind, selection, dev, allowed, pairs = []] of ALLOWED) {
  test(`Protocols: ${name}`, () => {
    const isStudent = kind === 'student';
    const request = { kind, options: { ...resolveOptions(kind, {}), selection }, dev: dev.map((language) => setOf(language)), train: isStudent ? [] : [setOf('en', 'train')], unlabeled: isStudent ? [setOf('es', 'train')] : [], pairs: { train: [], dev: pairs } };
    assert.deepEqual(Object.fromEntries(protocolsOf(request).map((protocol) => [protocol.selection, [...protocol.datasetIds]])), allowed);
  });
}
