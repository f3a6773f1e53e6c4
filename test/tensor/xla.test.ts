import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { testFolder } from '../helper.ts';

const PROGRAM = join(import.meta.dirname, 'xla-losses.ts');

/** The losses, and how many files XLA wrote about what it compiled. */
async function losses(xla: 'on' | 'off', dump: string): Promise<{ losses: number[]; files: number }> {
  const env = { ...process.env, XLA_FLAGS: `--xla_dump_to=${dump} --xla_dump_hlo_as_text` };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', PROGRAM, xla], { env });
  return { losses: JSON.parse(stdout) as number[], files: (await readdir(dump)).length };
}

test('with XLA, TensorFlow compiles clusters of a step, and the step computes the same', async (t) => {
  const off = await losses('off', await testFolder(t));
  const on = await losses('on', await testFolder(t));
  assert.equal(off.files, 0);
  assert.ok(on.files > 0, 'XLA compiled nothing');
  assert.equal(on.losses.length, 5);
  assert.ok((on.losses[4] as number) < (on.losses[0] as number));
  on.losses.forEach((loss, at) => assert.ok(Math.abs(loss - (off.losses[at] as number)) < 1e-5 * loss, `step ${at + 1}: ${loss} with XLA, ${off.losses[at]} without`));
});
