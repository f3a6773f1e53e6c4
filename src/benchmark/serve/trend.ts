/** Whether a figure that is taken again and again stays where it is: the line of least squares through its values. */

export interface Trend {
  readonly mean: number;
  /** Of the line, a step. */
  readonly slope: number;
  /** Of the line from the first value to the last, as a share of the mean. */
  readonly growth: number;
}

export function trendOf(values: readonly number[]): Trend {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const middle = (count - 1) / 2;
  const spread = values.reduce((sum, _, step) => sum + (step - middle) ** 2, 0);
  const slope = spread === 0 ? 0 : values.reduce((sum, value, step) => sum + (step - middle) * (value - mean), 0) / spread;
  return { mean, slope, growth: (slope * (count - 1)) / mean };
}
