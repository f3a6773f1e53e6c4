/** The method of a model card as the run's own options have it: what was done, with its value, and nothing that was not. */
import type { TrainingOptions } from '../schemas/options.ts';
import type { Manifest } from './manifest.ts';

export interface CardTeacher {
  readonly role: 'recognizer' | 'evaluator';
  readonly kind: Manifest['kind'];
  readonly runId: string;
  /** What chose the checkpoint that taught, as `Manifest` has it; empty where that is not known. */
  readonly selections: readonly string[];
}

const LOSSES = { crossEntropy: 'soft cross-entropy', meanSquaredError: 'mean squared error' } as const;
/** s is the evaluator's similarity of a pair, or that of the student's logits for the objective `article`. */
const BETAS = { squared: '(2s-1)^2', shifted: 'min(1, (2s-1)^2 + 0.5)' } as const;

/** @param teachers of a student, those that it asked */
export function methodLines({ kind, options, versions }: Manifest, teachers: readonly CardTeacher[]): string[] {
  const methods = {
    student: 'Distilled on raw text, without its tags if it has any.',
    recognizer: 'Fine-tuned on labeled text; to other languages it is applied as it is (direct transfer).',
    evaluator: 'Fine-tuned to tell by the cosine of two words’ vectors whether they have the same tag.',
    teacher: 'Fine-tuned on labeled text for both tags and word similarity; to other languages it is applied as it is (direct transfer).',
  };
  const own = { student: () => [...teacherLines(teachers), ...studentLines(options, teachers)], recognizer: () => [], evaluator: () => [pairLine(options)], teacher: () => [pairLine(options)] };
  const lines = [...own[kind](), ...trainingLines(options)];
  return [methods[kind], '', ...lines.map((line) => `- ${line}.`), '', `All options are in \`manifest.json\`. Trained with mtmt ${versions['mtmt'] ?? ''}.`];
}

function teacherLines(teachers: readonly CardTeacher[]): string[] {
  const named = (role: CardTeacher['role']): string[] => teachers.filter((teacher) => teacher.role === role).map(nameOf);
  const [recognizers, evaluators] = [named('recognizer'), named('evaluator')];
  return [
    recognizers.length === 1 ? `Tags: those of the recognizer ${recognizers.join()}` : `Tags: the mean distributions of ${recognizers.length} recognizers: ${recognizers.join(', ')}`,
    evaluators.length === 0
      ? 'No evaluator was asked: no option that reads word similarities is on'
      : evaluators.length === 1
        ? `Word similarities: those of the evaluator ${evaluators.join()}`
        : `Word similarities: the means of ${evaluators.length} evaluators: ${evaluators.join(', ')}`,
  ];
}

function nameOf({ role, kind, runId, selections }: CardTeacher): string {
  const facts = [
    ...(kind === role ? [] : [kind === 'student' ? 'itself a student: a further round of distillation' : 'a teacher of both kinds on one encoder']),
    ...(selections.length === 0 ? [] : [`its checkpoint by ${selections.map((selection) => `\`${selection}\``).join(' and ')}`]),
  ];
  return `\`${runId}\`${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`;
}

function studentLines(options: TrainingOptions, teachers: readonly CardTeacher[]): string[] {
  const { objective, heads, start, formShare, neighbourShare } = options;
  const first = teachers.find(({ role }) => role === 'recognizer')?.runId;
  return [
    start === 'recognizer' ? `Start: the weights of the recognizer \`${first ?? ''}\`` : 'Start: the pretrained encoder',
    ...(neighbourShare > 0 ? [`Neighbours: where the recognizer does not say O for sure, a share of ${neighbourShare} of a word’s soft tags is what is said of its 16 nearest neighbours in the raw text, by the evaluator’s vectors`] : []),
    ...(formShare > 0 ? [`Forms: a share of ${formShare} of a word’s soft tags is what is said of its form’s other occurrences in the raw text`] : []),
    objective === 'article' ? 'Objective: `article`, whose weights are the student’s own means over a batch' : 'Objective: `mtmt` (after Li et al., ACL 2022), whose weights are the teachers’',
    ...(heads === 'two' ? ['Heads: two, one for each side of a pair, saved as the one head of their mean weights'] : []),
    recognitionLine(options),
    similarityLine(options),
    ...gammaLines(options),
  ];
}

function recognitionLine({ recognitionLoss, distil, alpha, objective }: TrainingOptions): string {
  const words = distil === 'oneWord' ? 'one random word of each sentence' : 'every word';
  const whose = objective === 'article' ? 'student' : 'recognizer';
  return `Recognition loss: ${LOSSES[recognitionLoss]} of ${words}, ${alpha ? `weighed by alpha, the square of the ${whose}’s highest probability` : 'not weighed by alpha'}`;
}

function similarityLine(options: TrainingOptions): string {
  const { similarityWeight, similarityTemperature, beta, objective } = options;
  if (similarityWeight === 0) return 'Similarity loss: none (`similarityWeight` 0)';
  const of = objective === 'article' ? 'tag distributions' : 'vectors';
  const weighed = beta === 'none' ? 'not weighed by beta' : `weighed by beta \`${beta}\`, ${BETAS[beta]}`;
  return `Similarity loss: cross-entropy of the similarity of two words’ ${of} against the evaluator’s, with the weight ${similarityWeight} and the temperature ${similarityTemperature}, ${weighed}; ${drawOf(options)}`;
}

function gammaLines({ gamma, objective }: TrainingOptions): string[] {
  if (!gamma) return ['Losses are not weighed by gamma'];
  const what = objective === 'article' ? 'the student’s similarities by tag distributions and by logits' : 'the similarities that recognizer and evaluator see in a pair';
  return [`All losses are weighed by gamma: 1 minus the difference of ${what}`];
}

function pairLine(options: TrainingOptions): string {
  return `Similarity: the sigmoid of the cosine divided by ${options.similarityTemperature}; unless pairs were uploaded, ${drawOf(options)}`;
}

function drawOf({ pairDraw, pairBalance, pairsPerWord }: TrainingOptions): string {
  const draw = pairDraw === 'uniform' ? 'of any two words' : `of the same tag with a share of ${pairBalance}`;
  return `pairs are drawn in each batch, ${draw}, ${pairsPerWord} for each word`;
}

function trainingLines(options: TrainingOptions): string[] {
  const { preset, learningRate, headLearningRate, layerDecay, schedule, epochs, maxSteps, batchPieces, accumulation, precision, maxTrainSentences, averagedShare, patience } = options;
  const rates = [`learning rate ${learningRate}`, ...(headLearningRate === null ? [] : [`${headLearningRate} for the head`]), ...(layerDecay < 1 ? [`${layerDecay} of it from layer to layer downwards`] : []), `schedule \`${schedule}\``];
  const length = [`${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`, ...(maxSteps === null ? [] : [`at most ${maxSteps} steps`]), ...(patience === null ? [] : [`stopped after ${patience} dev scores without a better one`])];
  const batch = [`${batchPieces} pieces a batch`, ...(accumulation > 1 ? [`${accumulation} batches a step`] : []), `products in ${precision}`];
  return [
    `Training: preset \`${preset}\`, ${[...rates, ...length, ...batch].join(', ')}`,
    ...(maxTrainSentences === null ? [] : [`Of each corpus at most ${maxTrainSentences} sentences were trained on, drawn with the seed`]),
    ...frozenLines(options),
    ...(averagedShare > 0 ? [`The last step’s weights are their mean over the last ${averagedShare} of the steps`] : []),
  ];
}

function frozenLines({ freezeEmbeddings, frozenLayers }: TrainingOptions): string[] {
  const frozen = [...(freezeEmbeddings ? ['embeddings'] : []), ...(frozenLayers > 0 ? [`the lowest ${frozenLayers} layers`] : [])];
  return frozen.length === 0 ? [] : [`Left as they were at the start: ${frozen.join(' and ')}`];
}
