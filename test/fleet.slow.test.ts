/** The same fleet with S3 as the only thing but the database that its machines share. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startFleet, trainAndTag, type Fleet } from './fleet.ts';
import { startS3 } from './storage/fixtures/moto.ts';

test('a fleet keeps its artifacts in S3', { timeout: 300_000 }, async (t) => {
  const s3 = await startS3(t);
  const place = `s3://${s3.bucket}/fleet`;
  const fleet = await startFleet(t, { ...s3.env, ARTIFACTS_URL: place });
  await trainAndTag(fleet);
  const { status, body } = await fleet.ask('GET', `/runs/${await firstRun(fleet)}/checkpoints`);
  assert.equal(status, 200);
  const checkpointId = body.items?.[0]?.checkpointId ?? assert.fail();
  const archive = await fetch(`${fleet.url}/checkpoints/${checkpointId}/download`, { headers: { range: 'bytes=257-261' } });
  assert.deepEqual([archive.status, await archive.text()], [206, 'ustar']);

  const mtmt = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../src/cli.ts'), ...args], { env: { ...process.env, ...fleet.env }, stdio: ['ignore', 'pipe', 'ignore'] });
    const closed = once(child, 'close');
    const output = await text(child.stdout);
    return { code: ((await closed) as [number | null])[0], output };
  };
  const verified = await mtmt('storage', 'verify');
  assert.equal(verified.code, 0);
  assert.match(verified.output, new RegExp(`^${place}: \\d+ artifacts \\(.*all as they were written`));
  const collected = await mtmt('storage', 'collect');
  assert.equal(collected.code, 0);
  // all of it is younger than an hour: datasets, weights, the archive
  assert.match(collected.output, new RegExp(`^${place}: removed 0 artifacts \\(0.0 kB\\), kept [3-9]\n$`));
  assert.match((await mtmt('doctor')).output, new RegExp(`^ok {4}Storage {7}${place} at ${s3.endpointUrl}$`, 'm'));
});

async function firstRun({ ask }: Fleet): Promise<string> {
  return (await ask('GET', '/runs')).body.items?.[0]?.runId ?? assert.fail();
}
