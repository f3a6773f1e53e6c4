/** Real training on an encoder so small that nothing is learned: what is asked for again gives the same numbers, to the last digit. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEstimates } from '../../src/store/estimates.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { listDetailedVariants, listScores } from '../../src/store/scores.ts';
import type { Store } from '../../src/store/store.ts';
import { startWorkerProcess, until, world } from './fixtures/world.ts';

const WORKER = fileURLToPath(new URL('../../src/worker.ts', import.meta.url));

async function numbersOf(store: Store, runId: string): Promise<{ scores: unknown[] } & Record<string, unknown[]>> {
  const scores = await listScores(store, [runId]);
  const own = ({ checkpointId: _, runId: __, ...row }: { checkpointId: string; runId: string }): object => row;
  return {
    scores: scores.map(own),
    variants: (await listDetailedVariants(store, scores)).map(own),
    estimates: (await listEstimates(store, runId)).map(own),
    metrics: (await listMetrics(store, runId)).filter(({ name }) => name !== 'piecesPerSecond').map(({ at: _, ...row }) => row),
    weights: (await listCheckpoints(store, runId)).map(({ step, digest, isBest, isLast }) => [step, digest, isBest, isLast]),
  };
}

test('a clone of a student, of its teachers, and of a student with the cloned teachers have the same scores to the last digit', async (t) => {
  const all = await world(t);
  const { service, store, datasets } = all;
  startWorkerProcess(all, WORKER);
  const { train, dev, devEs, test: en, testEs, rawEs } = datasets;
  const options = { epochs: 12, batchPieces: 64, maxPieces: 32, learningRate: 1e-2 } as const;
  const { runs } = await service.submitPipeline({ options, seed: 7, datasets: { train: [train], dev: [dev, devEs], test: [en, testEs], unlabeled: [rawEs] } });
  const [recognizer = '', evaluator = '', student = ''] = runs.map(({ runId }) => runId);
  await until(store, student, 'succeeded', 600_000);
  const cloned = async (runId: string, teachers?: { recognizers: string[]; evaluators: string[] }): Promise<string> => (await service.clone(runId, teachers && { teachers })).runId;
  const [recognizer2, evaluator2] = [await cloned(recognizer), await cloned(evaluator)];
  const pairs = [[recognizer, recognizer2], [evaluator, evaluator2], [student, await cloned(student)], [student, await cloned(student, { recognizers: [recognizer2], evaluators: [evaluator2] })]] as const;
  for (const [first, second] of pairs) {
    await until(store, second, 'succeeded', 600_000);
    const numbers = await numbersOf(store, first);
    assert.ok(numbers.scores.length > 0);
    assert.deepEqual(await numbersOf(store, second), numbers);
  }
  // another seed shows that the numbers could differ
  const { runId: other } = await service.clone(recognizer, { seed: 8 });
  await until(store, other, 'succeeded', 600_000);
  assert.notDeepEqual(await numbersOf(store, other), await numbersOf(store, recognizer));
});
