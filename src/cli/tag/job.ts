/** Texts in, tagged texts out: what was done before is skipped, requests go out some at once. */
import { CommandFailure } from '../client/failure.ts';
import { bar, duration } from '../client/progress.ts';
import { ask, type Answer, type AskOptions } from './ask.ts';
import { batchesOf, inOrder, weightOf } from './flow.ts';
import { NOTHING, type Output, type Progress } from './output.ts';
import { placeOfFault, render, renderFault, type Format } from './render.ts';
import { sourcesDigest, type Fault, type Source } from './source.ts';

export interface TagJob extends AskOptions {
  readonly sources: AsyncGenerator<Source>;
  readonly output: Output;
  readonly format: Format;
  /** Of the file, for messages. */
  readonly name: string;
  /** Requests of the usual length under way at once. */
  readonly parallel: number;
  /** What cannot be tagged ends the work. */
  readonly isStrict: boolean;
  readonly onFault: (message: string) => void;
  /** Of the input, how much has been read; null where nobody knows how long it is. */
  readonly share: () => number | null;
  readonly show: (line: string) => void;
}

/** The file is not the one that was begun. */
export class OtherTexts extends CommandFailure {}

/** @throws CommandFailure; what was tagged until then is in the output. OtherTexts before anything is written */
export async function tagAll(job: TagJob): Promise<Progress> {
  const { sources, output, parallel } = job;
  const digest = sourcesDigest();
  let progress = await skipDone(job, digest);
  const line = progressLine(job, progress.records);
  const asked = inOrder(batchesOf(sources), { limit: parallel, weightOf }, async (batch) => ({ batch, share: job.share(), answers: await ask(batch, job) }));
  for await (const { batch, share, answers } of asked) {
    const { text, done, failure, counts } = written(batch, answers, job);
    batch.slice(0, done).forEach((source) => digest.add(source));
    progress = {
      records: progress.records + done,
      entities: progress.entities + counts.entities,
      errors: progress.errors + counts.errors,
      truncated: progress.truncated + counts.truncated,
      digest: digest.value(),
    };
    await output.write(text, progress);
    if (failure !== null) throw failure;
    job.show(line(progress.records, share));
  }
  return progress;
}

/** Up to the first fault, where that ends the work. */
function written(batch: readonly Source[], answers: readonly Answer[], { format, request: { language }, name, isStrict, onFault }: TagJob) {
  const counts = { entities: 0, errors: 0, truncated: 0 };
  let text = '';
  for (const [index, source] of batch.entries()) {
    const answer = answers[index];
    if (answer === undefined) throw new Error(`${answers.length} answers to ${batch.length} texts`);
    if ('result' in answer) {
      text += render(format, source, { result: answer.result, language });
      counts.entities += answer.result.entities.length;
      counts.truncated += Number(answer.result.truncated);
      continue;
    }
    const message = messageOf(name, source, answer.fault);
    if (isStrict) return { text, counts, done: index, failure: new CommandFailure(message) };
    onFault(message);
    text += renderFault(format, source, answer.fault);
    counts.errors++;
  }
  return { text, counts, done: batch.length, failure: null };
}

function messageOf(name: string, { line }: Source, fault: Fault): string {
  return `${name}, ${placeOfFault(line, fault)}: ${fault.detail}`;
}

async function skipDone({ sources, output: { before }, name }: TagJob, digest: ReturnType<typeof sourcesDigest>): Promise<Progress> {
  if (before === null) return NOTHING;
  for (let skipped = 0; skipped < before.records; skipped++) {
    const next = await sources.next();
    if (next.done === true) break;
    digest.add(next.value);
  }
  if (digest.value() === before.digest) return before;
  await sources.return(undefined);
  throw new OtherTexts(`${name} does not begin with the ${before.records} texts that were tagged before; --restart begins anew`);
}

/** The rate is that of this run, and so is the time left. */
function progressLine({ share: shareNow }: TagJob, before: number): (records: number, share: number | null) => string {
  const beganAt = performance.now();
  const shareBefore = shareNow() ?? 0;
  return (records, share) => {
    const seconds = (performance.now() - beganAt) / 1000;
    const rate = `${records} texts  ${Math.round((records - before) / Math.max(seconds, 0.001))} texts/s`;
    if (share === null) return `  ${rate}`;
    const left = share > shareBefore ? `  ${duration((seconds * (1 - share)) / (share - shareBefore))} left` : '';
    return `  ${bar(share)} ${Math.floor(100 * share)} %  ${rate}${left}`;
  };
}
