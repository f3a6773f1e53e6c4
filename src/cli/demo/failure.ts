/** Ends the demo with its message alone: what is wrong lies outside of the program. */
export class DemoFailure extends Error {}
