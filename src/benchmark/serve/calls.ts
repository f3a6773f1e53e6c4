/** Calls of the API with and without a training beside them, as a table. */
import { inColumns } from '../columns.ts';
import { ms } from './figures.ts';
import type { LoadResult } from './load.ts';

export interface TimedCall {
  /** `GET /runs`. */
  readonly name: string;
  readonly training: LoadResult;
  readonly alone: LoadResult;
}

/** Target of issue 6. */
export const MAX_P99_MS = 50;

export function isReached({ training }: TimedCall): boolean {
  return training.errors === 0 && training.p99Ms < MAX_P99_MS;
}

export function tableOfCalls(calls: readonly TimedCall[]): string {
  const cells = ({ p50Ms, p99Ms, maxMs }: LoadResult): string[] => [ms(p50Ms), ms(p99Ms), ms(maxMs)];
  const rows = [
    ['call', 'alone p50', 'p99', 'max', 'training p50', 'p99', 'max', `p99 under ${MAX_P99_MS} ms`],
    ...calls.map((call) => [call.name, ...cells(call.alone), ...cells(call.training), call.training.errors > 0 ? `${call.training.errors} ERRORS (${call.training.firstError})` : isReached(call) ? 'yes' : 'NO']),
  ];
  return inColumns(rows, { areNumbers: true });
}
