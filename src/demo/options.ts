/** What the demo trains with: the schema's defaults, but for what small corpora and two cores ask for. Chosen on dev sets, English ones. */
import type { RequestedOptions } from '../schemas/options.ts';

export const DEMO_OPTIONS: RequestedOptions = {
  epochs: 4,
  batchPieces: 512,
  learningRate: 2e-4,
  maxPieces: 128,
  precision: 'bfloat16',
  averagedShare: 0, // so few steps are too few to average over: the students' mean was 60.9 with the default's 0.5 and 63.6 without (one seed)
};

/**
 * A student starts from a trained recognizer, and the recognizer's rate takes it away from there: mean F1 of three seeds over de, es, nl, zh
 * 59.5 (53.8, 64.5, 60.1) at 2e-4, 62.6 (63.2, 62.2, 62.4) at 1e-4, 63.4 (63.6, 62.8, 63.9) at 5e-5, where direct transfer has 60.2; English falls less, too.
 */
export const DEMO_STUDENT_OPTIONS: RequestedOptions = { learningRate: 5e-5 };

/** One sentence a language to tag at the end; neither the sentence nor a name in it is in the demo's corpora. */
export const SHOWN: Readonly<Record<string, string>> = {
  en: 'Harriet Olumide left Norwich for Setúbal, where she now chairs Halden Shipping and trains for the Sado Regatta.',
  es: 'Rosalía Carvajal, portavoz de Naviera Argos, explicó en Almuñécar por qué se retrasó el festival Noches de Trigo.',
  de: 'Wiebke Lorenzen von der Reederei Godewind stellte in Bad Zwesten den Roman Salzige Zeiten vor.',
  nl: 'Marijke Hoekstra van zuivelbedrijf Melkstroom fietste bij Odoorn de Ronde van de Hunebedden uit.',
  zh: '陈雨桐从珠海搬到徐州，进入远帆科技担任工程师。',
};
