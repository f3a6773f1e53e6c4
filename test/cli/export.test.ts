/** `mtmt export` as a command, with a service and without one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { fastify } from 'fastify';
import { createDownloads } from '../../src/checkpoints/download.ts';
import { openExport } from '../../src/checkpoints/export.ts';
import { saveCheckpoint } from '../../src/checkpoints/save.ts';
import { assertFree, writeFolder } from '../../src/cli/export/folder.ts';
import { localSource } from '../../src/cli/export/local-source.ts';
import { loadConfig } from '../../src/config.ts';
import { findEncoder } from '../../src/encoders/registry.ts';
import { exportParts } from '../../src/runs/downloads.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { putModel } from '../../src/store/models.ts';
import type { ExportFormat } from '../../src/schemas/checkpoint.ts';
import type { Store } from '../../src/store/store.ts';
import { manifestOf, trainedOf } from '../checkpoints/world.ts';
import { testFolder, testStore } from '../helper.ts';
import { ENCODER, installEncoder } from '../runs/fixtures/world.ts';
import { runningRun } from '../store/rows.ts';

const CLI = join(import.meta.dirname, '../../src/cli.ts');
const DESCRIBED = ['README.md', 'config.json', 'manifest.json', 'tokenizer.json', 'tokenizer_config.json'];

test('the command exports from the database and artifacts of its environment, and overwrites nothing', async (t) => {
  const { mtmt, folder, checkpointId } = await place(t);
  const out = join(folder, 'out', 'here');
  const args = ['export', 'default', '--format', 'onnx', '--out', out];
  const { status, said } = await mtmt(...args);
  assert.equal(status, 0, said);
  assert.ok(said.startsWith(`${checkpointId} as onnx in ${out}: README.md, config.json`), said);
  assert.deepEqual((await readdir(out)).sort(), [...DESCRIBED, 'model.onnx'].sort());
  assert.match(await readFile(join(out, 'README.md'), 'utf8'), new RegExp(`Checkpoint \`${checkpointId}\``));
  assert.deepEqual(await readdir(join(folder, 'out')), ['here'], 'nothing half-written is left');
  assert.deepEqual(await mtmt(...args), { status: 1, said: `\n${out} is not empty; nothing is overwritten\n` });
});

test('an int8 export has the files of a float32 one, and its model card says what it is', async (t) => {
  const { mtmt, folder, checkpointId } = await place(t);
  const out = join(folder, 'int8');
  const { status, said } = await mtmt('export', 'default', '--format', 'onnx-int8', '--out', out);
  assert.equal(status, 0, said);
  assert.ok(said.startsWith(`${checkpointId} as onnx-int8 in ${out}: README.md`), said);
  assert.deepEqual((await readdir(out)).sort(), [...DESCRIBED, 'model.onnx'].sort());
  assert.match(await readFile(join(out, 'README.md'), 'utf8'), /^- onnx\n- int8\n[^]*^## Quantization\n\nThis is a quantized form of the model\..*has int8 weights/ms);
});

test('a checkpoint is found by its id, its run’s and its alias, and what is not there is named', async (t) => {
  const { env, runId, checkpointId } = await place(t);
  const source = await localSource(loadConfig(env));
  try {
    for (const name of [checkpointId, runId, 'default']) assert.equal(await source.checkpointOf(name), checkpointId);
    await assert.rejects(source.checkpointOf('run_none'), { code: 'RUN_NOT_FOUND' });
    await assert.rejects(source.checkpointOf('nobody'), { code: 'MODEL_NOT_FOUND' });
    await assert.rejects(source.open('ckpt_none', 'hf'), { code: 'CHECKPOINT_NOT_FOUND' });
    const { files } = await source.open(checkpointId, 'hf');
    const names: string[] = [];
    for await (const { name } of files) names.push(name);
    assert.deepEqual(names.sort(), [...DESCRIBED, 'model.safetensors'].sort());
  } finally {
    await source.close(); // before the database goes
  }
});

test('a file is no folder to write to, and a data folder that is not there is not made', async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, 'mine'), 'x');
  await assert.rejects(assertFree(join(folder, 'mine')), /mine is no folder; nothing is overwritten/);
  await assertFree(join(folder, 'new'));
  await assert.rejects(localSource(loadConfig({ DATA_DIR: join(folder, 'new') })), /There is no data folder/);
  assert.deepEqual(await readdir(folder), ['mine']);
});

test('a service that runs on the data folder gives the same files, asked with a key where it wants one', async (t) => {
  const { mtmt, folder, store, checkpointId } = await place(t);
  const storage = directoryStorage(join(folder, 'artifacts'));
  const downloads = createDownloads(storage, (id) => exportParts({ store, config: { encodersDir: join(folder, 'encoders') } }, id));
  const asked: string[] = [];
  const app = fastify();
  app.addHook('onRequest', (request, _reply, next) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    next();
  });
  app.get('/health/live', () => ({}));
  app.get('/models/default', () => ({ checkpointId }));
  app.get<{ Querystring: { format: ExportFormat } }>('/checkpoints/:checkpointId/download', async (request, reply) => {
    const { sizeBytes, stream } = await downloads.open(checkpointId, request.query.format);
    return reply.type('application/x-tar').header('content-length', sizeBytes).send(stream());
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  await writeFile(join(folder, 'service.json'), JSON.stringify({ url }));
  await writeFile(join(folder, 'keys'), '# for tests\nsecret\n');
  const out = join(folder, 'served');
  const { status, said } = await mtmt('export', 'default', '--format', 'onnx', '--out', out);
  assert.equal(status, 0, said);
  assert.deepEqual(asked.slice(1), ['/models/default Bearer secret', `/checkpoints/${checkpointId}/download?format=onnx Bearer secret`]);
  const opened = await openExport(storage, await exportParts({ store, config: { encodersDir: join(folder, 'encoders') } }, checkpointId), 'onnx');
  t.after(() => opened.close());
  const local = join(folder, 'local');
  await writeFolder(local, opened.files, { signal: t.signal, onBytes: () => undefined });
  for (const name of await readdir(local)) assert.ok((await readFile(join(out, name))).equals(await readFile(join(local, name))), name);
});

test('a folder whose writing fails is not there at all', async (t) => {
  const folder = await testFolder(t);
  const out = join(folder, 'out');
  const leaving = new AbortController();
  const file = (name: string, chunks: () => AsyncGenerator<Buffer>): { name: string; chunks: () => AsyncGenerator<Buffer> } => ({ name, chunks });
   
  const whole = file('whole', async function* () {
    yield Buffer.from('whole');
  });
   
  const broken = file('broken', async function* () {
    yield Buffer.from('half');
    throw new Error('the disk is gone');
  });
  await assert.rejects(writeFolder(out, [whole, broken], { signal: leaving.signal, onBytes: () => undefined }), /the disk is gone/);
  await assert.rejects(writeFolder(out, [whole, whole], { signal: leaving.signal, onBytes: () => leaving.abort() }));
  assert.deepEqual(await readdir(folder), []);
});

async function place(t: TestContext): Promise<{ folder: string; env: NodeJS.ProcessEnv; store: Store; runId: string; checkpointId: string; mtmt: (...args: string[]) => Promise<{ status: number; said: string }> }> {
  const { store, databaseUrl } = await testStore(t);
  const folder = await testFolder(t);
  const encodersDir = join(folder, 'encoders');
  await installEncoder(encodersDir, ENCODER);
  const encoder = await findEncoder(encodersDir, ENCODER);
  const { runId, attempt, checkpointId } = await runningRun(store);
  const { manifest, ...saved } = await saveCheckpoint(directoryStorage(join(folder, 'artifacts')), { manifest: { ...manifestOf(encoder), checkpointId, runId }, tensors: trainedOf(encoder) });
  await store.checkpoint.delete({ where: { checkpointId } });
  assert.ok(await createCheckpoint(store, { checkpointId, runId, attempt, step: 1, isBest: true, isLast: true, ...saved, manifest }));
  await putModel(store, 'default', checkpointId);
  const env = { ...process.env, DATABASE_URL: databaseUrl, DATA_DIR: folder, ENCODERS_DIR: encodersDir, ARTIFACTS_DIR: join(folder, 'artifacts'), API_KEYS_FILE: join(folder, 'keys') };
  return {
    folder,
    env,
    store,
    runId,
    checkpointId,
    async mtmt(...args) {
      const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
      const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { status: await ended, said: out + error };
    },
  };
}
