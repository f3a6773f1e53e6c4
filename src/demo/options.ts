/** What the demo trains with: the schema's defaults, but for what small corpora and two cores ask for. Chosen on the English dev set. */
import type { RequestedOptions } from '../schemas/options.ts';

export const DEMO_OPTIONS: RequestedOptions = {
  epochs: 4,
  batchPieces: 512,
  learningRate: 2e-4,
  maxPieces: 128,
  precision: 'bfloat16',
};

/** One sentence a language to tag at the end; in none of the demo's corpora. */
export const SHOWN: Readonly<Record<string, string>> = {
  en: 'Nadia Farrow left Unilever in Rotterdam to run the Winter Games for the Canadian team.',
  es: 'Marta Ibáñez, directora de Iberdrola, presentó ayer en Logroño la novela Luz de agosto.',
  de: 'Jonas Reinhardt von der Allianz eröffnete in Köln die Ausstellung über den Dreißigjährigen Krieg.',
  nl: 'Sanne de Wit vertrok bij Philips in Eindhoven om voor de Belgische ploeg de Ronde van Vlaanderen te rijden.',
  zh: '王小明在北京大学学习，后来去了上海的华为公司工作。',
};
