import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDataset } from '../../src/store/datasets.ts';
import { listDetailedVariants, listScores, listVariants, saveScores, type NewScore, type NewVariant } from '../../src/store/scores.ts';
import { testStore } from '../helper.ts';
import { datasetOf, runningRun } from './rows.ts';

test('scores are read by language and split, and no variants but theirs', async (t) => {
  const { store } = await testStore(t);
  const { runId, attempt, checkpointId } = await runningRun(store);
  const counts = { tp: 1, fp: 0, fn: 1 };
  const shared = { ...counts, checkpointId, selection: 'last', decoding: 'argmax' };
  const rows: NewScore[] = [];
  const variants: NewVariant[] = [];
  const idOf: Record<string, string> = {};
  for (const [language, split] of [['en', 'test'], ['es', 'test'], ['es', 'dev']] as const) {
    const { dataset: { datasetId } } = await createDataset(store, { ...datasetOf(`${language} ${split}`), language, split });
    idOf[`${language} ${split}`] = datasetId;
    rows.push({ ...shared, datasetId, label: '', language, split, tn: null, sentences: 2, words: 4, ciLow: 0, ciHigh: 1, scorer: 'conlleval' });
    variants.push({ ...shared, datasetId, sentenceCounts: [1, 0, 0, 0, 0, 1], alphaBins: [4, 1, 0, 1] });
  }
  await saveScores(store, { runId, attempt }, rows, variants);
  const cases = [
    [{}, ['en test', 'es dev', 'es test']],
    [{ language: 'es' }, ['es dev', 'es test']],
    [{ split: 'test' }, ['en test', 'es test']],
    [{ language: 'es', split: 'dev' }, ['es dev']],
    [{ language: 'nl' }, []],
  ] as const;
  for (const [filter, expected] of cases) {
    const ids = expected.map((name) => idOf[name]).sort();
    const scores = await listScores(store, [runId], filter);
    for (const found of [scores, await listVariants(store, scores), await listDetailedVariants(store, scores)]) assert.deepEqual(found.map(({ datasetId }) => datasetId).sort(), ids, JSON.stringify(filter));
  }
  const english = await listScores(store, [runId], { language: 'en' });
  assert.deepEqual(await listVariants(store, english), [{ ...shared, runId, datasetId: idOf['en test'] }]);
  assert.deepEqual(await listDetailedVariants(store, english), [{ ...shared, runId, datasetId: idOf['en test'], sentenceCounts: [1, 0, 0, 0, 0, 1], alphaBins: [4, 1, 0, 1] }]);
});
