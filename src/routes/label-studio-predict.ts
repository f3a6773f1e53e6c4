/** Tasks of Label Studio -> predictions. */
import { MAX_TEXTS, type NerResult } from '../schemas/ner.ts';
import type { Prediction, PredictRequest, PredictResponse, Region } from '../schemas/label-studio.ts';
import { mean } from '../scoring/mean.ts';
import type { TaggerClient } from '../tagging/client.ts';
import { readLabelConfig, type LabelConfig } from './label-config.ts';

export interface PredictOptions {
  readonly model: string;
  readonly request: PredictRequest;
  readonly signal: AbortSignal;
  /** Whose turn it takes in the tagger. */
  readonly client: string;
}

/** @returns beside the answer the model's labels that the label config lacks. @throws LABEL_CONFIG_INVALID, and what the tagger does */
export async function predict(tagger: TaggerClient, { model, request, signal, client }: PredictOptions): Promise<{ response: PredictResponse; missing: string[] }> {
  const config = readLabelConfig(request.label_config);
  const texts = request.tasks.map(({ data }) => (Object.hasOwn(data, config.dataKey) ? data[config.dataKey] : undefined));
  const without = request.tasks.filter((_, index) => typeof texts[index] !== 'string').map(({ id }) => String(id));
  const left = new Map<string, number>();
  const results: Prediction[] = [];
  // all tasks of a project may come at once; a task without text keeps its place
  for (let start = 0; start < texts.length; start += MAX_TEXTS) {
    const part = texts.slice(start, start + MAX_TEXTS).map((text) => (typeof text === 'string' ? text : ''));
    // Label Studio's editor counts code points (web/libs/editor/src/utils/selection-tools.js there)
    const answer = await tagger.tag({ texts: part, model, offsetUnit: 'codepoint', threshold: config.threshold }, { signal, client });
    results.push(...answer.results.map((result) => predictionOf(result, { config, version: answer.model.checkpointId, left })));
  }
  const warnings = [
    ...(without.length > 0 ? [`${without.length} tasks have no text under "${config.dataKey}" in their data: ${without.slice(0, 10).join(', ')}`] : []),
    ...[...left].map(([label, count]) => `The label config has no label for the model’s ${label}: ${count} entities were left out; predicted_values="${label}" names it`),
  ];
  return { response: { results, warnings }, missing: [...left.keys()] };
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
