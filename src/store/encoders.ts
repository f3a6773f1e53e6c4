/** Encoders that machines of this installation have. */
import type { Encoder } from './generated/client.ts';
import type { Store } from './store.ts';

export interface EncoderRecord extends Omit<Encoder, 'sizeBytes' | 'updatedAt'> {
  readonly sizeBytes: number;
}

export async function upsertEncoder(store: Store, { encoderId, sizeBytes, ...rest }: EncoderRecord): Promise<void> {
  const data = { ...rest, sizeBytes: BigInt(sizeBytes) };
  await store.encoder.upsert({ where: { encoderId }, create: { encoderId, ...data }, update: data });
}

export async function listEncoders(store: Store): Promise<EncoderRecord[]> {
  const rows = await store.encoder.findMany({ orderBy: { encoderId: 'asc' } });
  return rows.map(({ updatedAt: _, sizeBytes, ...row }) => ({ ...row, sizeBytes: Number(sizeBytes) }));
}
