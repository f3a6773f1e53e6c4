import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { installDefaultEncoder, installFolder } from '../encoders/install.ts';
import { DEFAULT_ENCODER, findEncoder, installedEncoders, verifyEncoder } from '../encoders/registry.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';

const HELP = `Usage: mtmt encoders [list]
       mtmt encoders install ${DEFAULT_ENCODER}
       mtmt encoders install FOLDER [--name ID] [--license SPDX]
       mtmt encoders verify [ID]

FOLDER is any local model of the BERT, XLM-RoBERTa or DistilBERT families in the Hugging Face layout:
config.json, model.safetensors, tokenizer.json. HF_ENDPOINT names another hub than huggingface.co.
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { name: { type: 'string' }, license: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [action = 'list', what] = positionals;
  const { encodersDir, hubUrl } = loadConfig(process.env);
  if (values.help === true) {
    process.stdout.write(HELP);
  } else if (action === 'list') {
    const installed = await installedEncoders(encodersDir);
    process.stdout.write(installed.length === 0 ? `No encoder is installed in ${encodersDir}.\n` : installed.map(describe).join(''));
  } else if (action === 'install' && what !== undefined) {
    process.stdout.write(`installed ${describe(await install({ what, encodersDir, hubUrl, name: values.name, license: values.license }))}`);
  } else if (action === 'verify') {
    const chosen = what === undefined ? await installedEncoders(encodersDir) : [await findEncoder(encodersDir, what)];
    for (const encoder of chosen) {
      await verifyEncoder(encoder);
      process.stdout.write(`${encoder.encoderId}: every file is as it was installed\n`);
    }
  } else {
    process.stderr.write(HELP);
    return 2;
  }
  return 0;
}

async function install(o: {
  what: string;
  encodersDir: string;
  hubUrl: string;
  name: string | undefined;
  license: string | undefined;
}): Promise<InstalledEncoder> {
  if (o.what === DEFAULT_ENCODER) {
    return installDefaultEncoder({ encodersDir: o.encodersDir, hubUrl: o.hubUrl, onProgress: progressLines() });
  }
  const from = resolve(o.what);
  if (!(await stat(from).catch(() => null))?.isDirectory()) {
    throw fail('ENCODER_INVALID', { path: from, detail: `it is no folder; by name only ${DEFAULT_ENCODER} can be installed` });
  }
  const license = o.license === undefined ? {} : { license: o.license };
  return installFolder({ encodersDir: o.encodersDir, from, encoderId: o.name ?? basename(from), ...license });
}

/** A line at each new step and each tenth of a download: right for a log, and for the set-up, which shows the last one. */
function progressLines(): (step: string, doneBytes?: number, ofBytes?: number) => void {
  let last = '';
  return (step, doneBytes = 0, ofBytes = 0) => {
    const tenths = ofBytes === 0 ? 0 : Math.floor((10 * doneBytes) / ofBytes);
    const key = `${step} ${tenths}`;
    if (key === last) return;
    last = key;
    const amount = ofBytes === 0 ? '' : `  ${tenths * 10} % of ${(ofBytes / 1e6).toFixed(0)} MB`;
    process.stdout.write(`${step}${amount}\n`);
  };
}

function describe(encoder: InstalledEncoder): string {
  const { encoderId, config, sizeBytes, license, source } = encoder;
  const shape = `${config.family}, ${config.layers} layers of ${config.hiddenSize}, ${config.vocabularySize} pieces`;
  return `${encoderId}: ${shape}, ${(sizeBytes / 1e6).toFixed(0)} MB, ${license}, from ${source}\n`;
}
