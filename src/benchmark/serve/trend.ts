/** Whether a figure that is taken again and again stays where it is: the line of least squares through its values. */

export interface Trend {
  readonly mean: number;
  /** Of the line, a step. */
  readonly slope: number;
  /** Standard error of the slope; 0 for fewer than three values. */
  readonly slopeError: number;
  /** Of the line from the first value to the last, as a share of the mean. */
  readonly growth: number;
}

/** A slope within so many of its standard errors is noise. */
const ERRORS = 2;

export function trendOf(values: readonly number[]): Trend {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const middle = (count - 1) / 2;
  const spread = values.reduce((sum, _, step) => sum + (step - middle) ** 2, 0);
  const slope = spread === 0 ? 0 : values.reduce((sum, value, step) => sum + (step - middle) * (value - mean), 0) / spread;
  const residue = values.reduce((sum, value, step) => sum + (value - mean - slope * (step - middle)) ** 2, 0);
  const slopeError = count < 3 ? 0 : Math.sqrt(residue / (count - 2) / spread);
  return { mean, slope, slopeError, growth: (slope * (count - 1)) / mean };
}

/** Does not grow: by less than `share` of the mean from the first value to the last, or by no more than noise does. */
export function isFlat({ slope, slopeError, growth }: Trend, share: number): boolean {
  return growth <= share || slope <= ERRORS * slopeError;
}
