/** The recorded answers are those that transformers gives today. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askPipeline, readGolden, type Golden } from '../fixtures/hugging-face/model.ts';

const peerPython = process.env['PEER_PYTHON'];

for (const fixture of ['tiny-bert', 'tiny-xlm-roberta']) {
  test(`transformers’ pipeline on ${fixture}`, { skip: peerPython === undefined && 'set PEER_PYTHON to a Python that has torch and transformers' }, async (t) => {
    const golden = await readGolden(fixture);
    const { answers } = await askPipeline(t, peerPython ?? assert.fail(), fixture, golden);
    // other processors round otherwise
    const rounded = (given: Golden['answers']): unknown => JSON.parse(JSON.stringify(given, (key, value: unknown) => (key === 'score' ? (value as number).toFixed(3) : value)));
    assert.deepEqual(rounded(answers), rounded(golden.answers));
  });
}
