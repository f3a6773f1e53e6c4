/** Computation for each distilled word: every word of an encoded batch (ours), or one word of each encoded sentence (the authors'). */

export interface CorpusSize {
  readonly sentences: number;
  readonly words: number;
  /** With the two special ones of each sentence. */
  readonly pieces: number;
}

export interface ScheduleCost {
  readonly schedule: 'everyWord' | 'oneWord';
  /** Encoded for one distilled word. */
  readonly piecesPerWord: number;
  /** Of 1,000 distilled words. */
  readonly secondsPerThousandWords: number;
  /** Of the timed run; of the other schedule's where this one was not run. */
  readonly piecesPerSecond: number;
  readonly isMeasured: boolean;
}

export interface ScheduleComparison {
  readonly costs: readonly ScheduleCost[];
  /** How many times the authors' schedule takes of ours, in encoded pieces and in seconds. */
  readonly timesPieces: number;
  readonly timesSeconds: number;
}

/**
 * @param speeds real pieces a second of each timed run. The authors' schedule encodes the same pieces to keep one word of a sentence,
 * so that where it was not run the speed of ours stands for it.
 */
export function compareSchedules({ sentences, words, pieces }: CorpusSize, speeds: { readonly everyWord: number; readonly oneWord: number | null }): ScheduleComparison {
  const cost = (schedule: ScheduleCost['schedule'], distilled: number, speed: number | null): ScheduleCost => {
    const piecesPerWord = pieces / distilled;
    const piecesPerSecond = speed ?? speeds.everyWord;
    return { schedule, piecesPerWord, piecesPerSecond, secondsPerThousandWords: (1000 * piecesPerWord) / piecesPerSecond, isMeasured: speed !== null };
  };
  const ours = cost('everyWord', words, speeds.everyWord);
  const theirs = cost('oneWord', sentences, speeds.oneWord);
  return { costs: [ours, theirs], timesPieces: theirs.piecesPerWord / ours.piecesPerWord, timesSeconds: theirs.secondsPerThousandWords / ours.secondsPerThousandWords };
}
