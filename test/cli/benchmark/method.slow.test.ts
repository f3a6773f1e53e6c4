/** The whole command on a generated corpus of a few sentences, with the tiny encoder: it trains, is stopped by its budget, goes on, and reports. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoSets } from '../../../src/demo/generate.ts';
import type { StudyReport } from '../../../src/study/report.ts';
import { testDatabase, testFolder } from '../../helper.ts';
import { installEncoder } from '../../runs/fixtures/world.ts';

const CLI = join(import.meta.dirname, '../../../src/cli.ts');
/** A few packed rows a step and some 100 steps, which take the tiny encoder a second or two. */
const OPTIONS = JSON.stringify({ epochs: 60, learningRate: 5e-3, freezeEmbeddings: false, dropout: 0, batchPieces: 256, maxPieces: 64, precision: 'float32', selection: 'last' });
const SENTENCES = 12;

function command(args: string[], env: Record<string, string>): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', CLI, 'benchmark', 'method', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('close', (status) => resolve({ status, output }));
  });
}

/** English to learn from, Spanish to reach; the English test set is what was learnt, so that F1 is not zero. */
async function writeCorpora(folder: string): Promise<void> {
  for (const { language, kind, split, sentences } of demoSets()) {
    if (language !== 'en' && language !== 'es') continue;
    const linesFrom = (first: number): string[] => sentences.slice(first, first + SENTENCES).map(({ tokens, tags }) => tokens.map((token, word) => (tags === undefined ? token : `${token}\t${tags[word]}`)).join('\n'));
    await mkdir(join(folder, language), { recursive: true });
    const name = kind === 'unlabeled' ? 'unlabeled.txt' : `${split}.conll`;
    const files = language === 'en' && split === 'train' ? [name, 'test.conll'] : language === 'en' && split === 'test' ? [] : [name];
    for (const file of files) await writeFile(join(folder, language, file), `${linesFrom(0).join('\n\n')}\n`);
    if (language === 'es' && split === 'test') await writeFile(join(folder, language, 'dev.conll'), `${linesFrom(SENTENCES).join('\n\n')}\n`);
  }
}

test('the study trains every ablation once, whatever stops it, and reports them beside direct transfer; other systems come on request', { timeout: 600_000 }, async (t) => {
  const databaseUrl = await testDatabase(t);
  const home = await testFolder(t);
  const [data, out] = [join(home, 'corpora'), join(home, 'report')];
  await writeCorpora(data);
  await installEncoder(join(home, 'encoders'), 'tiny-bert');
  const env = { DATABASE_URL: databaseUrl, DATA_DIR: join(home, 'data'), ENCODERS_DIR: join(home, 'encoders'), DEFAULT_ENCODER: 'tiny-bert', CACHE_DIR: join(home, 'cache'), PORT: '0', TAGGER_PORT: '0', DEVICES: 'cpu', LOG_LEVEL: 'warn' };
  const args = ['--data', data, '--seeds', '1', '--out', out, '--schedule', 'authors', '--options', OPTIONS];
  const report = async (): Promise<StudyReport> => JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as StudyReport;

  const stopped = await command([...args, '--budget', '1s'], env);
  assert.equal(stopped.status, 0, stopped.output);
  const partial = await report();
  assert.ok(partial.missing.length > 0 && partial.missing.every(({ reason }) => reason === 'the budget is spent'), JSON.stringify(partial.missing));
  assert.match(await readFile(join(out, 'report.md'), 'utf8'), /\*\*The study is not complete\.\*\*/);

  const whole = await command(args, env);
  assert.equal(whole.status, 0, whole.output);
  const { missing, systems, runs, schedules, commit, datasets, seconds, experiment, alpha, estimates } = await report();
  assert.deepEqual(missing, []);
  assert.deepEqual(systems.map(({ systemId, seeds }) => [systemId, seeds]), ['transfer', 'recognition', 'similarity', 'alpha', 'beta', 'gamma', 'agreement'].map((systemId) => [systemId, [1]]));
  for (const { systemId, byLanguage, targets } of systems) {
    assert.deepEqual(Object.keys(byLanguage).sort(), ['en', 'es']);
    assert.deepEqual(Object.keys(targets?.byDecoding ?? {}), ['argmax', 'viterbi']);
    assert.equal(targets?.gain === null, systemId === 'transfer');
    assert.deepEqual(Object.entries(targets?.bySelection ?? {}).map(([name, { gain }]) => [name, gain === null]), ['last', 'source-dev', 'target-dev'].map((name) => [name, systemId === 'transfer']));
  }
  assert.ok((systems[0]?.byLanguage['en']?.mean ?? 0) > 0.5, `the recognizer has learnt its sentences: ${JSON.stringify(systems[0]?.byLanguage)}`);
  const [low = NaN, high = NaN] = systems[0] === undefined ? [] : (systems.at(-1)?.byLanguage['en']?.gain?.ci95 ?? []);
  assert.ok(low <= high && high <= 1 && low >= -1);
  const words = datasets.find(({ language, split }) => language === 'es' && split === 'test')?.words;
  assert.equal(alpha['es']?.reduce((sum, bin) => sum + bin.words, 0), words);
  assert.ok(schedules !== null && schedules.timesPieces > 1, 'one word of a sentence costs the whole sentence');
  assert.ok(experiment.experimentId.startsWith('exp_') && seconds.runs > 0 && (commit === null || /^[0-9a-f]{40}\+?$/.test(commit)));
  // one system a seed, of its one target, with the truth of the target's test set
  assert.deepEqual(estimates.rows.map(({ systemId, seed, language }) => [systemId, seed, language]), systems.map(({ systemId }) => [systemId, 1, 'es']));
  for (const { systemId, truth } of estimates.rows) assert.equal(truth, systems.find((system) => system.systemId === systemId)?.byLanguage['es']?.mean);
  assert.equal(estimates.all?.count, systems.length);
  assert.match(await readFile(join(out, 'report.md'), 'utf8'), /^## F1 without gold tags$/m);
  assert.match(whole.output, /^\| system \| es, `source-dev` \| es, `target-dev` \|/m);
  for (const figure of ['systems.svg', 'alpha.svg']) assert.match(await readFile(join(out, figure), 'utf8'), /^<svg .*<\/svg>\n$/s);

  const again = await command(args, env);
  assert.match(again.output, new RegExp(`${runs.length} runs, ${runs.length} of them there already`));
  assert.deepEqual((await report()).runs, runs);
  assert.deepEqual((await report()).systems, systems);

  const more = await command([...args, '--seeds', '2', '--systems', 'gamma,article,rounds,ensemble'], env);
  assert.equal(more.status, 0, more.output);
  const wider = await report();
  assert.deepEqual([wider.missing, wider.systems.map(({ systemId, seeds }) => [systemId, seeds])], [[], ['transfer', 'article', 'gamma', 'agreement', 'rounds', 'ensemble'].map((systemId) => [systemId, [1, 2]])]);
  assert.deepEqual(wider.runs.filter(({ runId }) => runs.some((run) => run.runId === runId)).map(({ name }) => name), ['seed 1 recognizer', 'seed 1 evaluator', 'timed everyWord', 'timed oneWord', 'seed 1 gamma', 'seed 1 agreement']);
  assert.deepEqual(wider.runs.slice(-2).map(({ name }) => name), ['seed 1 ensemble', 'seed 2 ensemble']);
  for (const { targets } of wider.systems.slice(1)) assert.equal(targets?.gain?.ci95.length, 2);
  assert.equal(wider.estimates.rows.length, 2 * wider.systems.length);
  assert.equal(wider.options.teacher?.preset, 'article');
});
