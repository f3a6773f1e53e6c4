/** The best weights of a run by each way to choose them; selections that chose the same step share one copy. */
import { mean } from '../scoring/mean.ts';
import type { NamedTensors } from '../tensor/safetensors.ts';
import type { DevRow, Protocol } from './dev.ts';
import type { Choice, Selection } from './request.ts';

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
  /** Every step that was chosen, the last one among them, in order of step. @param step the last one */
  end(step: number): ChosenStep[];
}

interface Best extends Protocol {
  value: number;
  kept: { readonly step: number; readonly weights: NamedTensors } | null;
}

/** @param trained copies the weights of the moment */
export function openChoices({ protocols, own, trained }: { protocols: readonly Protocol[]; own: Selection; trained: () => NamedTensors }): Choices {
  const bests = protocols.map((protocol): Best => ({ ...protocol, value: -Infinity, kept: null }));
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
    end(step) {
      const known = bests.flatMap(({ kept }) => kept ?? []);
      const last = known.find((kept) => kept.step === step) ?? { step, weights: trained() };
      const steps = new Map([...known, last].map((kept) => [kept.step, kept.weights]));
      return [...steps].sort(([a], [b]) => a - b).map(([chosen, weights]) => {
        const by = bests.filter(({ kept }) => kept?.step === chosen);
        return {
          step: chosen,
          weights,
          selections: [...by.map(({ selection }) => selection), ...(chosen === step ? ['last' as const] : [])],
          values: Object.fromEntries(by.map(({ selection, value }) => [selection, value])),
        };
      });
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
