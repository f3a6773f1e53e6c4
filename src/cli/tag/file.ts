/** One file tagged from its beginning, or from where it was cut off. */
import type { ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import type { Flags } from './flags.ts';
import { tagAll } from './job.ts';
import { openOutput, stdoutOutput, type Settings } from './output.ts';
import { readSources } from './records.ts';

export interface TagFileOptions {
  readonly flags: Flags;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Null where nobody knows. */
  readonly sizeBytes: number | null;
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  /** A line that stays. */
  readonly say: (line: string) => void;
  readonly show: (line: string) => void;
}

/** @throws CommandFailure, and the signal's reason; the output then holds what was tagged, and the next call goes on with it */
export async function tagFile({ flags, bytes, sizeBytes, client, signal, say, show }: TagFileOptions): Promise<void> {
  const { file, out, format, input, isRestart, model, parallel } = flags;
  const name = file === '-' ? 'stdin' : file;
  const settingsOf = async (before: Settings | null): Promise<Settings> => {
    // the checkpoint of before, where the same name was asked for: one model tags the whole file
    const checkpoint = before?.['model'] === model && typeof before['checkpoint'] === 'string' ? before['checkpoint'] : await checkpointOf(client, model);
    return { format, input, model, checkpoint, ...flags.request };
  };
  const isStdout = out === '-';
  const output = isStdout ? stdoutOutput : await openOutput(out, { settingsOf, isRestart });
  const checkpoint = String((output.before?.settings ?? (await settingsOf(null)))['checkpoint']);
  if (output.before !== null) say(`Going on after ${output.before.records} texts`);
  let read = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      read += chunk.length;
      yield chunk;
    }
  };
  const said = new Set<string>();
  try {
    const { records, entities } = await tagAll({
      client,
      name,
      signal,
      output,
      format,
      parallel,
      request: { ...flags.request, model: checkpoint },
      sources: readSources(counted(), { input, name, onInput: (kind) => input === 'auto' && say(`Reading ${name} as ${kind}`) }),
      onWarning: (warning) => {
        if (!said.has(warning)) say(warning);
        said.add(warning);
      },
      share: () => (sizeBytes === null || sizeBytes === 0 ? null : Math.min(1, read / sizeBytes)),
      show,
    });
    await output.finish();
    say(`${records} texts${isStdout ? '' : ` in ${out}`}, ${entities} entities found${output.before === null ? '' : ' now'}`);
  } catch (error) {
    await output.leave();
    if (!isStdout) say(`What was tagged is in ${out}.partial; the same command goes on`);
    throw error;
  }
}

async function checkpointOf(client: ApiClient, model: string): Promise<string> {
  if (model.startsWith('ckpt_')) return model;
  const found = await client.model(model);
  if (found === null) throw new CommandFailure(`There is no model "${model}"`);
  return found.checkpointId;
}
