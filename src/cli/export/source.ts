/** Where exported checkpoints come from. */
import type { ExportFormat } from '../../schemas/checkpoint.ts';

export interface SourceFile {
  readonly name: string;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface ExportSource {
  /** @param name of a checkpoint, a run or an alias @throws MODEL_NOT_FOUND, RUN_NOT_FOUND, CommandFailure where a run has no checkpoint */
  checkpointOf(name: string): Promise<string>;
  /** Each file is to be read before the next one is asked for. */
  open(checkpointId: string, format: ExportFormat): Promise<{ sizeBytes: number; files: AsyncIterable<SourceFile> | Iterable<SourceFile> }>;
  close(): Promise<void>;
}

export function kindOf(name: string): 'checkpoint' | 'run' | 'alias' {
  if (name.startsWith('ckpt_')) return 'checkpoint';
  return name.startsWith('run_') ? 'run' : 'alias';
}
