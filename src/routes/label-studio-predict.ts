/** Tasks of Label Studio -> predictions. */
import type { NerResult } from '../schemas/ner.ts';
import type { Prediction, PredictRequest, PredictResponse, Region } from '../schemas/label-studio.ts';
import { mean } from '../scoring/mean.ts';
import type { TaggerClient } from '../tagging/client.ts';
import { readLabelConfig, type LabelConfig } from './label-config.ts';
import { tagTexts } from './label-studio-tag.ts';
import { textIn } from './label-studio-text.ts';

/** Tasks that a warning names. */
const MAX_NAMED = 10;

export interface PredictOptions {
  readonly model: string;
  readonly request: PredictRequest;
  readonly signal: AbortSignal;
  /** Whose turn it takes in the tagger. */
  readonly client: string;
}

export interface Predicted {
  readonly response: PredictResponse;
  /** The model's labels that the label config lacks. */
  readonly missing: readonly string[];
  /** How many tasks have an empty prediction since they have no text, or one that is not read. */
  readonly without: number;
  readonly refused: number;
}

/** @throws LABEL_CONFIG_INVALID, and what the tagger does, unless it is about one task: that one keeps its place, with nothing predicted */
export async function predict(tagger: TaggerClient, { model, request, signal, client }: PredictOptions): Promise<Predicted> {
  const config = readLabelConfig(request.label_config);
  const texts = request.tasks.map(({ data }) => textIn(data, config.dataKey));
  // Label Studio's editor counts code points (web/libs/editor/src/utils/selection-tools.js there)
  const asked = { model, offsetUnit: 'codepoint', threshold: config.threshold } as const;
  const tagged = await tagTexts(texts.map(({ text = '' }) => text), (part) => tagger.tag({ texts: part, ...asked }, { signal, client }));
  const left = new Map<string, number>();
  const results = tagged.results.map(({ result, checkpointId }) => predictionOf(result, { config, version: checkpointId, left }));
  const without = request.tasks.flatMap((task, index) => (texts[index]?.text === undefined ? [nameOf(task, index)] : []));
  const refused = [...tagged.refused].map(([index, detail]) => `${nameOf(request.tasks[index], index)} (${['/tasks', index, 'data', ...(texts[index]?.keys ?? [])].join('/')} has ${detail})`);
  const warnings = [
    ...(without.length > 0 ? [`${without.length} tasks have no text under "${config.dataKey}" in their data: ${listOf(without)}`] : []),
    ...(refused.length > 0 ? [`${refused.length} tasks have texts that are not read: ${listOf(refused)}`] : []),
    ...[...left].map(([label, count]) => `The label config has no label for the model’s ${label}: ${count} entities were left out; predicted_values="${label}" names it`),
  ];
  return { response: { results, warnings }, missing: [...left.keys()], without: without.length, refused: refused.length };
}

/** Its id, which may be anything. */
function nameOf(task: PredictRequest['tasks'][number] | undefined, index: number): string {
  const id = task?.id;
  return typeof id === 'number' || typeof id === 'string' ? String(id) : `/tasks/${index}`;
}

function listOf(names: readonly string[]): string {
  return names.slice(0, MAX_NAMED).join(', ');
}

function predictionOf({ entities }: NerResult, { config, version, left }: { config: LabelConfig; version: string; left: Map<string, number> }): Prediction {
  const result: Region[] = [];
  for (const { label: modelLabel, text, start, end, score } of entities) {
    const label = config.labelOf(modelLabel);
    if (label === null) left.set(modelLabel, (left.get(modelLabel) ?? 0) + 1);
    else result.push({ from_name: config.fromName, to_name: config.toName, type: 'labels', value: { start, end, text, labels: [label] }, score });
  }
  return { result, score: result.length === 0 ? null : mean(result.map(({ score }) => score)), model_version: version };
}
