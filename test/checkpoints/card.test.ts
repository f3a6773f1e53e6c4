/** What a model card claims, from facts alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { modelCard, type CardCorpus, type CardFacts, type CardTeacher } from '../../src/checkpoints/card.ts';
import type { Manifest } from '../../src/checkpoints/manifest.ts';
import type { RequestedOptions } from '../../src/schemas/options.ts';
import { resolveOptions } from '../../src/training/options.ts';

type Kind = Manifest['kind'];

const ENCODER = { source: 'intfloat/multilingual-e5-small', license: 'MIT' };
const corpus = (language: string, role: string, kind: CardCorpus['kind'] = 'labeled'): CardCorpus => ({ name: `${language} corpus`, kind, role, language, sentences: 10, digest: 'sha256:0' });
const teacher = (role: CardTeacher['role'], runId: string, kind: Kind = role, selections: readonly string[] = []): CardTeacher => ({ role, kind, runId, selections });
const TAUGHT = [corpus('en', 'train of the recognizer'), corpus('en', 'train of the evaluator'), corpus('es', 'unlabeled', 'unlabeled'), corpus('es', 'test')];
const TEACHERS = [teacher('recognizer', 'run_r'), teacher('evaluator', 'run_e')];

function cardOf(kind: Kind, options: RequestedOptions = {}, facts: Partial<Pick<CardFacts, 'encoder' | 'corpora' | 'teachers' | 'format'>> = {}): string {
  const manifest = {
    checkpointId: 'ckpt_1', runId: 'run_1', kind, step: 10, seed: 1, labels: kind === 'evaluator' ? [] : ['LOC'], tags: kind === 'evaluator' ? [] : ['O', 'B-LOC', 'I-LOC'],
    encoder: { encoderId: 'e5', digest: 'sha256:1', architecture: 'bert' }, config: { family: 'bert', positions: 514, firstPosition: 2 }, maxPieces: 128, wordPiece: 'first',
    tensors: ['head.bias'], options: resolveOptions(kind, options), versions: { mtmt: '0.1.0' },
  } as unknown as Manifest;
  return modelCard({ manifest, format: 'hf', encoder: ENCODER, corpora: TAUGHT, teachers: kind === 'student' ? TEACHERS : [], scores: [], ...facts });
}

function section(card: string, title: string): string {
  return card.split(`\n## ${title}\n`)[1]?.split('\n## ')[0]?.trim() ?? assert.fail(`no section ${title}`);
}

describe('front matter says the same to readers of YAML 1.1, as hubs are, and of 1.2', () => {
  const frontOf = (card: string, version: '1.1' | '1.2'): unknown => parse(card.split('---\n')[1] ?? assert.fail(), { version });
  for (const version of ['1.1', '1.2'] as const) {
    test(version, () => {
      const card = cardOf('recognizer', {}, { corpora: [corpus('no', 'train'), corpus('en', 'test'), corpus('pt-BR', 'test')], encoder: { source: 'x/y', license: 'Custom: see #1' } });
      assert.deepEqual(frontOf(card, version), {
        library_name: 'transformers', pipeline_tag: 'token-classification', license: 'custom: see #1', language: ['en', 'no', 'pt-BR'], tags: ['named-entity-recognition', 'cross-lingual'],
      });
    });
  }
  test('an evaluator for onnxruntime', () => {
    assert.deepEqual(frontOf(cardOf('evaluator', {}, { format: 'onnx', corpora: [corpus('en', 'train')] }), '1.1'), {
      pipeline_tag: 'sentence-similarity', license: 'mit', language: ['en'], tags: ['named-entity-recognition', 'cross-lingual', 'onnx'],
    });
  });
});

test('the encoder is named with its license, and a folder of somebody’s machine is not', () => {
  assert.match(section(cardOf('recognizer'), 'Encoder'), /^`e5` from intfloat\/multilingual-e5-small, license MIT, weights sha256:1\.\n1 weights are not the encoder's:/);
  assert.match(section(cardOf('recognizer', {}, { encoder: { source: '/home/ana/models/e5', license: 'unknown' } }), 'Encoder'), /^`e5` from a local folder, license unknown, weights/);
});

test('the corpora of teachers are data, with who used them', () => {
  const rows = section(cardOf('student'), 'Data').split('\n');
  assert.ok(rows.includes('| en corpus | train of the recognizer | en | 10 | sha256:0 |'));
  assert.ok(rows.includes('| en corpus | train of the evaluator | en | 10 | sha256:0 |'));
  assert.equal(rows.length, 2 + TAUGHT.length);
});

test('a name breaks no table', () => {
  const rows = section(cardOf('recognizer', {}, { corpora: [{ ...corpus('en', 'train'), name: 'a\n| b' }] }), 'Data').split('\n');
  assert.equal(rows[2], '| a \\| b | train | en | 10 | sha256:0 |');
});

describe('limits', () => {
  test('languages are those of all corpora; of raw text alone no labels were seen', () => {
    const limits = section(cardOf('student'), 'Limits').split('\n');
    assert.equal(limits[0], '- Languages other than en, es were neither trained nor measured.');
    assert.equal(limits[3], '- No labels of es were trained on: systematic mistakes of the teachers are learned with the rest.');
    assert.equal(limits[2], '- Text is read in windows of 128 pieces; longer text must be cut by the caller.');
    assert.equal(limits.length, 5);
  });
  test('a student on raw text of a language that a teacher had labels of says nothing of none', () => {
    assert.doesNotMatch(cardOf('student', {}, { corpora: [...TAUGHT, corpus('es', 'train of the recognizer’s recognizer')] }), /No labels/);
    assert.doesNotMatch(cardOf('recognizer'), /No labels/);
  });
});

describe('the method is that of the run’s options', () => {
  const student = (options: RequestedOptions = {}, teachers: readonly CardTeacher[] = TEACHERS): string => section(cardOf('student', options, { teachers }), 'Method');
  const [recognizer, evaluator] = TEACHERS as [CardTeacher, CardTeacher];

  test('whole, of a student without options', () => {
    assert.deepEqual(student().split('\n'), [
      'Distilled on raw text, without its tags if it has any.',
      '',
      '- Tags: those of the recognizer `run_r`.',
      '- Word similarities: those of the evaluator `run_e`.',
      '- Start: the weights of the recognizer `run_r`.',
      '- Neighbours: where the recognizer does not say O for sure, a share of 0.4 of a word’s soft tags is what is said of its 16 nearest neighbours in the raw text, by the evaluator’s vectors.',
      '- Forms: a share of 0.3 of a word’s soft tags is what is said of its form’s other occurrences in the raw text.',
      '- Objective: `mtmt` (after Li et al., ACL 2022), whose weights are the teachers’.',
      '- Recognition loss: soft cross-entropy of every word, weighed by alpha, the square of the recognizer’s highest probability.',
      '- Similarity loss: cross-entropy of the similarity of two words’ vectors against the evaluator’s, with the weight 0.5 and the temperature 1, weighed by beta `shifted`, min(1, (2s-1)^2 + 0.5); pairs are drawn in each batch, of the same tag with a share of 0.5, 1 for each word.',
      '- All losses are weighed by gamma: 1 minus the difference of the similarities that recognizer and evaluator see in a pair.',
      '- Training: preset `mtmt`, learning rate 0.0001, schedule `linear`, 1 epoch, 1024 pieces a batch, products in float32.',
      '- Left as they were at the start: embeddings.',
      '- The last step’s weights are their mean over the last 0.5 of the steps.',
      '',
      'All options are in `manifest.json`. Trained with mtmt 0.1.0.',
    ]);
  });

  const none = { similarityWeight: 0, alpha: false, beta: 'none', gamma: false, formShare: 0, neighbourShare: 0 } as const;
  const cases: [name: string, method: string, said: readonly RegExp[], unsaid: RegExp][] = [
    ['recognition alone (TSL)', student(none, [recognizer]), [/No evaluator was asked/, /not weighed by alpha/, /Similarity loss: none \(`similarityWeight` 0\)/, /Losses are not weighed by gamma/], /Word similarities|Neighbours|Forms|beta/],
    ['similarity without weights', student({ ...none, similarityWeight: 2 }), [/with the weight 2 and the temperature 1, not weighed by beta/, /evaluator `run_e`/], /by gamma:/],
    ['from the encoder', student({ start: 'encoder', formShare: 0.2, neighbourShare: 0 }), [/Start: the pretrained encoder\./, /a share of 0\.2 /], /Neighbours|Start: the weights/],
    ['a further round', student({}, [teacher('recognizer', 'run_s', 'student'), evaluator]), [/recognizer `run_s` \(itself a student: a further round of distillation\)\./], /`run_r`/],
    ['ensembles', student({}, [recognizer, teacher('recognizer', 'run_r2'), evaluator, teacher('evaluator', 'run_e2')]), [/the mean distributions of 2 recognizers: `run_r`, `run_r2`\./, /the means of 2 evaluators: `run_e`, `run_e2`\./, /Start: the weights of the recognizer `run_r`\./], /those of/],
    ['teachers whose checkpoints labels of the target chose', student({}, [teacher('recognizer', 'run_r', 'recognizer', ['target-dev', 'last']), evaluator]), [/the recognizer `run_r` \(its checkpoint by `target-dev` and `last`\)\./, /evaluator `run_e`\./], /source-dev/],
    ['the article’s', student({ preset: 'article' }, [teacher('recognizer', 'run_t', 'teacher'), teacher('evaluator', 'run_t', 'teacher')]), [/Objective: `article`/, /Heads: two/, /`run_t` \(a teacher of both kinds on one encoder\)\./, /two words’ tag distributions/, /beta `squared`, \(2s-1\)\^2;/, /the student’s highest/, /of any two words/], /Li et al|Neighbours|mean over/],
    ['the authors’', student({ preset: 'authors' }), [/mean squared error of one random word of each sentence/, /5e-9 for the head, schedule `constant`, 300 epochs, 2048 pieces/], /Left as they were|mean over/],
    ['a recognizer', section(cardOf('recognizer', { frozenLayers: 3, maxTrainSentences: 500, maxSteps: 40, layerDecay: 0.9, accumulation: 2, patience: 4, precision: 'bfloat16' }), 'Method'), [/^Fine-tuned on labeled text;/, /0\.9 of it from layer to layer downwards/, /at most 40 steps, stopped after 4 dev scores/, /2 batches a step, products in bfloat16/, /embeddings and the lowest 3 layers/, /at most 500 sentences/], /pairs|alpha|Tags:/],
    ['an evaluator', section(cardOf('evaluator', { similarityTemperature: 0.25, pairsPerWord: 4 }), 'Method'), [/^Fine-tuned to tell by the cosine/, /the cosine divided by 0\.25;/, /4 for each word/], /labeled text|Tags:/],
    ['a teacher', section(cardOf('teacher'), 'Method'), [/both tags and word similarity/, /Similarity: the sigmoid/], /Tags:/],
  ];
  for (const [name, method, said, unsaid] of cases) {
    test(name, () => {
      for (const each of said) assert.match(method, each);
      assert.doesNotMatch(method, unsaid);
      assert.doesNotMatch(method, /undefined|null|NaN/);
    });
  }
});
