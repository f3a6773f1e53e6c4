import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { peerEntities, startPeer, timeOnnxruntime } from '../../../src/benchmark/serve/peer.ts';
import { testFolder } from '../../helper.ts';

const signal = new AbortController().signal;
/** Answers as peer_server.py does, in Node: a Python with PyTorch is not everybody's. */
const SCRIPT = `
const { createServer } = require('node:http');
const answers = { '/ner': { entities: [{ label: 'LOC', text: 'Lugo' }] }, '/onnxruntime': { count: 3, medianMs: 1.5 } };
console.log('a warning');
const server = createServer((request, response) => response.end(JSON.stringify(answers[request.url]))).listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ port: server.address().port, threads: 2, versions: { model: process.argv.at(-1) } })));
process.stdin.resume().on('end', () => process.exit());
`;

test('a peer is asked once it listens, and is gone when it is stopped', async (t) => {
  const folder = await testFolder(t);
  const script = join(folder, 'peer.cjs');
  await writeFile(script, SCRIPT);
  const peer = await startPeer(process.execPath, folder, { signal, script });
  assert.deepEqual([peer.threads, peer.versions], [2, { model: folder }]);
  assert.deepEqual(await peerEntities(peer, 'en Lugo', signal), [{ label: 'LOC', text: 'Lugo' }]);
  assert.deepEqual(await timeOnnxruntime(peer, { length: 32, seconds: 1 }, signal), { count: 3, medianMs: 1.5 });
  await peer.stop();
  await assert.rejects(peerEntities(peer, 'en Lugo', signal));
});

test('a peer that cannot start says why', async (t) => {
  const folder = await testFolder(t);
  const script = join(folder, 'peer.cjs');
  await writeFile(script, `console.error('no module named torch'); process.exit(1);`);
  await assert.rejects(startPeer(process.execPath, folder, { signal, script }), /ended before it listened:\nno module named torch/);
  await assert.rejects(startPeer(join(folder, 'nothing'), folder, { signal, script }), /ENOENT/);
});
