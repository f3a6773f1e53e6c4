/** `mtmt tag`: a file of any size through /ner. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { withProcessLock } from '../store/process-lock.ts';
import { apiClient, type ApiClient } from './client/api.ts';
import { CommandFailure, sayingFailures } from './client/failure.ts';
import { shower } from './client/progress.ts';
import { onEndingSignal, terminal } from './client/terminal.ts';
import { withService } from './client/with-service.ts';
import { tagFile } from './tag/file.ts';
import { readFlags, type Flags } from './tag/flags.ts';

const HELP = `Usage: mtmt tag FILE [--out FILE] [options]

Tags each text of a file by a running service (--url or MTMT_URL), else by the service of DATA_DIR, which is started if it does not run.
Cut off, by Ctrl-C or a crash, the same command goes on after the last text that is on the disk.
A text that cannot be read or is too long has its place in the output, as {"line": …, "error": {"code": …, "detail": …}} or a comment
"# error = …" of CoNLL; the others are tagged, and the exit status is 3. OUT.summary.json names checkpoint and run, and counts.
  FILE               one text a line; JSON lines with "text" or "tokens" (an "id" is kept); CoNLL, whose first column is the word; - is stdin
  --input FORMAT     text, jsonl or conll (default: auto, by the first lines)
  --out FILE         default: FILE.tagged.jsonl or FILE.tagged.conll; - is stdout, and the default of stdin
  --format FORMAT    jsonl (default) or conll
  --restart          makes the output anew, whatever is there; cut off, it goes on as well
  --strict           ends at the first text that cannot be tagged; the same command goes on with the corrected file
  --model NAME       alias or checkpoint (default: default); one checkpoint tags the whole file, wherever the alias moves
  --language, --aggregation, --threshold, --offset-unit   as POST /ner takes them
  --parallel N       requests at once (default 4)
  --url URL          of the service; MTMT_API_KEY is its key, where it wants one
`;
const INTERRUPTED = 130;
/** The output is whole, but some of it are errors. */
const WITH_ERRORS = 3;
/** Progress is told by what has been read. */
const READ_BYTES = 16_384;

type Work = (service: { readonly client: ApiClient; readonly signal: AbortSignal }) => Promise<number>;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      input: { type: 'string' },
      out: { type: 'string' },
      format: { type: 'string' },
      restart: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      model: { type: 'string' },
      language: { type: 'string' },
      aggregation: { type: 'string' },
      threshold: { type: 'string' },
      'offset-unit': { type: 'string' },
      parallel: { type: 'string' },
      url: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [file, ...others] = positionals;
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (file === undefined || others.length > 0) {
    process.stderr.write(HELP);
    return 2;
  }
  const url = values.url ?? process.env['MTMT_URL'];
  return sayingFailures(async () => {
    const flags = readFlags(file, values);
    const tag: Work = (service) => tagOnce(flags, service);
    return url === undefined ? withService({ config: loadConfig(), output: terminal(process.stderr) }, tag) : interruptible(url.replace(/\/+$/, ''), tag);
  });
}

async function tagOnce(flags: Flags, { client, signal }: { client: ApiClient; signal: AbortSignal }): Promise<number> {
  const { file, out } = flags;
  const sizeBytes = file === '-' ? null : await sizeOf(file);
  const messages = terminal(process.stderr);
  const work = (): Promise<number> =>
    tagFile({
      flags,
      open: () => addAbortSignal(signal, file === '-' ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES })),
      sizeBytes,
      client,
      signal,
      say: (line) => messages.line(line),
      show: shower(messages),
    });
  // two at once would write one file
  const errors = await (out === '-' ? work() : withProcessLock(resolve(out), work, { maxWaitMs: 0 }));
  return errors > 0 ? WITH_ERRORS : 0;
}

async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new CommandFailure(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  if (found.isDirectory()) throw new CommandFailure(`${file} is a folder`);
  return found.isFile() ? found.size : null;
}

/** A service that runs elsewhere is not ended with the work. */
async function interruptible(url: string, work: Work): Promise<number> {
  const leaving = new AbortController();
  const { signal } = leaving;
  onEndingSignal(
    () => leaving.abort(),
    () => process.exit(INTERRUPTED),
  );
  try {
    return await work({ client: apiClient(url, { signal, apiKey: process.env['MTMT_API_KEY'] }), signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    return INTERRUPTED;
  }
}
