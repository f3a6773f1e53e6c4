import type { RunStatus } from './generated/client.ts';

/** A run in one of these may still need its datasets, teachers and experiment. */
export const LIVE: RunStatus[] = ['waiting', 'queued', 'running', 'cancelling'];
export const TERMINAL: RunStatus[] = ['cancelled', 'succeeded', 'failed'];
