/** Loads the models of aliases before they are asked for. An alias moves at once: without this the next request would wait for its new model. */
import type { ModelPool } from './pool.ts';

export interface PreloadOptions {
  readonly pool: ModelPool;
  readonly checkpointOfAlias: (alias: string) => Promise<string | null>;
  /** Always loaded. */
  readonly always: string;
  /** Hears of a model that cannot be loaded, once. */
  readonly onFailure: (error: unknown, checkpointId: string) => void;
}

export interface Preload {
  /** `checkpointOfAlias`, which remembers who was asked for. */
  resolve(alias: string): Promise<string | null>;
  /** Where the alias was seen to point last; null where it was not. */
  lastOf(alias: string): string | null;
  /** Loads what known aliases point at since they were last looked at; what the pool has dropped since then stays away. Never rejects. */
  refresh(): Promise<void>;
}

/** Aliases that are remembered, those asked for last. */
const REMEMBERED = 8;

export function preload({ pool, checkpointOfAlias, always, onFailure }: PreloadOptions): Preload {
  /** Alias -> the checkpoint that it was seen to point at, the latest asked for last. */
  const seen = new Map<string, string | null>([[always, null]]);

  async function look(alias: string): Promise<void> {
    const checkpointId = await checkpointOfAlias(alias).catch(() => null);
    if (checkpointId === null || checkpointId === seen.get(alias)) return;
    seen.set(alias, checkpointId);
    await pool.use(checkpointId, () => Promise.resolve()).catch((error: unknown) => onFailure(error, checkpointId));
  }

  function remember(alias: string, checkpointId: string): void {
    seen.delete(alias);
    seen.set(alias, checkpointId);
    const oldest = [...seen.keys()].find((other) => other !== always);
    if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
  }

  return {
    async resolve(alias) {
      const checkpointId = await checkpointOfAlias(alias);
      if (checkpointId !== null) remember(alias, checkpointId);
      return checkpointId;
    },
    lastOf: (alias) => seen.get(alias) ?? null,
    async refresh() {
      for (const alias of [...seen.keys()]) await look(alias);
    },
  };
}
