/** One file tagged from its beginning, or from where it was cut off. */
import type { ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import type { Flags } from './flags.ts';
import { OtherTexts, tagAll } from './job.ts';
import { openOutput, stdoutOutput, type Output, type Progress, type Settings } from './output.ts';
import { newPatience } from './patience.ts';
import { readSources } from './records.ts';

export interface TagFileOptions {
  readonly flags: Flags;
  /** The file from its beginning. */
  readonly open: () => AsyncIterable<Uint8Array>;
  /** Null where nobody knows. */
  readonly sizeBytes: number | null;
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  /** A line that stays. */
  readonly say: (line: string) => void;
  readonly show: (line: string) => void;
}

/** Faults that are told as they are found. */
const MAX_FAULTS_TOLD = 5;

/** @returns texts that could not be tagged. @throws CommandFailure, and the signal's reason; the output then holds what was tagged, and the next call goes on with it */
export async function tagFile(o: TagFileOptions): Promise<number> {
  const { isRestart, file } = o.flags;
  try {
    return await tagOnce(o, false);
  } catch (error) {
    // who wants the file anew has it so, though it has changed since that was begun; stdin is read once only
    if (!(error instanceof OtherTexts) || !isRestart || file === '-') throw error;
    return tagOnce(o, true);
  }
}

async function tagOnce(o: TagFileOptions, isAnew: boolean): Promise<number> {
  const { out, isRestart, isStrict } = o.flags;
  const settingsOf = (before: Settings | null): Promise<Settings> => settingsFor(o, before);
  const output = out === '-' ? stdoutOutput(await settingsOf(null)) : await openOutput(out, { settingsOf, isRestart, isAnew });
  const { before, settings } = output;
  try {
    if (before !== null && before.errors > 0 && isStrict) throw new CommandFailure(`${out}.partial has ${before.errors} texts that could not be tagged, which --strict does not allow`);
    if (before !== null) o.say(`Going on after ${before.records} texts by ${settings['checkpointId'] ?? ''}${isRestart ? `; without ${out}.partial it begins anew` : ''}`);
    const progress = await tagInto(output, o);
    await output.finish();
    o.say(summary(progress, o.flags, settings));
    return progress.errors;
  } catch (error) {
    await output.leave();
    if (out !== '-' && !(error instanceof OtherTexts)) o.say(`What was tagged is in ${out}.partial; the same command goes on`);
    throw error;
  }
}

async function tagInto(output: Output, { flags, open, sizeBytes, client, signal, say, show }: TagFileOptions): Promise<Progress> {
  const { file, format, input, isStrict, parallel } = flags;
  const name = file === '-' ? 'stdin' : file;
  let read = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      signal.throwIfAborted();
      read += chunk.length;
      yield chunk;
    }
  };
  const said = new Set<string>();
  let faults = 0;
  return tagAll({
    client,
    name,
    signal,
    output,
    format,
    parallel,
    isStrict,
    patience: newPatience(),
    // words of a text are found by it in CoNLL, which has no offsets of its own
    request: { ...flags.request, ...(format === 'conll' && { offsetUnit: 'utf16' as const }), model: String(output.settings['checkpointId']) },
    sources: readSources(counted(), { input, name, onInput: (kind) => input === 'auto' && say(`Reading ${name} as ${kind}`) }),
    onWarning: (warning) => {
      if (!said.has(warning)) say(warning);
      said.add(warning);
    },
    onFault: (message) => {
      if (++faults <= MAX_FAULTS_TOLD) say(message);
      if (faults === MAX_FAULTS_TOLD) say('(further ones are in the output only)');
    },
    share: () => (sizeBytes === null || sizeBytes === 0 ? null : Math.min(1, read / sizeBytes)),
    show,
  });
}

function summary({ records, entities, errors, truncated }: Progress, { out }: Flags, { checkpointId = '', runId = '' }: Settings): string {
  const where = out === '-' ? '' : ` in ${out}`;
  const parts = [`${records} texts${where}, ${entities} entities found by ${checkpointId} of ${runId}`];
  if (truncated > 0) parts.push(`${truncated} texts were not read to their end`);
  if (errors > 0) parts.push(`${errors} texts could not be tagged and are errors there`);
  return parts.join('\n');
}

/** What was before stays the model, where the same name was asked for: one model tags the whole file. */
async function settingsFor({ flags: { format, input, model, request }, client }: TagFileOptions, before: Settings | null): Promise<Settings> {
  const isSame = before?.['model'] === model && before['checkpointId'] !== undefined && before['runId'] !== undefined;
  const { checkpointId, runId } = isSame ? (before as { checkpointId: string; runId: string }) : await checkpointOf(client, model);
  return { format, input, model, checkpointId, runId, ...request };
}

async function checkpointOf(client: ApiClient, model: string): Promise<{ checkpointId: string; runId: string }> {
  if (model.startsWith('ckpt_')) return client.checkpoint(model);
  const found = await client.model(model);
  if (found === null) throw new CommandFailure(`There is no model "${model}"`);
  return found;
}
