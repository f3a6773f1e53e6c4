import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { RequestedOptions, TrainingOptions } from '../../src/schemas/options.ts';
import { applicableOptions, resolveOptions } from '../../src/training/options.ts';
import { presetOptions, PRESETS } from '../../src/training/presets.ts';
import type { RunKind } from '../../src/training/request.ts';

const KINDS: readonly RunKind[] = ['recognizer', 'evaluator', 'teacher', 'student'];
const PRESET_NAMES = ['mtmt', 'authors', 'article'] as const;

test('every option says what it means, where it is from, and a default that it takes', () => {
  for (const [name, schema] of Object.entries(TrainingOptions.properties)) {
    const { description = '', default: fallback } = schema as { description?: string; default?: unknown };
    assert.match(description, /^\S.*\. Source: \S.*\.$/, name);
    assert.ok(Value.Check(schema, fallback), `${name}: ${String(fallback)}`);
  }
});

test('a documented default is what a run without options gets, unless its kind has its own', () => {
  const documented = Value.Create(TrainingOptions);
  for (const kind of KINDS) assert.deepEqual(resolveOptions(kind, {}), { ...documented, ...presetOptions('mtmt', kind) }, kind);
});

describe('a preset', () => {
  for (const preset of PRESET_NAMES) {
    for (const kind of KINDS) {
      test(`${preset} of a ${kind} is valid, contradicts nothing and names only what such a run reads`, () => {
        const filled = presetOptions(preset, kind);
        assert.ok(Value.Check(RequestedOptions, filled));
        assert.deepEqual(applicableOptions(kind, filled), filled);
        const resolved = resolveOptions(kind, { preset });
        assert.ok(Value.Check(TrainingOptions, resolved));
        assert.deepEqual(resolved, { ...Value.Create(TrainingOptions), ...filled, preset });
        // all of it could be asked for without the preset
        assert.deepEqual({ ...resolveOptions(kind, filled), preset }, resolved);
      });
    }
  }

  test('gives way to what a request says', () => {
    assert.equal(resolveOptions('student', { preset: 'authors', learningRate: 1e-5 }).learningRate, 1e-5);
    assert.equal(resolveOptions('student', { preset: 'authors', learningRate: 1e-5 }).weightDecay, 0);
  });

  test('authors has the settings of their code', () => {
    const { learningRate, headLearningRate, schedule, warmupRatio, weightDecay, clipNorm, epochs, freezeEmbeddings, frozenLayers, ...student } = resolveOptions('student', { preset: 'authors' });
    assert.deepEqual(
      { learningRate, headLearningRate, schedule, warmupRatio, weightDecay, clipNorm, epochs, freezeEmbeddings, frozenLayers },
      { learningRate: 5e-6, headLearningRate: 5e-9, schedule: 'constant', warmupRatio: 0, weightDecay: 0, clipNorm: null, epochs: 300, freezeEmbeddings: false, frozenLayers: 0 },
    );
    const { objective, heads, distil, recognitionLoss, similarityWeight, alpha, beta, gamma, similarityTemperature, start } = student;
    assert.deepEqual(
      { objective, heads, distil, recognitionLoss, similarityWeight, alpha, beta, gamma, similarityTemperature, start },
      { objective: 'mtmt', heads: 'one', distil: 'oneWord', recognitionLoss: 'meanSquaredError', similarityWeight: 0.5, alpha: true, beta: 'shifted', gamma: true, similarityTemperature: 1, start: 'encoder' },
    );
    assert.equal(resolveOptions('recognizer', { preset: 'authors' }).headLearningRate, null);
  });

  test('article has two heads and losses that are added as they are', () => {
    const { objective, heads, recognitionLoss, similarityWeight, beta } = resolveOptions('student', { preset: 'article' });
    assert.deepEqual({ objective, heads, recognitionLoss, similarityWeight, beta }, { objective: 'article', heads: 'two', recognitionLoss: 'crossEntropy', similarityWeight: 1, beta: 'squared' });
  });

  test('is one of those in the table', () => {
    assert.deepEqual(Object.keys(PRESETS).sort(), [...PRESET_NAMES].sort());
    assert.ok(!Value.Check(RequestedOptions, { preset: 'paper' }));
  });
});

describe('options that contradict each other are refused with both values', () => {
  const refused: [kind: RunKind, requested: RequestedOptions, detail: RegExp][] = [
    ['recognizer', { frozenLayers: 2, freezeEmbeddings: false }, /frozenLayers 2 .* freezeEmbeddings is false/],
    ['recognizer', { preset: 'authors', frozenLayers: 3 }, /frozenLayers 3 .* freezeEmbeddings is false \(preset "authors"\)/],
    ['recognizer', { batchPieces: 64, maxPieces: 128 }, /batchPieces 64 is less than maxPieces 128/],
    ['recognizer', { patience: 2, selection: 'last' }, /patience 2 .* selection "last"/],
    ['student', { heads: 'two' }, /heads "two" needs objective "article", and objective is "mtmt"/],
    ['student', { preset: 'article', objective: 'mtmt' }, /heads "two" .* objective is "mtmt" \(preset "article"\)/],
    ['student', { beta: 'squared', similarityWeight: 0 }, /beta "squared" .* similarityWeight 0/],
    ['student', { pairDraw: 'uniform', pairBalance: 0.3 }, /pairBalance 0.3 .* pairDraw is "uniform"/],
  ];
  for (const [kind, requested, message] of refused) {
    test(JSON.stringify(requested), () => {
      assert.throws(() => resolveOptions(kind, requested), { code: 'OPTIONS_CONTRADICT', status: 422, message });
    });
  }

  test('and what only a preset or a default says of something idle is not refused', () => {
    assert.equal(resolveOptions('student', { similarityWeight: 0 }).beta, 'shifted');
    assert.equal(resolveOptions('student', { pairDraw: 'uniform' }).pairBalance, 0.5);
    assert.equal(resolveOptions('student', { preset: 'authors', similarityWeight: 0, beta: 'none' }).beta, 'none');
    assert.equal(resolveOptions('student', { objective: 'article' }).heads, 'one');
    assert.equal(resolveOptions('evaluator', { pairDraw: 'uniform', pairBalance: 0.3 }).pairBalance, 0.3);
  });
});

describe('an option that a kind of run never reads is refused', () => {
  const refused: [kind: RunKind, requested: RequestedOptions][] = [
    ['recognizer', { pairsPerWord: 2 }],
    ['recognizer', { pairDraw: 'uniform' }],
    ['recognizer', { heads: 'one' }],
    ['evaluator', { headLearningRate: 1e-3 }],
    ['evaluator', { decoding: 'argmax' }],
    ['evaluator', { distil: 'oneWord' }],
    ['teacher', { objective: 'article' }],
    ['teacher', { start: 'recognizer' }],
  ];
  for (const [kind, requested] of refused) {
    test(`${kind} ${JSON.stringify(requested)}`, () => {
      assert.throws(() => resolveOptions(kind, requested), { code: 'OPTION_UNKNOWN_FOR_KIND', message: `The option ${Object.keys(requested).join()} does not apply to a ${kind}` });
      assert.deepEqual(applicableOptions(kind, { ...requested, epochs: 2 }), { epochs: 2 });
    });
  }
});
