import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTag, SchemeDetector, toIob2 } from '../../src/corpora/scheme.ts';
import { random } from '../../src/corpora/random.ts';
import { spansOfTags, tagsOfSpans } from '../../src/text/bio.ts';

const detect = (...sentences: string[]) => {
  const detector = new SchemeDetector();
  for (const sentence of sentences) detector.take(sentence.split(' '));
  return detector;
};

for (const [name, sentences, scheme] of [
  ['entities that begin with B-', ['B-PER I-PER O B-LOC'], 'IOB2'],
  ['nothing but O', ['O O'], 'IOB2'],
  ['B- only between neighbors of one label', ['I-PER I-PER O', 'I-LOC B-LOC O'], 'IOB1'],
  ['no B- at all', ['I-PER O'], 'IOB1'],
  ['IOB1 that only its last sentence shows', ['O O', 'O I-PER', 'I-LOC I-LOC'], 'IOB1'],
  ['IOB2 with one mistake', ['B-PER O', 'B-LOC O', 'I-LOC O'], 'IOB2'],
  ['IOB1 with one mistake', ['I-PER O', 'I-LOC O', 'B-LOC O'], 'IOB1'],
  ['IOBES', ['B-PER E-PER O S-LOC'], 'IOBES'],
  ['BILOU', ['B-PER I-PER L-PER U-LOC'], 'IOBES'],
  ['BMES', ['B-PER M-PER E-PER'], 'IOBES'],
] as const) {
  test(`The scheme of ${name} is ${scheme}`, () => assert.equal(detect(...sentences).scheme, scheme));
}

test('What a scheme does not allow is counted in a warning', () => {
  assert.deepEqual(detect('B-PER O', 'B-LOC O', 'I-LOC O').warnings, ['1 tags I- begin an entity, which IOB2 does not allow; they are read as B-']);
  assert.deepEqual(detect('I-PER O', 'I-LOC O', 'B-LOC O').warnings, ['1 tags B- begin an entity that follows none of its label, which IOB1 does not allow; they are read as B-']);
  assert.deepEqual(detect('S-PER E-PER').warnings, ['1 tags I-, E-, L- or M- begin an entity, which IOBES does not allow; they are read as B-']);
  assert.deepEqual(detect('I-LOC B-LOC I-PER').warnings, []);
});

for (const [tags, expected] of [
  ['I-PER I-PER B-PER I-LOC O', 'B-PER I-PER B-PER B-LOC O'],
  ['B-PER M-PER E-PER S-PER', 'B-PER I-PER I-PER B-PER'],
  ['U-LOC L-LOC L-LOC', 'B-LOC B-LOC B-LOC'],
  ['B-X E-X E-X I-X', 'B-X I-X B-X B-X'],
] as const) {
  test(`${tags} is ${expected} in IOB2`, () => assert.deepEqual(toIob2(tags.split(' ')), expected.split(' ')));
}

test('Every spelling of the same entities becomes the same IOB2', () => {
  const generator = random(5);
  for (let round = 0; round < 500; round++) {
    const iob2 = toIob2(Array.from({ length: 1 + generator.int(9) }, () => ['O', 'B-X', 'I-X', 'B-Y', 'I-Y'][generator.int(5)] ?? 'O'));
    const spans = spansOfTags(iob2);
    assert.deepEqual(tagsOfSpans(spans, iob2.length), iob2);
    const iobes = [...iob2];
    const iob1 = [...iob2];
    spans.forEach(({ wordStart, wordEnd, label }, index) => {
      iobes[wordEnd - 1] = `${wordEnd - wordStart === 1 ? 'S' : 'E'}-${label}`;
      const before = spans[index - 1];
      if (before?.wordEnd !== wordStart || before.label !== label) iob1[wordStart] = `I-${label}`;
    });
    assert.deepEqual(toIob2(iobes), iob2);
    assert.deepEqual(toIob2(iob1), iob2);
  }
});

test('A tag has a prefix and a label that can be stored', () => {
  for (const tag of ['O', 'B-PER', 'I-group:sub-type', 'S-人']) assert.ok(isTag(tag), tag);
  for (const tag of ['', 'o', 'PER', 'B-', 'B_PER', 'X-PER', 'B-a b', 'B-\u0000', 'B-\ud800', `B-${'x'.repeat(201)}`]) assert.ok(!isTag(tag), JSON.stringify(tag));
});
