/** A checkpoint as a model for requests: compiled for few and many pieces, and run once in each shape, so that no client waits for that. */
import type { OpenCheckpoint } from '../checkpoints/load.ts';
import { SPECIAL_PIECES, type RowShape } from '../encoders/pack.ts';
import type { PieceTokenizer } from '../encoders/tokenizer.ts';
import { loadRecognizer } from '../inference/load.ts';
import { maxSequence } from '../models/config.ts';
import { giveBackMemory } from '../tensor/backend.ts';
import type { Precision } from '../tensor/emit.ts';
import { BATCH_PIECES } from './batcher.ts';
import type { OpenEncoder } from './encoders.ts';
import type { TaggingModel } from './pool.ts';

/** Rows of one sentence; the last shape is for many requests, or long ones. */
const SHORT_LENGTHS = [32, 64, 128];

/** @param checkpoint which the model owns from now on, and closes @param open stays open for as long as the model */
export async function loadTaggingModel({ checkpoint, open, precision, cacheDir }: { checkpoint: OpenCheckpoint; open: OpenEncoder; precision: Precision; cacheDir: string }): Promise<TaggingModel> {
  const { encoder, tokenizer, weights } = open;
  const { manifest } = checkpoint;
  const longest = Math.min(manifest.maxPieces, maxSequence(encoder.config));
  const shapes = requestShapes(longest);
  const recognizer = await loadRecognizer({ encoder, checkpoint, precision, shapes, tokenizer, weights, cacheDir }).catch((error: unknown) => {
    checkpoint.close();
    throw error;
  });
  const dispose = (): void => {
    recognizer.dispose();
    checkpoint.close();
    giveBackMemory();
  };
  try {
    await warmUp(shapes, tokenizer, (sentences) => recognizer.recognize(sentences));
  } catch (error) {
    dispose();
    throw error;
  }
  giveBackMemory();
  return {
    checkpointId: manifest.checkpointId,
    runId: manifest.runId,
    encoder: encoder.encoderId,
    recognizer,
    labels: recognizer.labels,
    decoding: manifest.options.decoding,
    temperature: manifest.temperature ?? 1,
    maxPieces: longest - SPECIAL_PIECES,
    pieceStarts: async (words) => (await tokenizer.pieces(words)).starts,
    dispose,
  };
}

export function requestShapes(longest: number): RowShape[] {
  const lengths = [...SHORT_LENGTHS.filter((length) => length < longest), longest];
  const rows = Math.max(1, Math.round(BATCH_PIECES / longest));
  return [...lengths.map((length) => ({ rows: 1, length })), ...(rows > 1 ? [{ rows, length: longest }] : [])];
}

/** TensorFlow plans a graph when it is first run. */
async function warmUp(shapes: readonly RowShape[], tokenizer: PieceTokenizer, run: (sentences: string[][]) => Promise<unknown>): Promise<void> {
  const word = '.';
  const { starts } = await tokenizer.pieces([word]);
  const piecesOfWord = starts[1] ?? 1;
  for (const { rows, length } of shapes) {
    const words = Array.from({ length: Math.floor((length - SPECIAL_PIECES) / piecesOfWord) }, () => word);
    await run(Array.from({ length: rows }, () => words));
  }
}
