/** The same model in transformers, for as long as it is measured: fetched from the service, unpacked, started, and gone without a trace. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerEntities, startPeer, type Peer } from '../../../benchmark/serve/peer.ts';
import type { ApiClient } from '../../client/api.ts';
import { CommandFailure } from '../../client/failure.ts';
import { writeFolder } from '../../export/folder.ts';
import { serviceSource } from '../../export/service-source.ts';
import type { Subject } from './subject.ts';

/** @param python null: `work` gets no peer */
export async function withPeer<T>({ client, python, subject, signal }: { client: ApiClient; python: string | null; subject: Subject; signal: AbortSignal }, work: (peer: Peer | null) => Promise<T>): Promise<T> {
  if (python === null) return work(null);
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-peer-'));
  const model = join(folder, 'model');
  let peer: Peer | null = null;
  try {
    const { files } = await serviceSource(client).open(subject.checkpointId, 'hf');
    await writeFolder(model, files, { signal, onBytes: () => undefined });
    peer = await startPeer(python, model, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new CommandFailure(error instanceof Error ? error.message : String(error), { cause: error });
    });
    return await work(peer);
  } finally {
    await peer?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether both have the same model: of the entities that the service finds, how many the peer finds too. Words are cut differently, so not all. */
export async function agreement({ client, peer, subject, texts, signal }: { client: ApiClient; peer: Peer; subject: Subject; texts: readonly string[]; signal: AbortSignal }): Promise<{ found: number; shared: number }> {
  const { results } = await client.tag({ texts: [...texts], model: subject.model });
  let [found, shared] = [0, 0];
  for (const [index, text] of texts.entries()) {
    const theirs = new Set((await peerEntities(peer, text, signal)).map((entity) => `${entity.label} ${entity.text}`));
    const ours = (results[index]?.entities ?? []).map((entity) => `${entity.label} ${entity.text}`);
    found += ours.length;
    shared += ours.filter((entity) => theirs.has(entity)).length;
  }
  return { found, shared };
}
