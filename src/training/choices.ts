/** The best weights of a run by each way to choose them; selections that chose the same step share one copy. */
import { mean } from '../scoring/mean.ts';
import type { NamedTensors } from '../tensor/safetensors.ts';
import type { DevRow, Protocol } from './dev.ts';
import type { Choice, Selection } from './request.ts';
import type { KeptStep } from './resume.ts';

/** What one protocol makes of a step's dev scores. */
export interface Judgement {
  readonly selection: Selection;
  /** Mean over the dev sets that decide. */
  readonly value: number;
  /** Better than at every step before. */
  readonly isBest: boolean;
}

export interface ChosenStep {
  readonly step: number;
  /** Of weights, as they are saved. */
  readonly weights: NamedTensors;
  /** Those that chose it; never empty. */
  readonly selections: readonly Selection[];
  /** Its dev figure by each of them that reads one. */
  readonly values: Readonly<Partial<Record<Selection, number>>>;
}

export interface Choices {
  /** The option, or `last` where no dev set allows it. */
  readonly own: Selection;
  /** One a protocol; copies the weights where a step is the best by any of them. */
  judge(step: number, rows: readonly DevRow[]): Judgement[];
  /** What the protocols have chosen so far, in order of step. */
  kept(): KeptStep[];
  /** Every step that was chosen, the last one among them, in order of step. @param step the last one */
  end(step: number): ChosenStep[];
}

interface Best extends Protocol {
  value: number;
  kept: { readonly step: number; readonly weights: NamedTensors } | null;
}

/** @param trained copies the weights of the moment @param from what an earlier attempt has kept */
export function openChoices({ protocols, own, trained, from = [] }: { protocols: readonly Protocol[]; own: Selection; trained: () => NamedTensors; from?: readonly KeptStep[] }): Choices {
  const bests = protocols.map((protocol): Best => {
    const kept = from.find(({ values }) => values[protocol.selection] !== undefined) ?? null;
    return { ...protocol, value: kept?.values[protocol.selection] ?? -Infinity, kept };
  });
  const keptSteps = (): KeptStep[] => {
    const steps = new Map(bests.flatMap(({ kept }) => (kept === null ? [] : [[kept.step, kept.weights] as const])));
    return [...steps].sort(([a], [b]) => a - b).map(([step, weights]) => {
      const by = bests.filter(({ kept }) => kept?.step === step);
      return { step, weights, values: Object.fromEntries(by.map(({ selection, value }) => [selection, value])) };
    });
  };
  return {
    own: bests.some(({ selection }) => selection === own) ? own : 'last',
    judge(step, rows) {
      const judged = bests.map((best) => {
        const value = mean(rows.filter(({ datasetId }) => best.datasetIds.has(datasetId)).map((row) => row.value));
        return { best, value, isBest: value > best.value };
      });
      const better = judged.filter(({ isBest }) => isBest);
      for (const { best } of better) best.kept = null; // the old copies go before there is a new one
      const kept = better.length === 0 ? null : { step, weights: trained() };
      for (const { best, value } of better) Object.assign(best, { value, kept });
      return judged.map(({ best: { selection }, value, isBest }) => ({ selection, value, isBest }));
    },
    kept: keptSteps,
    end(step) {
      const chosen = keptSteps().map(({ values, ...kept }): ChosenStep => {
        const by = bests.flatMap(({ selection }) => (values[selection] === undefined ? [] : [selection]));
        return { ...kept, values, selections: [...by, ...(kept.step === step ? ['last' as const] : [])] };
      });
      return chosen.at(-1)?.step === step ? chosen : [...chosen, { step, weights: trained(), selections: ['last'], values: {} }];
    },
  };
}

export function choicesOf(chosen: readonly ChosenStep[]): Choice[] {
  return chosen.flatMap(({ step, selections }) => selections.map((selection) => ({ selection, step })));
}

/** @param loaded step whose weights the model has now @returns what gives it those of a selection */
export function switchOver(chosen: readonly ChosenStep[], { restore, loaded }: { restore: (weights: NamedTensors) => void; loaded: number }): (selection: Selection) => void {
  let now = loaded;
  return (selection) => {
    const wanted = chosen.find(({ selections }) => selections.includes(selection));
    if (wanted === undefined) throw new TypeError(`no step was chosen by ${selection}`);
    if (wanted.step !== now) restore(wanted.weights);
    now = wanted.step;
  };
}
