/** The ONNX file is well-formed; that onnxruntime computes the same from it is in export.slow.test.ts. */
import assert from 'node:assert/strict';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openExport } from '../../src/checkpoints/export.ts';
import { loadCheckpoint } from '../../src/checkpoints/load.ts';
import { onnxModel } from '../../src/checkpoints/onnx.ts';
import { saveCheckpoint } from '../../src/checkpoints/save.ts';
import { openWeights } from '../../src/checkpoints/weights.ts';
import { encoderWeightNames, toHuggingFace } from '../../src/models/names.ts';
import { weightShape } from '../../src/models/shapes.ts';
import type { Precision } from '../../src/onnx/linear.ts';
import { decodeModel, type DecodedModel, type DecodedTensor } from '../onnx/decode.ts';
import { manifestOf, partsOf, setUp, TAGS, trainedOf } from './world.ts';

const [FLOAT32, INT8, INT64] = [1, 3, 7];

const families: [fixture: string, inputs: string[]][] = [
  ['tiny-bert', ['input_ids', 'attention_mask', 'token_type_ids']],
  ['tiny-xlm-roberta', ['input_ids', 'attention_mask']],
  ['tiny-distilbert', ['input_ids', 'attention_mask']],
];
for (const [fixture, inputs] of families) {
  for (const kind of ['recognizer', 'evaluator'] as const) {
    test(`${kind} on ${fixture}: every value is defined before it is read, every weight is there once, inputs and output are as documented`, async (t) => {
      const { storage, encoder } = await setUp(t, fixture);
      const { config } = encoder;
      const hasHead = kind === 'recognizer';
      const all = trainedOf(encoder);
      const tensors = Object.fromEntries(Object.entries(all).filter(([name]) => hasHead || !name.startsWith('head.')));
      const saved = await saveCheckpoint(storage, { manifest: { ...manifestOf(encoder), kind, ...(!hasHead && { labels: [], tags: [] }) }, tensors });
      const opened = await openExport(storage, partsOf(encoder, saved), 'onnx');
      t.after(() => opened.close());
      assert.deepEqual(opened.files.map(({ name }) => name), ['README.md', 'config.json', 'manifest.json', 'tokenizer_config.json', 'tokenizer.json', 'model.onnx']);
      const file = opened.files.at(-1) ?? assert.fail();
      const bytes = await buffer(file.chunks());
      assert.equal(bytes.length, file.sizeBytes);
      const model = decodeModel(bytes);
      assert.deepEqual([model.irVersion, model.opset, model.metadata['checkpointId'], model.metadata['tags']], [8, 17, 'ckpt_1', JSON.stringify(hasHead ? TAGS : [])]);
      const axes = ['batch', 'sequence'];
      assert.deepEqual(model.inputs, inputs.map((name) => ({ name, dtype: INT64, shape: axes })));
      const output = hasHead ? { name: 'logits', dtype: FLOAT32, shape: [...axes, TAGS.length] } : { name: 'last_hidden_state', dtype: FLOAT32, shape: [...axes, config.hiddenSize] };
      assert.deepEqual(model.outputs, [output]);
      assertDefined(model);

      const weights = model.tensors.filter(({ name }) => !/^(float32|int64):/.test(name));
      const foreign = (name: string): string => toHuggingFace(config.family, name);
      assert.deepEqual(weights.map(({ name }) => name).sort(), [...encoderWeightNames(config), ...(hasHead ? ['head.weight', 'head.bias'] : [])].map(foreign).sort());
      for (const name of encoderWeightNames(config)) {
        const shape = weightShape(config, name);
        assert.deepEqual(weights.find((weight) => weight.name === foreign(name))?.shape, name.endsWith('.weight') ? shape.toReversed() : shape, name);
      }
      for (const { name, shape, raw } of weights) assert.equal(raw?.length, 4 * shape.reduce((a, b) => a * b, 1), name);
      const bias = weights.find(({ name }) => name === foreign('layers.0.query.bias'));
      assert.deepEqual(bias?.raw, Buffer.from(all['layers.0.query.bias']?.data.buffer ?? assert.fail()));
    });
  }
}

for (const [fixture] of families) {
  test(`int8 on ${fixture}: what is multiplied is integers, each with the scales of its outputs, and all is defined before it is read`, async (t) => {
    const { storage, encoder } = await setUp(t, fixture);
    const { config } = encoder;
    const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
    const weights = openWeights(encoder, saved.manifest, (await loadCheckpoint(storage, saved)).tensors);
    t.after(() => weights.close());
    const read = async (precision: Precision): Promise<DecodedModel> => {
      const [file = assert.fail(), ...none] = onnxModel(saved.manifest, weights.all, { precision });
      assert.equal(none.length, 0);
      const bytes = await buffer(file.chunks());
      assert.equal(bytes.length, file.sizeBytes);
      return decodeModel(bytes);
    };
    const [float, int8] = [await read('float32'), await read('int8')];
    assertDefined(int8);
    assert.deepEqual([int8.metadata['precision'], int8.inputs, int8.outputs], ['int8', float.inputs, float.outputs]);
    const multiplied = int8.nodes.filter(({ op }) => op === 'MatMulInteger').map(({ inputs }) => inputs[1] ?? '');
    assert.equal(multiplied.length, 6 * config.layers);
    const integers = [...multiplied, toHuggingFace(config.family, 'embeddings.word')];
    const tensorOf = (model: DecodedModel, name: string): DecodedTensor => model.tensors.find((tensor) => tensor.name === name) ?? assert.fail(name);
    const untouched = float.tensors.filter(({ name }) => !integers.includes(name) && !/^(float32|int64):/.test(name));
    for (const tensor of untouched) assert.deepEqual(tensorOf(int8, tensor.name), tensor);
    for (const name of integers) {
      const [exact, found, scales] = [tensorOf(float, name), tensorOf(int8, name), tensorOf(int8, `${name}_scale`)];
      const isTable = !multiplied.includes(name);
      assert.deepEqual([found.dtype, found.shape, scales.dtype], [INT8, exact.shape, FLOAT32], name);
      const [rows = 0, columns = 0] = exact.shape;
      assert.deepEqual(scales.shape, isTable ? [rows, 1] : [columns], name);
      for (let at = 0; at < rows * columns; at++) {
        const scale = scales.raw?.readFloatLE(4 * (isTable ? Math.floor(at / columns) : at % columns)) ?? NaN;
        const [value, integer] = [exact.raw?.readFloatLE(4 * at) ?? NaN, found.raw?.readInt8(at) ?? NaN];
        assert.ok(Math.abs(value - integer * scale) <= 0.5001 * scale, `${name}: ${value} is ${integer} times ${scale}`);
      }
    }
  });
}

test('the model card of an int8 export says that it is quantized, and that its figures are of the model before', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  const cardOf = async (format: 'onnx' | 'onnx-int8'): Promise<string> => {
    const opened = await openExport(storage, partsOf(encoder, saved), format);
    opened.close();
    return text(opened.files[0]?.chunks() ?? assert.fail());
  };
  const [float, int8] = [await cardOf('onnx'), await cardOf('onnx-int8')];
  assert.match(int8, /^- onnx\n- int8$/m);
  assert.match(int8, /^This is a quantized form of the model\./m);
  assert.match(int8, /^## Scores\n\nThese are figures of the model before it was quantized; the model in this folder was not scored\.\n\nEntity F1/m);
  assert.match(int8, /`model\.onnx` has int8 weights/);
  assert.doesNotMatch(float, /quantized|int8/);
});

test('weights that one file cannot hold are in a second one, each where the model says, from a page’s beginning', async (t) => {
  const { storage, encoder } = await setUp(t);
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors: trainedOf(encoder) });
  const weights = openWeights(encoder, saved.manifest, (await loadCheckpoint(storage, saved)).tensors);
  t.after(() => weights.close());
  const written = async (options: { maxInlineBytes?: number }): Promise<Buffer[]> => {
    const files = onnxModel(saved.manifest, weights.all, { precision: 'float32', ...options });
    const contents = await Promise.all(files.map(({ chunks }) => buffer(chunks())));
    assert.deepEqual(contents.map(({ length }) => length), files.map(({ sizeBytes }) => sizeBytes));
    return contents;
  };
  const [whole = assert.fail(), ...none] = await written({});
  assert.equal(none.length, 0);
  const [small = assert.fail(), data = assert.fail()] = await written({ maxInlineBytes: 1000 });
  const model = decodeModel(small);
  assertDefined(model);
  for (const expected of decodeModel(whole).tensors) {
    const found = model.tensors.find(({ name }) => name === expected.name) ?? assert.fail(expected.name);
    assert.deepEqual([found.dtype, found.shape], [expected.dtype, expected.shape]);
    const { location, offset, length } = found.external;
    if (location === undefined) {
      assert.deepEqual(found.raw, expected.raw);
      continue;
    }
    assert.deepEqual([location, Number(offset) % 4096], ['model.onnx.data', 0]);
    assert.deepEqual(data.subarray(Number(offset), Number(offset) + Number(length)), expected.raw, expected.name);
  }
});

function assertDefined({ inputs, tensors, nodes, outputs }: DecodedModel): void {
  const names = [...inputs, ...tensors].map(({ name }) => name);
  const defined = new Set(names);
  assert.equal(defined.size, names.length, 'a name is there twice');
  for (const { op, inputs: read, outputs: given } of nodes) {
    for (const name of read) assert.ok(defined.has(name), `${op} reads ${name}, which nothing gives`);
    for (const name of given) {
      assert.ok(!defined.has(name), `${name} is given twice`);
      defined.add(name);
    }
  }
  for (const { name } of outputs) assert.ok(defined.has(name), name);
}
