/** Texts in, tagged texts out: what was done before is skipped, requests go out some at once. */
import { CommandFailure } from '../client/failure.ts';
import { bar, duration } from '../client/progress.ts';
import { ask, type AskOptions } from './ask.ts';
import { batchesOf, inOrder } from './flow.ts';
import type { Output } from './output.ts';
import { sourcesDigest, type Source } from './records.ts';
import { render, sourceFor, type Format } from './render.ts';

export interface TagJob extends Omit<AskOptions, 'request'> {
  readonly request: AskOptions['request'];
  readonly sources: AsyncGenerator<Source>;
  readonly output: Output;
  readonly format: Format;
  /** Requests under way at once. */
  readonly parallel: number;
  /** Of the input, how much has been read; null where nobody knows how long it is. */
  readonly share: () => number | null;
  readonly show: (line: string) => void;
}

/** @returns texts in the output, and entities found now. @throws CommandFailure; what was tagged until then is in the output */
export async function tagAll(job: TagJob): Promise<{ records: number; entities: number }> {
  const { sources, output, format, parallel, request } = job;
  const digest = sourcesDigest();
  let records = await skipDone(job, digest);
  let entities = 0;
  const line = progressLine(job, records);
  const asked = inOrder(batchesOf(prepared(sources, format, request.language)), parallel, async (batch) => ({ batch, share: job.share(), results: await ask(batch, job) }));
  for await (const { batch, share, results } of asked) {
    let text = '';
    batch.forEach((source, index) => {
      const result = results[index];
      if (result === undefined) throw new CommandFailure(`The service answered ${results.length} results to ${batch.length} texts`);
      digest.add(source);
      entities += result.entities.length;
      text += render(format, source, result);
    });
    records += batch.length;
    await output.write(text, { records, digest: digest.value() });
    job.show(line(records, share));
  }
  return { records, entities };
}

async function skipDone({ sources, output: { before }, name, format, request }: TagJob, digest: ReturnType<typeof sourcesDigest>): Promise<number> {
  if (before === null) return 0;
  for (let skipped = 0; skipped < before.records; skipped++) {
    const next = await sources.next();
    if (next.done === true) break;
    digest.add(sourceFor(format, next.value, request.language));
  }
  if (digest.value() === before.digest) return before.records;
  throw new CommandFailure(`${name} does not begin with the ${before.records} texts that were tagged before; --restart begins anew`);
}

async function* prepared(sources: AsyncGenerator<Source>, format: Format, language: string | undefined): AsyncGenerator<Source> {
  for await (const source of sources) yield sourceFor(format, source, language);
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
