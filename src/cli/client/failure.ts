/** Ends a command with its message alone: what is wrong lies outside of the program. */
export class CommandFailure extends Error {}

/** @returns the exit status: of the work, or 1 where it failed, which is said */
export async function sayingFailures(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    return 1;
  }
}
