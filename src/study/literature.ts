/** Entity F1 of others on CoNLL-2002/2003, English source, conlleval: what our figures stand beside. */

export interface Published {
  readonly system: string;
  readonly encoder: string;
  /** By language, in percent, as printed. */
  readonly f1: Readonly<Record<string, number>>;
  /** Read in a public file of its authors; the others are remembered, and checked by their averages alone. */
  readonly isConfirmed: boolean;
  /** What chose the checkpoint, where it is known. */
  readonly protocol?: 'target-dev';
}

const MBERT = 'mBERT-base';
export const PUBLISHED: readonly Published[] = [
  { system: 'direct transfer, BERT-f (Wu & Dredze 2019)', encoder: MBERT, f1: { es: 74.96, nl: 77.57, de: 69.56 }, isConfirmed: true },
  { system: 'direct transfer, AdvPicker\'s re-run, 5 seeds', encoder: MBERT, f1: { es: 75.12, nl: 80.34, de: 72.59 }, isConfirmed: true },
  { system: 'TSL, single source', encoder: MBERT, f1: { es: 76.94, nl: 80.89, de: 73.22 }, isConfirmed: true },
  { system: 'UniTrans', encoder: MBERT, f1: { es: 79.31, nl: 82.9, de: 74.82 }, isConfirmed: true },
  { system: 'AdvPicker', encoder: MBERT, f1: { es: 79, nl: 82.9, de: 75.01 }, isConfirmed: true, protocol: 'target-dev' },
  { system: 'MTMT', encoder: MBERT, f1: { es: 81.82, nl: 83.41, de: 76.8 }, isConfirmed: false, protocol: 'target-dev' },
  { system: 'CoLaDa', encoder: MBERT, f1: { es: 80.43, nl: 85.09, de: 77.3 }, isConfirmed: false, protocol: 'target-dev' },
  { system: 'CoLaDa', encoder: 'XLM-R-large', f1: { es: 82.7, nl: 85.15, de: 81.12 }, isConfirmed: false, protocol: 'target-dev' },
  { system: 'ContProto', encoder: 'XLM-R-large', f1: { es: 85.02, nl: 83.69, de: 76.41 }, isConfirmed: false },
];
