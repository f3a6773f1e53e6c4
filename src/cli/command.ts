/** What each file in cli/ exports. */
export interface Command {
  /** @returns the exit status */
  run(args: string[]): Promise<number>;
}
