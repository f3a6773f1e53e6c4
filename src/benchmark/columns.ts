/** Rows of text as columns of one width each. */

/** @param rows the first is the head @param areNumbers all columns but the first end, and do not begin, at one place */
export function inColumns(rows: readonly (readonly string[])[], { areNumbers = false } = {}): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cellOf = (cell: string, column: number): string => (areNumbers && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0));
  return rows.map((row) => row.map(cellOf).join('  ').trimEnd()).join('\n');
}
