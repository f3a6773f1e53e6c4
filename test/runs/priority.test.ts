import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTrainer } from '../../src/runs/supervise.ts';
import { testFolder } from '../helper.ts';

const NICE = 15;

test('a trainer and all of its threads come after what answers requests', { skip: process.platform !== 'linux' }, async (t) => {
  const path = join(await testFolder(t), 'trainer.ts');
  // field 19 of stat, counted behind the name in parentheses
  await writeFile(path, `
    import { readdirSync, readFileSync } from 'node:fs';
    const niceOf = (thread) => Number(readFileSync('/proc/self/task/' + thread + '/stat', 'utf8').split(') ')[1].split(' ')[16]);
    const detail = JSON.stringify([...new Set(readdirSync('/proc/self/task').map(niceOf))]);
    process.send({ type: 'ended', outcome: { status: 'failed', failure: { code: 'INTERNAL', detail } } }, () => process.exit());
  `);
  const outcome = await startTrainer({ path, nice: NICE }, { runId: 'run_1', attempt: 1, device: 'cpu' }).ended;
  const expected = Math.max(getPriority(), NICE);
  assert.deepEqual(outcome, { status: 'failed', failure: { code: 'INTERNAL', detail: `[${expected}]` } });
});
