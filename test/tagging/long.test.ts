/** Long documents: where a window begins and ends must not show in the answer. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { CHECKPOINT_FORMAT } from '../../src/checkpoints/manifest.ts';
import { random } from '../../src/corpora/random.ts';
import { findEncoder } from '../../src/encoders/registry.ts';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { loadRecognizer } from '../../src/inference/load.ts';
import { modelPool, type TaggingModel } from '../../src/tagging/pool.ts';
import { tagging, type Tagging } from '../../src/tagging/tag.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { segmentWords } from '../../src/text/words.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { testFolder } from '../helper.ts';
import { installEncoder } from '../runs/fixtures/world.ts';
import { fakeModel, LABELS } from './fake-model.ts';

/** Words on each side that a word's tag depends on. */
const REACH = 3;
const WORDS = ['Berlin', 'São', 'went', 'to', 'and', 'मोदी', 'Köln', 'القاهرة', 'Ada', 'of', 'Paulo', '王小明', '北京', '😀', ',', 'U.S.', 'x'];

const of = (model: TaggingModel): Tagging => tagging({ pool: modelPool({ find: async () => ({ sizeBytes: 1, load: async () => model }), budgetBytes: 1 }), checkpointOfAlias: async () => 'ckpt_1', scoredLanguages: async () => [], limit: 10 });

/** A word's tag follows from the words around it, so that one decided too near to a cut would have another. */
function tagsByNeighbors(words: readonly string[]): string[] {
  return words.map((_, at) => {
    let hash = 7;
    for (let near = at - REACH; near <= at + REACH; near++) hash = (hash * 31 + (words[near]?.codePointAt(0) ?? 1)) % 1_000_003;
    return LABELS.tags[hash % LABELS.tags.length] ?? 'O';
  });
}

function sentencesOf(sizeChars: number): string[] {
  const generator = random(8);
  const sentences: string[] = [];
  for (let size = 0; size < sizeChars; size += (sentences.at(-1)?.length ?? 0) + 1) {
    sentences.push(`${Array.from({ length: 4 + generator.int(40) }, () => WORDS[generator.int(WORDS.length)]).join(' ')} .`);
  }
  return sentences;
}

test('A document of a megabyte is tagged as in one piece, and as its sentences alone wherever the words around decide it', { timeout: 300_000 }, async () => {
  const { tag } = of(fakeModel({ maxPieces: 64, tagsOf: tagsByNeighbors }));
  const sentences = sentencesOf(800_000);
  const text = sentences.join('\n');
  assert.ok(Buffer.byteLength(text) > 1_000_000);
  const [whole] = (await tag({ text, aggregation: 'none', offsetUnit: 'utf16' })).results;
  let begin = 0;
  const words = sentences.map((sentence) => {
    const own = segmentWords(sentence).map(({ word, start }) => ({ word, start: begin + start }));
    begin += sentence.length + 1;
    return own;
  });
  const all = words.flat();
  assert.ok((whole?.windows ?? 0) > 1000 && whole?.truncated === false);
  const tags = tagsByNeighbors(all.map(({ word }) => word));
  const tagOf = new Map(whole.entities.map(({ start, tag: found }) => [start, found]));
  assert.equal(all.findIndex(({ start }, index) => (tagOf.get(start) ?? 'O') !== tags[index]), -1);
  assert.equal(whole.entities.length, tags.filter((each) => each !== 'O').length);

  let compared = 0;
  for (let first = 0; first < sentences.length; first += 1000) {
    const { results } = await tag({ texts: sentences.slice(first, first + 1000), aggregation: 'none', offsetUnit: 'utf16' });
    for (const [index, { entities }] of results.entries()) {
      const own = words[first + index] ?? [];
      const alone = new Map(entities.map(({ start, tag: found }) => [(own[0]?.start ?? 0) + start, found]));
      for (const { start } of own.slice(REACH, -REACH)) {
        if (tagOf.get(start) !== alone.get(start)) assert.fail(`${tagOf.get(start)} at ${start}, alone ${alone.get(start)}`);
        compared++;
      }
    }
  }
  assert.ok(compared > all.length / 2, `${compared} of ${all.length} words compared`);
});

before(() => loadBackend({ device: 'cpu' }));

test('A real encoder’s long document has the scores that the recognizer gives the document in one call', { timeout: 120_000 }, async (t) => {
  const folder = await testFolder(t);
  await installEncoder(folder, 'tiny-xlm-roberta');
  const encoder = await findEncoder(folder, 'tiny-xlm-roberta');
  const { hiddenSize } = encoder.config;
  const generator = random(9);
  const weights = Float32Array.from({ length: LABELS.tags.length * hiddenSize }, () => (generator.int(2000) - 1000) / 500);
  const manifest = {
    format: CHECKPOINT_FORMAT,
    checkpointId: 'ckpt_1',
    runId: 'run_1',
    kind: 'recognizer',
    step: 1,
    encoder: { encoderId: encoder.encoderId, digest: encoder.digest, architecture: encoder.config.family },
    config: encoder.config,
    ...LABELS,
    tokenizerDigest: encoder.tokenizerDigest,
    wordPiece: 'first',
    maxPieces: 24,
    seed: 1,
    options: resolveOptions('recognizer', {}),
    scores: {},
    versions: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    tensors: [],
    weightsDigest: '',
  } as const;
  const tensors = { 'head.weight': { shape: [LABELS.tags.length, hiddenSize], data: weights }, 'head.bias': { shape: [LABELS.tags.length], data: new Float32Array(LABELS.tags.length) } };
  const tokenizer = await loadTokenizer(encoder.directory);
  const shapes = [{ rows: 1, length: 24 }, { rows: 8, length: 24 }];
  const recognizer = await loadRecognizer({ encoder, checkpoint: { manifest, tensors }, shapes, tokenizer });
  t.after(() => recognizer.dispose());
  const { pieceStarts, ...rest } = fakeModel({ maxPieces: 22 });
  assert.ok(pieceStarts);
  const model: TaggingModel = { ...rest, recognizer, pieceStarts: async (words) => (await tokenizer.pieces(words)).starts };

  const text = sentencesOf(5000).join('\n');
  const words = segmentWords(text);
  const [result] = (await of(model).tag({ text, aggregation: 'none', offsetUnit: 'utf16' })).results;
  const [expected] = await recognizer.recognize([words.map(({ word }) => word)]);
  assert.deepEqual([result?.pieces, result?.windows], [expected?.pieces, expected?.windows]);
  const at = new Map(words.map(({ start }, index) => [start, index]));
  for (const { start, tag, score } of result?.entities ?? []) {
    const found = expected?.probs[(at.get(start) ?? 0) * LABELS.tags.length + LABELS.tags.indexOf(tag ?? '')] ?? 0;
    assert.ok(Math.abs(found - score) < 1e-4, `${tag} at ${start}: ${score}, expected ${found}`);
  }
  assert.ok((result?.entities.length ?? 0) > words.length / 4);
});
