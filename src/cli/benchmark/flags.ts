/** What the benchmarks of serving share of their command lines. */
import { CommandFailure } from '../client/failure.ts';

/** @throws CommandFailure naming the flag */
export function positive(flag: string, text: string, { isWhole = false } = {}): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) throw new CommandFailure(`--${flag} wants a ${isWhole ? 'whole ' : ''}number above 0, not "${text}"`);
  return value;
}

/** With --json: a line of stdout. */
export function printJson(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
