import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { extract } from 'tar-stream';
import { createDownloads } from '../../src/checkpoints/download.ts';
import { loadCheckpoint } from '../../src/checkpoints/load.ts';
import { assertMatches, parseManifest, type Manifest } from '../../src/checkpoints/manifest.ts';
import { saveCheckpoint, type SavedCheckpoint } from '../../src/checkpoints/save.ts';
import type { InstalledEncoder } from '../../src/encoders/registry.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { SafetensorsFile } from '../../src/tensor/safetensors.ts';
import { manifestOf, partsOf, setUp, trainedOf } from './world.ts';

test('what is saved is loaded again, and the manifest names the trained weights', async (t) => {
  const { storage, encoder } = await setUp(t);
  const tensors = trainedOf(encoder);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors });
  const loaded = await loadCheckpoint(storage, saved);
  assert.deepEqual(loaded.manifest.tensors, ['head.bias', 'head.weight', 'layers.0.query.bias']);
  assert.deepEqual(loaded.tensors, tensors);
  assert.deepEqual(parseManifest(JSON.parse(JSON.stringify(saved.manifest))), saved.manifest);
});

test('a file that has changed since is refused with both digests', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  await appendFile(await storage.localPath(saved.storageKey), 'x');
  await assert.rejects(loadCheckpoint(storage, saved), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CHECKPOINT_BROKEN');
    assert.match(error.message, new RegExp(`expected ${saved.digest}`));
    return true;
  });
});

test('a manifest of another format is refused', () => {
  assert.throws(() => parseManifest({ format: 'mtmt-checkpoint/9' }), { code: 'CHECKPOINT_INVALID' });
  assert.throws(() => parseManifest({ format: 'mtmt-checkpoint/1', runId: 'run_1' }), /lacks checkpointId, kind/);
});

describe('an encoder other than the checkpoint was trained on is refused with both values', () => {
  const others: [name: string, change: (encoder: InstalledEncoder) => InstalledEncoder, message: RegExp][] = [
    ['weights', (e) => ({ ...e, digest: 'sha256:other' }), /digest of the encoder is sha256:\w+ in the checkpoint ckpt_1 and sha256:other here/],
    ['tokenizer', (e) => ({ ...e, tokenizerDigest: 'sha256:other' }), /digest of the tokenizer is sha256:\w+ .* sha256:other here/],
    ['config', (e) => ({ ...e, config: { ...e.config, layers: 9 } }), /layers of the encoder is \d+ .* and 9 here/],
  ];
  for (const [name, change, message] of others) {
    test(name, async (t) => {
      const { encoder } = await setUp(t);
      const manifest = { ...manifestOf(encoder), format: 'mtmt-checkpoint/1', tensors: [], weightsDigest: '' } as Manifest;
      assert.doesNotThrow(() => assertMatches(manifest, encoder));
      assert.throws(() => assertMatches(manifest, change(encoder)), message);
    });
  }
});

describe('a download holds a whole model under the names of transformers', () => {
  const families: [fixture: string, architecture: string, weight: string][] = [
    ['tiny-bert', 'BertForTokenClassification', 'bert.encoder.layer.0.attention.self.query.bias'],
    ['tiny-xlm-roberta', 'XLMRobertaForTokenClassification', 'roberta.encoder.layer.0.attention.self.query.bias'],
    ['tiny-distilbert', 'DistilBertForTokenClassification', 'distilbert.transformer.layer.0.attention.q_lin.bias'],
  ];
  for (const [fixture, architecture, weight] of families) {
    test(fixture, async (t) => {
      const { storage, encoder, directory } = await setUp(t, fixture);
      const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
      const files = await unpack(await downloadOf(storage, encoder, saved));
      assert.deepEqual([...files.keys()], ['README.md', 'config.json', 'manifest.json', 'tokenizer_config.json', 'tokenizer.json', 'model.safetensors']);
      const config = JSON.parse(String(files.get('config.json'))) as Record<string, unknown>;
      assert.deepEqual(config['architectures'], [architecture]);
      assert.deepEqual(config['id2label'], { 0: 'O', 1: 'B-LOC', 2: 'I-LOC' });
      assert.deepEqual(config['label2id'], { O: 0, 'B-LOC': 1, 'I-LOC': 2 });
      const path = join(directory, 'out.safetensors');
      await writeFile(path, files.get('model.safetensors') ?? '');
      const model = new SafetensorsFile(path);
      t.after(() => model.close());
      assert.deepEqual(model.tensor(weight), trainedOf(encoder)['layers.0.query.bias']);
      assert.deepEqual(model.shape('classifier.weight'), [3, encoder.config.hiddenSize]);
      const original = new SafetensorsFile(join(encoder.directory, 'model.safetensors'));
      t.after(() => original.close());
      // Every weight of the encoder is there, and all but the trained one are as they were.
      for (const name of model.names.filter((each) => !each.startsWith('classifier.') && each !== weight)) {
        const bare = original.names.find((each) => name === each || name.endsWith(`.${each}`) || each.endsWith(`.${name}`));
        assert.ok(bare !== undefined, name);
        assert.deepEqual(model.tensor(name), original.tensor(bare), name);
      }
      assert.deepEqual(files.get('tokenizer.json'), await readFile(join(encoder.directory, 'tokenizer.json')));
      assert.match(String(files.get('README.md')), /\| corpus one \| es \| test \| 75\.00 \| 60\.00 \| 66\.67 \| 50\.00 to 80\.00 \| 3 \| 1 \| 2 \| 10 \| 90 \|/);
      assert.match(String(files.get('README.md')), /Protocol `source-dev`: the checkpoint is the best on [^`]+\. Protocol `last`: [^`]+\. Decoding: viterbi\./);
    });
  }

  test('an evaluator has no head and no labels', async (t) => {
    const { storage, encoder } = await setUp(t);
    const { 'layers.0.query.bias': bias } = trainedOf(encoder);
    const manifest = { ...manifestOf(encoder), kind: 'evaluator', labels: [], tags: [] } as const;
    const saved = await saveCheckpoint(storage, { manifest, tensors: bias === undefined ? {} : { 'layers.0.query.bias': bias } });
    const files = await unpack(await downloadOf(storage, encoder, saved));
    const config = JSON.parse(String(files.get('config.json'))) as Record<string, unknown>;
    assert.deepEqual(config['architectures'], ['BertModel']);
    assert.equal(config['id2label'], undefined);
  });
});

test('a download has the same bytes each time it is built, and any range of them', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  const first = await createDownloads(storage, () => Promise.resolve(partsOf(encoder, saved))).open('ckpt_1', 'hf');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const second = await createDownloads(storage, () => Promise.resolve(partsOf(encoder, saved))).open('ckpt_1', 'hf');
  assert.equal(first.etag, second.etag);
  assert.match(first.etag, /^"[0-9a-f]{64}"$/);
  const whole = Buffer.concat(await first.stream().toArray());
  assert.equal(whole.length, first.sizeBytes);
  const part = Buffer.concat(await second.stream({ start: 100, end: 200 }).toArray());
  assert.deepEqual(part, whole.subarray(100, 200));
});

test('a download names the license that its encoder has now', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  let license = 'unknown';
  const downloads = createDownloads(storage, () => Promise.resolve(partsOf({ ...encoder, license }, saved)));
  await downloads.open('ckpt_1', 'hf');
  license = 'CC-BY-4.0';
  const files = await unpack((await downloads.open('ckpt_1', 'hf')).stream());
  assert.match(String(files.get('README.md')), /^license: "cc-by-4\.0"$/m);
});

test('a download is refused where the encoder has changed', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  const downloads = createDownloads(storage, () => Promise.resolve(partsOf({ ...encoder, digest: 'sha256:other' }, saved)));
  await assert.rejects(downloads.open('ckpt_1', 'hf'), { code: 'CHECKPOINT_MISMATCH' });
});

async function downloadOf(storage: Storage, encoder: InstalledEncoder, saved: SavedCheckpoint): Promise<NodeJS.ReadableStream> {
  return (await createDownloads(storage, () => Promise.resolve(partsOf(encoder, saved))).open('ckpt_1', 'hf')).stream();
}

async function unpack(stream: NodeJS.ReadableStream): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const tar = extract();
  stream.pipe(tar);
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    assert.equal(Number(entry.header.mtime), 0);
    files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}
