/** What is measured: a model that the service has, and texts that it reads in one window. */
import { mixedTexts } from '../../../benchmark/serve/texts.ts';
import { SPECIAL_PIECES } from '../../../encoders/pack.ts';
import type { NerResult } from '../../../schemas/ner.ts';
import { ApiProblem, type ApiClient } from '../../client/api.ts';
import { CommandFailure } from '../../client/failure.ts';

export interface Subject {
  /** As requests name it. */
  readonly model: string;
  readonly checkpointId: string;
  readonly encoder: string;
  /** Of the encoder and of what was trained. */
  readonly storedBytes: number;
}

export interface Texts {
  readonly mixed: readonly string[];
  /** Pieces of each of `mixed`, ascending, special ones counted. */
  readonly pieces: readonly number[];
  /** Of `ALONE_PIECES`. */
  readonly alone: string;
}

/** Special ones counted. */
export const ALONE_PIECES = 32;
const TEXTS = 512;
const SEED = 1;

/** @throws CommandFailure where there is no such model */
export async function subjectOf(client: ApiClient, model: string): Promise<Subject> {
  const checkpointId = model.startsWith('ckpt_') ? model : (await client.model(model))?.checkpointId;
  if (checkpointId === undefined) throw new CommandFailure(`There is no model "${model}" at ${client.url}: npm run demo -- --exit trains one`);
  const { sizeBytes, manifest } = await client.checkpoint(checkpointId).catch((error: unknown) => {
    throw error instanceof ApiProblem ? new CommandFailure(error.message) : error;
  });
  const { encoderId } = manifest['encoder'] as { encoderId: string };
  const encoder = (await client.encoders()).find((each) => each.encoderId === encoderId);
  return { model, checkpointId, encoder: encoderId, storedBytes: sizeBytes + (encoder?.sizeBytes ?? NaN) };
}

/** Asks the service how many pieces each has; texts of more than one window, which transformers would cut, are left out. */
export async function textsOf(client: ApiClient, { model }: Subject): Promise<Texts> {
  const drawn = mixedTexts(TEXTS, SEED);
  const { results } = await client.tag({ texts: drawn, model });
  const read = drawn.flatMap((text, index) => {
    const { windows, pieces } = results[index] as NerResult;
    return windows === 1 ? [{ text, pieces: pieces + SPECIAL_PIECES }] : [];
  });
  const distance = ({ pieces }: { pieces: number }): number => Math.abs(pieces - ALONE_PIECES);
  const [nearest] = [...read].sort((a, b) => distance(a) - distance(b));
  if (nearest?.pieces !== ALONE_PIECES) throw new CommandFailure(`None of ${TEXTS} texts has ${ALONE_PIECES} pieces for the encoder of ${model}`);
  return { mixed: read.map(({ text }) => text), pieces: read.map(({ pieces }) => pieces).sort((a, b) => a - b), alone: nearest.text };
}
