/** Time that a study may take, and how much of it is left. */

const UNITS: Readonly<Record<string, number>> = { h: 3600, min: 60, m: 60, s: 1 };

/** `2h`, `90m`, `1h30m`, `45s`. @returns seconds; null for what is no time */
export function parseBudget(text: string): number | null {
  if (!/^(\d+(\.\d+)?(h|min|m|s))+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|min|m|s)/g)];
  const seconds = parts.reduce((sum, [, amount = '0', unit = 's']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
  return seconds > 0 ? seconds : null;
}

export interface Timed {
  readonly kind: string;
  readonly seconds: number;
}

/** What a run of this kind takes: the mean of those that are known; null where none is. */
export function expectedSeconds(kind: string, known: readonly Timed[]): number | null {
  const alike = known.filter((run) => run.kind === kind);
  return alike.length === 0 ? null : alike.reduce((sum, { seconds }) => sum + seconds, 0) / alike.length;
}

/** Of all that is still to run; null while a kind of it is not known. */
export function secondsLeft(kinds: readonly string[], known: readonly Timed[]): number | null {
  return kinds.reduce<number | null>((sum, kind) => {
    const expected = expectedSeconds(kind, known);
    return sum === null || expected === null ? null : sum + expected;
  }, 0);
}

/** Whether a run should begin: it is expected to end in time, or nobody knows. */
export function mayBegin(kind: string, known: readonly Timed[], budgetLeftSeconds: number): boolean {
  return budgetLeftSeconds > 0 && (expectedSeconds(kind, known) ?? 0) <= budgetLeftSeconds;
}
