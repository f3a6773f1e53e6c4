/** The model card of an exported checkpoint: what it was trained on, what it scores, and how far to trust that. */
import { isAbsolute } from 'node:path';
import type { ExportFormat } from '../schemas/checkpoint.ts';
import { exampleProgram } from './example.ts';
import { hasHead, longestWindow, type Manifest } from './manifest.ts';
import { methodLines, type CardTeacher } from './method.ts';

export type { CardTeacher } from './method.ts';

export interface CardCorpus {
  readonly name: string;
  readonly kind: 'labeled' | 'unlabeled' | 'pairs';
  /** What it was used as, and by which teacher if not by the run itself: `train of the recognizer`. */
  readonly role: string;
  readonly language: string;
  readonly sentences: number;
  readonly digest: string;
}

export interface CardScore {
  readonly name: string;
  readonly language: string;
  readonly split: string;
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly sentences: number;
  readonly words: number;
  /** 95 % bootstrap interval of F1 */
  readonly ci95: readonly [low: number, high: number] | null;
  /** All that chose the checkpoint; never empty. */
  readonly selections: readonly string[];
  readonly decoding: string;
}

export interface CardFacts {
  readonly manifest: Manifest;
  readonly format: ExportFormat;
  readonly encoder: { readonly source: string; readonly license: string };
  /** All that were trained, chosen by or measured on, the teachers' and their teachers' included. */
  readonly corpora: readonly CardCorpus[];
  /** Of a student, those that it asked. */
  readonly teachers: readonly CardTeacher[];
  readonly scores: readonly CardScore[];
}

const SELECTIONS: Record<string, string> = {
  'source-dev': 'the checkpoint is the best on dev sets of the languages that had training labels',
  'target-dev': 'the checkpoint is the best on labeled dev sets of the TARGET languages, which an unsupervised user has not got',
  last: 'the checkpoint is that of the last step; no dev set chose it',
};

/** @returns Markdown with the front matter that model hubs read */
export function modelCard({ manifest, format, encoder, corpora, teachers, scores }: CardFacts): string {
  const task = hasHead(manifest) ? 'token-classification' : 'sentence-similarity';
  return [
    '---',
    ...(format === 'hf' ? ['library_name: transformers'] : []),
    `pipeline_tag: ${task}`,
    `license: ${quoted(encoder.license.toLowerCase())}`,
    'language:',
    ...languagesOf(corpora).map((language) => `- ${quoted(language)}`),
    'tags:',
    '- named-entity-recognition',
    '- cross-lingual',
    ...(format === 'hf' ? [] : ['- onnx']),
    ...(format === 'onnx-int8' ? ['- int8'] : []),
    '---',
    '',
    `# ${title(manifest)}`,
    '',
    `Checkpoint \`${manifest.checkpointId}\` of run \`${manifest.runId}\`, step ${manifest.step}, seed ${manifest.seed}.`,
    hasHead(manifest) ? `Labels: ${manifest.labels.join(', ')}. Tags: IOB2 on ${manifest.wordPiece === 'first' ? 'the first piece of each word' : 'the first piece of each word that is more than a bare word-start mark'}. Temperature of calibrated scores: ${(manifest.temperature ?? 1).toFixed(3)} (softmax of the logits divided by it).` : '',
    '',
    ...(format === 'onnx-int8' ? quantizationLines() : []),
    '## Scores',
    '',
    ...(format === 'onnx-int8' && scores.length > 0 ? ['These are figures of the model before it was quantized; the model in this folder was not scored.', ''] : []),
    ...scoreLines(manifest, scores),
    '',
    '## Data',
    '',
    ...table(
      ['corpus', 'used as', 'language', 'sentences', 'digest'],
      corpora.map((c) => [c.name, c.role, c.language, String(c.sentences), c.digest]),
    ),
    '',
    '## Method',
    '',
    ...methodLines(manifest, teachers),
    '',
    '## Encoder',
    '',
    `\`${manifest.encoder.encoderId}\` from ${isAbsolute(encoder.source) ? 'a local folder' : encoder.source}, license ${encoder.license}, weights ${manifest.encoder.digest}.`,
    frozenLine(manifest),
    '',
    '## Limits',
    '',
    ...limits(manifest, corpora),
    '',
    '## Use',
    '',
    ...useLines(format),
    '',
    '```python',
    ...exampleProgram(manifest, format),
    '```',
    '',
  ].join('\n');
}

function title({ kind }: Manifest): string {
  const titles = {
    student: 'Named-entity tagger for several languages, distilled from teachers on raw text',
    recognizer: 'Named-entity tagger (recognizer teacher)',
    evaluator: 'Word similarity model (evaluator teacher)',
    teacher: 'Named-entity tagger (teacher of both tasks on one encoder)',
  };
  return titles[kind];
}

function useLines(format: ExportFormat): string[] {
  if (format === 'hf') return ['In this folder, with `pip install torch transformers`:'];
  const weights = format === 'onnx' ? 'float32' : 'int8';
  return [`In this folder, with \`pip install onnxruntime tokenizers\`; \`model.onnx\` has ${weights} weights and takes batches and sequences of any size:`];
}

/** Source of what it lost: README.md of the project, where exports are described. */
function quantizationLines(): string[] {
  return [
    '## Quantization',
    '',
    'This is a quantized form of the model. Word embeddings are integers of 8 bits with a scale for each row; weights of linear layers are such integers with a scale for each output, small enough for processors without VNNI to compute the same; what is multiplied by them becomes integers of 8 bits as the model runs. All else, the output layer too, is float32.',
    '',
    'One scale holds for all pieces of a batch: the other sentences of a batch, and padding, change outputs by as much as rounding does. No data was used to choose scales.',
    '',
  ];
}

function scoreLines(manifest: Manifest, scores: readonly CardScore[]): string[] {
  const first = scores[0];
  if (first === undefined) return ['This checkpoint was scored on no test set.'];
  const percent = (share: number): string => (100 * share).toFixed(2);
  const rows = scores.map((s) => {
    const precision = s.tp / (s.tp + s.fp) || 0;
    const recall = s.tp / (s.tp + s.fn) || 0;
    const f1 = (2 * s.tp) / (2 * s.tp + s.fp + s.fn) || 0;
    const interval = s.ci95 === null ? '' : `${percent(s.ci95[0])} to ${percent(s.ci95[1])}`;
    const counts = [s.tp, s.fp, s.fn, s.sentences, s.words].map(String);
    return [s.name, s.language, s.split, percent(precision), percent(recall), percent(f1), interval, ...counts];
  });
  const unit = hasHead(manifest)
    ? 'Entity F1 as conlleval counts it: exact span and label, micro-averaged.'
    : 'F1 of "same tag" decisions about pairs of words.';
  const protocols = first.selections.map((selection) => `Protocol \`${selection}\`: ${SELECTIONS[selection] ?? 'see the manifest'}`);
  return [
    `${unit} ${protocols.join('. ')}. Decoding: ${first.decoding}.`,
    '',
    ...table(['corpus', 'language', 'split', 'P %', 'R %', 'F1 %', '95 %', 'tp', 'fp', 'fn', 'sentences', 'words'], rows),
  ];
}

function frozenLine({ tensors }: Manifest): string {
  return `${tensors.length} weights are not the encoder's: those that were trained, or taken over from a recognizer; all others are its own.`;
}

function limits(manifest: Manifest, corpora: readonly CardCorpus[]): string[] {
  const unlabeled = targetsOf(manifest, corpora);
  return [
    `- Languages other than ${languagesOf(corpora).join(', ')} were neither trained nor measured.`,
    '- Figures hold for text like the test corpora; other domains and spellings usually score lower.',
    `- Text is read in windows of ${longestWindow(manifest)} pieces; longer text must be cut by the caller.`,
    ...(unlabeled.length > 0 ? [`- No labels of ${unlabeled.join(', ')} were trained on: systematic mistakes of the teachers are learned with the rest.`] : []),
    '- Do not decide about people by this model alone.',
  ];
}

function languagesOf(corpora: readonly CardCorpus[]): string[] {
  return [...new Set(corpora.map(({ language }) => language))].sort();
}

/** Languages of a student's raw text that neither it nor a teacher has seen labels of in training. */
function targetsOf({ kind }: Manifest, corpora: readonly CardCorpus[]): string[] {
  if (kind !== 'student') return [];
  const labeled = new Set(corpora.filter((corpus) => corpus.kind !== 'unlabeled' && corpus.role.startsWith('train')).map(({ language }) => language));
  return languagesOf(corpora.filter((corpus) => corpus.kind === 'unlabeled')).filter((language) => !labeled.has(language));
}

/** For YAML 1.1, which model hubs read: `no` alone would be false there. JSON's strings are YAML's. */
function quoted(value: string): string {
  return JSON.stringify(value);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replace(/\s+/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
