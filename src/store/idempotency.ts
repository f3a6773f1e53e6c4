/** Answers of creating POSTs, kept a day for clients that repeat themselves. */
import { isUniqueViolation, toJson, type Store } from './store.ts';

const KEEP_MS = 24 * 60 * 60 * 1000;
/** A claim without an answer is of a process that died, or still at work; after this it is given to whoever asks. */
const CLAIM_MS = 10 * 60 * 1000;

export type Claim =
  /** The caller does the work, then calls `storeAnswer` or `releaseKey`. */
  | { readonly state: 'claimed' }
  | { readonly state: 'answered'; readonly statusCode: number; readonly response: unknown }
  /** The first request is still under way. */
  | { readonly state: 'busy' }
  /** The key came with another body. */
  | { readonly state: 'different' };

export interface KeyUse {
  readonly key: string;
  /** Method and route. */
  readonly route: string;
  readonly bodyDigest: string;
}

export async function claimKey(store: Store, { key, route, bodyDigest }: KeyUse): Promise<Claim> {
  const where = { route_key: { route, key } };
  const known = await store.idempotencyKey.findUnique({ where });
  if (known !== null) {
    const age = Date.now() - known.createdAt.getTime();
    const isStale = age > KEEP_MS || (known.statusCode === null && age > CLAIM_MS);
    if (!isStale) return stateOf(known, bodyDigest);
    await store.idempotencyKey.deleteMany({ where: { route, key, createdAt: known.createdAt } });
  }
  await forgetOldKeys(store);
  try {
    await store.idempotencyKey.create({ data: { key, route, bodyDigest } });
    return { state: 'claimed' };
  } catch (error) {
    if (isUniqueViolation(error)) return claimKey(store, { key, route, bodyDigest });
    throw error;
  }
}

export async function storeAnswer(store: Store, { key, route }: KeyUse, answer: { statusCode: number; response: unknown }): Promise<void> {
  await store.idempotencyKey.updateMany({ where: { key, route }, data: { statusCode: answer.statusCode, response: toJson(answer.response) } });
}

/** After a failure that a repetition may mend. */
export async function releaseKey(store: Store, { key, route }: KeyUse): Promise<void> {
  await store.idempotencyKey.deleteMany({ where: { key, route, statusCode: null } });
}

/** Rows that another process is just deleting are skipped: two that delete the same ones in another order would wait for each other. */
async function forgetOldKeys(store: Store): Promise<void> {
  const before = new Date(Date.now() - KEEP_MS);
  await store.$executeRaw`
    delete from "IdempotencyKey" where (route, key) in
      (select route, key from "IdempotencyKey" where "createdAt" < ${before} limit 100 for update skip locked)`;
}

function stateOf(known: { bodyDigest: string; statusCode: number | null; response: unknown }, bodyDigest: string): Claim {
  if (known.bodyDigest !== bodyDigest) return { state: 'different' };
  if (known.statusCode === null) return { state: 'busy' };
  return { state: 'answered', statusCode: known.statusCode, response: known.response };
}
