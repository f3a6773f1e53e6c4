/** What a run says when something of what it needs gives way: a full disk, an encoder or a dataset that is gone or another; only the training is a fake. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import pino from 'pino';
import { execute } from '../../src/runs/execute.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { beginAttempt, findRun } from '../../src/store/runs.ts';
import { fakeEngine, QUICK } from './fixtures/engine.ts';
import { ENCODER, installEncoder, submit, until, world, type World } from './fixtures/world.ts';

const WORKER = fileURLToPath(new URL('./fixtures/worker.ts', import.meta.url));

const NAMESPACE = ['--user', '--map-root-user', '--mount', 'sh', '-c'];
const canMount = spawnSync('unshare', [...NAMESPACE, 'mount -t tmpfs tmpfs /mnt']).status === 0;

/** In a mount namespace of its own, whose folder of checkpoints is a file system without room. Linux only. */
async function startWorkerOnFullDisk({ env, cleaner }: World): Promise<{ checkpoints: string }> {
  const folder = join(env['ARTIFACTS_DIR'] ?? '', 'checkpoints');
  await mkdir(folder, { recursive: true });
  const script = `mount -t tmpfs -o size=8k tmpfs '${folder}' && (head -c 8192 /dev/zero > '${folder}/full') && exec "$0" "$@"`;
  const child = spawn('unshare', [...NAMESPACE, script, process.execPath, '--import', 'tsx', WORKER], { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] });
  cleaner.after(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.kill('SIGKILL')) await ended;
  });
  return { checkpoints: `/proc/${child.pid}/root${folder}` };
}

test('a disk that is full fails the run with a code and leaves no part of a file; once there is room it can be resumed', { skip: !canMount && 'this system lets nobody mount' }, async (t) => {
  const all = await world(t);
  const { store, service } = all;
  const runId = await submit(all, QUICK);
  const { checkpoints } = await startWorkerOnFullDisk(all);
  const failed = await until(store, runId, 'failed');
  assert.equal(failed.failureCode, 'DISK_FULL');
  assert.match(failed.failureDetail ?? '', /^there is no space left on the disk of the artifacts or the cache \(ENOSPC: /);
  assert.deepEqual([await readdir(checkpoints), await listCheckpoints(store, runId)], [['full'], []]);
  await truncate(join(checkpoints, 'full'));
  await service.resume(runId);
  await until(store, runId, 'succeeded');
  const [checkpoint] = await listCheckpoints(store, runId);
  assert.deepEqual(await readdir(checkpoints), ['full', checkpoint?.storageKey.slice('checkpoints/'.length)].toSorted());
});

test('what a queued run needs and is gone, or another, by the time it starts is named by a code', async (t) => {
  const all = await world(t);
  const { store, storage, config } = all;
  const cases: [code: string, spoil: (runId: string) => Promise<unknown>][] = [
    ['ENCODER_NOT_FOUND', () => rm(join(config.encodersDir, ENCODER), { recursive: true })],
    ['ENCODER_CHANGED', (runId) => store.run.update({ where: { runId }, data: { encoderDigest: 'sha256:other' } })],
    ['ARTIFACT_NOT_FOUND', async (runId) => storage.remove((await findRun(store, runId))?.datasets[0]?.dataset.storageKey ?? '')],
  ];
  for (const [code, spoil] of cases) {
    await installEncoder(config.encodersDir, ENCODER);
    const runId = await submit(all, QUICK);
    await spoil(runId);
    const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
    const { signal } = new AbortController();
    const outcome = await execute({ store, storage, config: { ...config, resumeSeconds: 60 }, engine: fakeEngine, log: pino({ level: 'silent' }), versions: {}, task: { runId, attempt, device: 'cpu' }, signal });
    assert.deepEqual([outcome.status, 'failure' in outcome && outcome.failure.code], ['failed', code]);
  }
});
