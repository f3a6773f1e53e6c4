/** What papers choose a run's checkpoint by; figures of both are shown side by side. */
export const PROTOCOLS: readonly string[] = ['source-dev', 'target-dev'];
