/** `mtmt export`: a checkpoint as a folder that other libraries load. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import type { ExportFormat } from '../schemas/checkpoint.ts';
import { apiKeyFor } from './client/api-key.ts';
import { apiClient } from './client/api.ts';
import { sayingFailures } from './client/failure.ts';
import { onEndingSignal, terminal, type Output } from './client/terminal.ts';
import { assertFree, writeFolder } from './export/folder.ts';
import { localSource } from './export/local-source.ts';
import { serviceSource } from './export/service-source.ts';
import type { ExportSource } from './export/source.ts';
import { findService } from './service.ts';

const FORMATS: readonly ExportFormat[] = ['hf', 'onnx', 'onnx-int8'];
const INTERRUPTED = 130;
const HELP = `Usage: mtmt export CHECKPOINT --format hf|onnx|onnx-int8 [--out DIR]

CHECKPOINT is the id of a checkpoint, that of a run (its best checkpoint), or an alias of a model, such as default.
  --format hf         model.safetensors, config.json, tokenizer.json: a folder that transformers loads
  --format onnx       model.onnx (float32, batches and sequences of any size), config.json, tokenizer.json: for onnxruntime
  --format onnx-int8  the same with weights of 8 bits: a quarter of the size and half of the time, not quite as exact (README.md there)
  --out DIR           a folder that is new or empty (default: the checkpoint's id and the format, here)

README.md in the folder is the model card, with a program that uses it. The service of this data folder is asked where it runs; else database
and artifacts are read by the command itself.
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { format: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [name, ...others] = positionals;
  const format = FORMATS.find((each) => each === values.format);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (name === undefined || others.length > 0 || format === undefined) {
    process.stderr.write(HELP);
    return 2;
  }
  const leaving = new AbortController();
  onEndingSignal(() => leaving.abort(), () => process.exit(INTERRUPTED));
  return sayingFailures(() => exportCheckpoint({ name, format, out: values.out, output: terminal(), signal: leaving.signal }));
}

async function exportCheckpoint({ name, format, out, output, signal }: { name: string; format: ExportFormat; out: string | undefined; output: Output; signal: AbortSignal }): Promise<number> {
  if (out !== undefined) await assertFree(resolve(out));
  const source = await openSource(signal);
  try {
    const checkpointId = await source.checkpointOf(name);
    const folder = resolve(out ?? `${checkpointId}-${format}`);
    await assertFree(folder);
    if (output.isTerminal) output.status(`Putting ${checkpointId} together …`);
    const { sizeBytes, files } = await source.open(checkpointId, format);
    const written = await writeFolder(folder, files, { signal, onBytes: (done, file) => output.isTerminal && output.status(`${file}: ${inMegabytes(done)} of ${inMegabytes(sizeBytes)} MB`) });
    output.line(`${checkpointId} as ${format} in ${folder}: ${written.names.join(', ')} (${inMegabytes(written.sizeBytes)} MB)`);
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    output.line('Interrupted; nothing was left.');
    return INTERRUPTED;
  } finally {
    await source.close();
  }
}

async function openSource(signal: AbortSignal): Promise<ExportSource> {
  const config = loadConfig();
  const service = await findService(config.dataDir);
  if (service === null) return localSource(config);
  return serviceSource(apiClient(service.url, { signal, apiKey: await apiKeyFor(config) }));
}

function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
