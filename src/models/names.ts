/** The one place where weight names of Hugging Face files are translated to and from ours. */
import { fail } from '../errors.ts';
import type { SafetensorsFile } from '../tensor/safetensors.ts';
import type { EncoderConfig, EncoderFamily } from './config.ts';

/** Our names of the encoder's weights, all of them, bottom first. */
export function encoderWeightNames(config: EncoderConfig): string[] {
  const names = ['embeddings.word', 'embeddings.position'];
  if (config.typeVocabularySize > 0) names.push('embeddings.type');
  names.push('embeddings.norm.scale', 'embeddings.norm.shift');
  for (let layer = 0; layer < config.layers; layer++) names.push(...layerWeightNames(layer));
  return names;
}

export function layerWeightNames(layer: number): string[] {
  const linears = ['query', 'key', 'value', 'output', 'up', 'down'].flatMap((part) => [`${part}.weight`, `${part}.bias`]);
  const norms = ['attentionNorm', 'outputNorm'].flatMap((part) => [`${part}.scale`, `${part}.shift`]);
  return [...linears, ...norms].map((name) => `layers.${layer}.${name}`);
}

/** A matrix that inputs are multiplied by, `[out, in]`. @param name ours */
export function isLinearWeight(name: string): boolean {
  return name.endsWith('.weight');
}

export const HEAD_WEIGHT = 'head.weight';
export const HEAD_BIAS = 'head.bias';
/** A student's second head, for the right side of pairs; it is there in training only. */
export const RIGHT_HEAD_WEIGHT = 'rightHead.weight';
export const RIGHT_HEAD_BIAS = 'rightHead.bias';

/** Model prefix of a checkpoint with a head, as transformers writes it. */
const PREFIX: Record<EncoderFamily, string> = { bert: 'bert.', 'xlm-roberta': 'roberta.', distilbert: 'distilbert.' };

const BERT_PARTS: Record<string, string> = {
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  output: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  outputNorm: 'output.LayerNorm',
};
const DISTILBERT_PARTS: Record<string, string> = {
  query: 'attention.q_lin',
  key: 'attention.k_lin',
  value: 'attention.v_lin',
  output: 'attention.out_lin',
  attentionNorm: 'sa_layer_norm',
  up: 'ffn.lin1',
  down: 'ffn.lin2',
  outputNorm: 'output_layer_norm',
};
const EMBEDDINGS: Record<string, string> = {
  'embeddings.word': 'embeddings.word_embeddings.weight',
  'embeddings.position': 'embeddings.position_embeddings.weight',
  'embeddings.type': 'embeddings.token_type_embeddings.weight',
  'embeddings.norm.scale': 'embeddings.LayerNorm.weight',
  'embeddings.norm.shift': 'embeddings.LayerNorm.bias',
  [HEAD_WEIGHT]: 'classifier.weight',
  [HEAD_BIAS]: 'classifier.bias',
};

/** Name that transformers gives the weight in a token classification model, prefix included. */
export function toHuggingFace(family: EncoderFamily, name: string): string {
  const bare = bareName(family, name);
  return name === HEAD_WEIGHT || name === HEAD_BIAS ? bare : PREFIX[family] + bare;
}

/**
 * Name under which a file holds the weight: with the prefix or without, and LayerNorm's gamma and beta in files converted from TensorFlow.
 * @throws ENCODER_INVALID naming the weight
 */
export function nameInFile(file: SafetensorsFile, family: EncoderFamily, name: string): string {
  const bare = bareName(family, name);
  const legacy = bare.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
  const found = [bare, PREFIX[family] + bare, legacy, PREFIX[family] + legacy].find((candidate) => file.has(candidate));
  if (found === undefined) throw fail('ENCODER_INVALID', { path: file.path, detail: `there is no weight ${bare}` });
  return found;
}

function bareName(family: EncoderFamily, name: string): string {
  const known = EMBEDDINGS[name];
  if (known !== undefined) return known;
  const [, layer, part, kind] = /^layers\.(\d+)\.(\w+)\.(\w+)$/.exec(name) ?? [];
  const foreign = (family === 'distilbert' ? DISTILBERT_PARTS : BERT_PARTS)[part ?? ''];
  if (foreign === undefined) throw fail('ENCODER_INVALID', { path: name, detail: 'this is no name of a weight' });
  const stack = family === 'distilbert' ? 'transformer.layer' : 'encoder.layer';
  return `${stack}.${layer}.${foreign}.${kind === 'weight' || kind === 'scale' ? 'weight' : 'bias'}`;
}
