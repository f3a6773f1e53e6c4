/** What the demo trains with: the schema's defaults, but for what small corpora and two cores ask for. Chosen on dev sets, English ones. */
import type { RequestedOptions } from '../schemas/options.ts';

export const DEMO_OPTIONS: RequestedOptions = {
  epochs: 4,
  batchPieces: 512,
  learningRate: 2e-4,
  maxPieces: 128,
  // the encoder's Chinese words mostly begin with a bare word-start mark, which says little of the word
  wordPiece: 'firstNotBare',
  precision: 'bfloat16',
  // a fresh student needs far more steps than a demo has: after 331 of them it reached 25 F1 where its teacher had 66 (English test, mean squared error)
  start: 'recognizer',
  recognitionLoss: 'crossEntropy',
};

/** One sentence a language to tag at the end; neither the sentence nor a name in it is in the demo's corpora. */
export const SHOWN: Readonly<Record<string, string>> = {
  en: 'Harriet Olumide left Norwich for Setúbal, where she now chairs Halden Shipping and trains for the Sado Regatta.',
  es: 'Rosalía Carvajal, portavoz de Naviera Argos, explicó en Almuñécar por qué se retrasó el festival Noches de Trigo.',
  de: 'Wiebke Lorenzen von der Reederei Godewind stellte in Bad Zwesten den Roman Salzige Zeiten vor.',
  nl: 'Marijke Hoekstra van zuivelbedrijf Melkstroom fietste bij Odoorn de Ronde van de Hunebedden uit.',
  zh: '陈雨桐从珠海搬到徐州，进入远帆科技担任工程师。',
};
