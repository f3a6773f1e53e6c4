/** Tables and figures as the report's Markdown writes them. Shares are 0 to 1, and are written in percent. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Of a difference. */
export function interval([low, high]: readonly [number, number]): string {
  return `[${signed(low)}, ${signed(high)}]`;
}

/** In points. */
export function signed(share: number): string {
  const points = (100 * share).toFixed(1);
  return share < 0 || points === '0.0' ? points.replace('-0.0', '0.0') : `+${points}`;
}

/** In percent; empty where there is none. */
export function share(value: number | undefined, digits = 1): string {
  return value === undefined ? '' : (100 * value).toFixed(digits);
}
