/** Ends a command with its message alone: what is wrong lies outside of the program. */
export class CommandFailure extends Error {}
