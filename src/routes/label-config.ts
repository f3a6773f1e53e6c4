/** Label Studio's label config (XML): which text is labeled, and by which labels. */
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { fail } from '../errors.ts';
import { PLACE } from './label-studio-text.ts';

export interface LabelConfig {
  /** Name of the control tag, a `Labels`. */
  readonly fromName: string;
  /** Name of the object tag, a `Text`. */
  readonly toName: string;
  /** Where a task's data has its text, a key or a path: `value="$text"`. */
  readonly dataKey: string;
  /** Of the control's `model_score_threshold`. */
  readonly threshold: number;
  /** What the project calls a label of the model; null where it has no such label. */
  labelOf(modelLabel: string): string | null;
}

interface Label {
  /** What results hold: the alias where there is one. */
  readonly name: string;
  readonly names: readonly string[];
  /** Labels of models that mean this one, by Label Studio's own convention. */
  readonly predicted: readonly string[];
}

/** The first `Labels` over a `Text`, as Label Studio's own backends take it. @throws LABEL_CONFIG_INVALID */
export function readLabelConfig(xml: string): LabelConfig {
  const elements = elementsOf(xml);
  const texts = new Map(elements.filter((element) => isTag(element, 'Text')).map((element) => [element.attributes['name'], element]));
  for (const control of elements.filter((element) => isTag(element, 'Labels'))) {
    const fromName = control.attributes['name'];
    const toName = (control.attributes['toName'] ?? '').split(',').find((name) => texts.has(name));
    const text = toName === undefined ? undefined : texts.get(toName);
    if (fromName === undefined || toName === undefined || text === undefined) continue;
    const labels = below(control).filter((element) => isTag(element, 'Label')).map(labelOf);
    return { fromName, toName, dataKey: dataKeyOf(text), threshold: thresholdOf(control), labelOf: (modelLabel) => nameOf(labels, modelLabel) };
  }
  throw fail('LABEL_CONFIG_INVALID', { detail: 'it has no Labels over a Text' });
}

function elementsOf(xml: string): XmlElement[] {
  try {
    const { root } = parseXml(xml.trim());
    return root === null ? [] : [root, ...below(root)];
  } catch (cause) {
    throw fail('LABEL_CONFIG_INVALID', { detail: `it is no XML: ${firstLine(cause)}` }, { cause });
  }
}

/** In the order of the document, without recursion: how deep it is, a client says. */
function below(element: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  const open = [element];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next !== element) found.push(next);
    open.push(...next.children.filter((child) => child instanceof XmlElement).reverse());
  }
  return found;
}

/** Label Studio reads names of tags in any case. */
function isTag({ name }: XmlElement, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase();
}

function dataKeyOf({ attributes }: XmlElement): string {
  const { value = '', valueType = 'text' } = attributes;
  const [, key] = PLACE.exec(value) ?? [];
  if (key === undefined) throw fail('LABEL_CONFIG_INVALID', { detail: `the Text has the value "${value}", expected the name of a key of the data such as $text or $doc.text` });
  if (valueType === 'url') throw fail('LABEL_CONFIG_INVALID', { detail: 'the Text has the valueType url: texts are read from tasks, not from elsewhere' });
  return key;
}

function thresholdOf({ attributes }: XmlElement): number {
  const { model_score_threshold: text = '0' } = attributes;
  const threshold = Number(text);
  if (threshold >= 0 && threshold <= 1) return threshold;
  throw fail('LABEL_CONFIG_INVALID', { detail: `the Labels have the model_score_threshold "${text}", expected 0 to 1` });
}

function labelOf({ attributes }: XmlElement): Label {
  const { value = '', alias = '', predicted_values: predicted = '' } = attributes;
  const names = [alias, value].filter((name) => name !== '');
  return { name: names[0] ?? '', names, predicted: predicted.split(',').map((name) => name.trim()) };
}

function nameOf(labels: readonly Label[], modelLabel: string): string | null {
  const found =
    labels.find(({ predicted }) => predicted.includes(modelLabel)) ??
    labels.find(({ names }) => names.includes(modelLabel)) ??
    labels.find(({ names }) => names.some((name) => name.toLowerCase() === modelLabel.toLowerCase()));
  return found?.name ?? null;
}

/** The parser goes on with an excerpt. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
