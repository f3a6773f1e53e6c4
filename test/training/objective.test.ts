import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { cosine, similarityOf } from '../../src/inference/evaluator.ts';
import { loadBackend, tf, type Scalar, type Tensor } from '../../src/tensor/backend.ts';
import { distillationLoss, similarityLoss } from '../../src/training/losses.ts';
import { alphaOf, betaOf, gammaOf, objectiveWeights, type ObjectiveOptions } from '../../src/training/weights.ts';

type Matrix = number[][];
interface Case {
  teacher_logits_1: Matrix;
  teacher_logits_2: Matrix;
  teacher_embeddings_1: Matrix;
  teacher_embeddings_2: Matrix;
  student_logits_1: Matrix;
  student_logits_2: Matrix;
  student_embeddings_1: Matrix;
  student_embeddings_2: Matrix;
  teacher_similarity: number[];
  alpha_1: number[];
  beta_squared: number[];
  beta_shifted: number[];
  gamma: number[];
  losses: Record<string, { value: number; gradients: Record<string, Matrix> }>;
}
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/student-losses.json', import.meta.url), 'utf8')) as { cases: Case[] };

before(() => loadBackend({ device: 'cpu' }));

cases.forEach((golden, index) => {
  const numPairs = golden.teacher_similarity.length;
  const probs = [...golden.teacher_logits_1, ...golden.teacher_logits_2].map(softmax);
  const vectors = [...golden.teacher_embeddings_1, ...golden.teacher_embeddings_2].map((row) => Float32Array.from(row));
  const pairs = Array.from({ length: numPairs }, (_, pair) => ({
    left: pair,
    right: numPairs + pair,
    similarity: similarityOf(cosine(vectors[pair]!, vectors[numPairs + pair]!), 1),
  }));

  test(`case ${index}: the teachers’ similarity, alpha, beta and gamma equal the reference`, () => {
    pairs.forEach(({ left, right, similarity }, pair) => {
      assertClose(similarity, golden.teacher_similarity[pair]!);
      assertClose(alphaOf(probs[left]!), golden.alpha_1[pair]!);
      assertClose(betaOf(similarity, 'squared'), golden.beta_squared[pair]!);
      assertClose(betaOf(similarity, 'shifted'), golden.beta_shifted[pair]!);
      assertClose(gammaOf(probs[left]!, probs[right]!, similarity), golden.gamma[pair]!);
    });
  });

  for (const [name, expected] of Object.entries(golden.losses)) {
    test(`case ${index}, ${name}: the regrouped objective and its gradients equal the reference`, () => {
      const { options, kind } = parse(name);
      const weights = objectiveWeights(probs, pairs, options);
      const logits = [...golden.student_logits_1, ...golden.student_logits_2];
      const embeddings = [...golden.student_embeddings_1, ...golden.student_embeddings_2];
      const { value, grads }: { value: Scalar; grads: Tensor[] } = tf.valueAndGrads((...args: Tensor[]) => {
        const [studentLogits, studentVectors] = args as [Tensor, Tensor];
        const soft = tf.tensor2d(probs.map((row) => [...row]));
        const recognition = distillationLoss(studentLogits, soft, tf.tensor1d(weights.words), kind);
        const similarity = similarityLoss(studentVectors, {
          left: tf.tensor1d(pairs.map(({ left }) => left), 'int32'),
          right: tf.tensor1d(pairs.map(({ right }) => right), 'int32'),
          targets: tf.tensor1d(pairs.map((pair) => pair.similarity)),
          weights: tf.tensor1d(weights.pairs),
          temperature: 1,
        });
        return recognition.add<Scalar>(similarity);
      })([tf.tensor2d(logits), tf.tensor2d(embeddings)]);
      assertClose(value.dataSync()[0]!, expected.value, 1e-6);
      const [byLogits, byVectors] = grads.map((gradient) => gradient.arraySync() as Matrix);
      const side = (rows: Matrix, which: string): Matrix => (which.endsWith('1') ? rows.slice(0, numPairs) : rows.slice(numPairs));
      for (const [input, gradient] of Object.entries(expected.gradients)) {
        const found = side(input.includes('logits') ? byLogits! : byVectors!, input);
        gradient.forEach((row, r) => row.forEach((entry, c) => assertClose(found[r]![c]!, entry, 1e-6)));
      }
    });
  }
});

function parse(name: string): { kind: 'meanSquaredError' | 'crossEntropy'; options: ObjectiveOptions } {
  const { ner, weights, gamma } = Object.fromEntries(name.split(',').map((part) => part.split('='))) as Record<string, string>;
  return {
    kind: ner === 'mse' ? 'meanSquaredError' : 'crossEntropy',
    options: {
      alpha: weights !== 'none',
      beta: weights === 'none' ? 'none' : weights === 'beta-squared' ? 'squared' : 'shifted',
      gamma: gamma === 'on',
      similarityWeight: 0.5,
    },
  };
}

function softmax(logits: number[]): Float32Array {
  const max = Math.max(...logits);
  const exps = logits.map((z) => Math.exp(z - max));
  const sum = exps.reduce((a, b) => a + b);
  return Float32Array.from(exps, (e) => e / sum);
}

function assertClose(found: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${found}, expected ${expected} within ${tolerance}`);
}
