/** Spans are half-open. */

export interface WordSpan {
  readonly wordStart: number;
  readonly wordEnd: number;
  readonly label: string;
}

/** In UTF-16 units; the API converts to the unit that was asked for. */
export interface CharSpan {
  readonly charStart: number;
  readonly charEnd: number;
  readonly label: string;
}
