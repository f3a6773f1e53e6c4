/** Every command of the README, run as it stands, with the real encoder: from set-up to tagged text. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFolder } from './helper.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = await readFile(join(ROOT, 'README.md'), 'utf8');
/** The words that a command of the README begins with. */
const COMMAND = /^(?:npm|npx|node|curl) /;
const SERVED = 'The service goes on until you press Ctrl-C.';

/** In fences without a language, and between single backquotes. */
function commandsOf(markdown: string): string[] {
  const fences = [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, body = '']) => (language === '' ? body.split('\n').map((line) => line.replace(/\s+#.*$/, '')) : []));
  const inline = [...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  return [...new Set([...fences, ...inline].map((text) => text.trim()).filter((text) => COMMAND.test(text)))];
}

interface Running {
  readonly output: () => string;
  /** Resolves once `text` is printed. */
  printed(text: string): Promise<void>;
  /** As a terminal's Ctrl-C: to the whole group. */
  interrupt(): void;
  readonly ended: Promise<number | null>;
}

function start(t: TestContext, command: string, env: Record<string, string>): Running {
  const child: ChildProcess = spawn('bash', ['-c', command], { cwd: ROOT, detached: true, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = -(child.pid ?? assert.fail('bash did not start'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(group, 'SIGTERM');
    await ended;
  });
  return {
    output: () => output,
    ended,
    interrupt: () => process.kill(group, 'SIGINT'),
    async printed(text) {
      while (!output.includes(text)) {
        if (child.exitCode !== null) assert.fail(`"${command}" ended with ${child.exitCode} before it printed "${text}":\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
  };
}

async function run(t: TestContext, command: string, env: Record<string, string>): Promise<string> {
  const running = start(t, command, env);
  const status = await running.ended;
  assert.equal(status, 0, `"${command}" ended with ${status}:\n${running.output()}`);
  return running.output();
}

/** As the README describes it. */
async function ownFolder(t: TestContext): Promise<string> {
  const folder = await testFolder(t);
  const sentence = (words: readonly string[]): string => words.map((word) => `${word}\n`).join('');
  const labeled = [['Ana\tB-PER', 'vive\tO', 'en\tO', 'Lugo\tB-LOC'], ['Nada\tO', 'pasa\tO']].map(sentence).join('\n');
  for (const [language, files] of Object.entries({ en: { 'train.conll': labeled, 'dev.conll': labeled }, es: { 'test.conll': labeled, 'unlabeled.txt': ['Ana', 'vive', '', 'Nada', 'pasa'].join('\n') } })) {
    await mkdir(join(folder, language));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, language, name), text);
  }
  return folder;
}

test('every command of the README works as it stands', async (t) => {
  const dataDir = await testFolder(t);
  await chmod(dataDir, 0o755); // as root, Postgres runs as another user, who must get in
  const env = { DATA_DIR: join(dataDir, 'data'), PORT: '0', TAGGER_PORT: '0' };
  const curl = commandsOf(README).find((command) => command.startsWith('curl ')) ?? assert.fail('the README tags no text');
  const answered = async (url: string): Promise<void> => {
    const answer: unknown = JSON.parse(await run(t, curl.replace('http://127.0.0.1:8000', url), env));
    const shown: unknown = JSON.parse(/^```json\n([\s\S]*?)^```$/m.exec(README)?.[1] ?? assert.fail('the README shows no answer'));
    assert.deepEqual(shapeOf(answer), shapeOf(shown), JSON.stringify(answer));
  };
  const runs: Record<string, () => Promise<void>> = {
    'npm run demo': async () => {
      const demo = start(t, 'npm run demo', env);
      await demo.printed(SERVED);
      assert.match(demo.output(), /^ {2}mean of targets( +\d+\.\d){2}/m);
      await answered(/^Service: (\S+)$/m.exec(demo.output())?.[1] ?? assert.fail(demo.output()));
      demo.interrupt();
      await demo.ended;
      const again = await run(t, 'npm run demo -- --exit', env);
      assert.equal(again.match(/trained before/g)?.length, 3, again);
    },
    'npm run demo -- --data DIR': async () => {
      const output = await run(t, `npm run demo -- --data ${await ownFolder(t)} --exit`, env);
      assert.match(output, /^ {2}es( +\d+\.\d){2}/m);
    },
    'npm start': async () => {
      const service = start(t, 'npm start', env);
      await service.printed('mtmt is ready on');
      await answered(/mtmt is ready on (\S+)/.exec(service.output())?.[1] ?? '');
      service.interrupt();
      await service.ended; // with the last process that holds its output; the status is npm's, which dies of the signal itself
      for (const name of ['api', 'tagger', 'worker']) assert.match(service.output(), new RegExp(`${name} is ending`));
    },
    [curl]: () => Promise.resolve(), // asked of both services above
    'npm test': async () => assert.match(await readFile(join(ROOT, '.ci/run'), 'utf8'), /^step npm test/m), // runs this
    'npx mtmt benchmark engine --layers 2 --rounds 1': async () => assert.match(await run(t, 'npx mtmt benchmark engine --layers 2 --rounds 1', env), /^ {2}mtmt +bfloat16 .* pieces\/s .* on \S+$/m),
    // with the model of the demo above
    'npx mtmt benchmark serve': async () => assert.match(await run(t, 'npx mtmt benchmark serve --seconds 4 --rounds 1 --clients 4', env), /^texts a second, 4 clients +\d+\.\d[\s\S]*^errors +0 /m),
    'npx mtmt benchmark api': async () => assert.match(await run(t, 'npx mtmt benchmark api --seconds 2', env), /^GET \/experiments( +\d+(\.\d)? ms){6}/m),
    'npx mtmt benchmark method --data DIR --budget 2h': async () => {
      const out = await testFolder(t);
      const command = `npx mtmt benchmark method --data ${await ownFolder(t)} --budget 2h`;
      // a sentence of two words is learnt in a step; one seed and a short budget keep the rest short
      await run(t, `${command} --budget 90s --seeds 1 --out ${out}`, env);
      assert.match(await readFile(join(out, 'report.md'), 'utf8'), /^\| direct transfer \| \d+\.\d \|/m);
    },
    // as a fleet they are run by test/fleet.test.ts
    ...Object.fromEntries(['api', 'tagger', 'worker'].map((part) => [`npx mtmt ${part}`, async () => assert.match(await run(t, `npx mtmt ${part} --help`, env), new RegExp(`Usage: mtmt ${part}`))])),
    'npx mtmt export default --format onnx --out DIR': async () => {
      const out = await testFolder(t);
      assert.match(await run(t, `npx mtmt export default --format onnx --out ${out}`, env), /^ckpt_\w+ as onnx in \S+: README\.md, .*model\.onnx/m);
    },
    'npx mtmt storage collect': async () => assert.match(await run(t, 'npx mtmt storage collect', env), /: removed \d+ artifacts .*, kept \d+$/m),
    'npx mtmt storage verify': async () => assert.match(await run(t, 'npx mtmt storage verify', env), /all as they were written$/m),
    'npx mtmt tag FILE': async () => {
      const file = join(await testFolder(t), 'texts.txt');
      await writeFile(file, 'Marijke Hoekstra verhuisde van Utrecht naar Odoorn.\n\n');
      assert.match(await run(t, `npx mtmt tag ${file}`, env), /2 texts in .*\.tagged\.jsonl, [1-9]\d* entities found/);
      assert.equal((await readFile(`${file}.tagged.jsonl`, 'utf8')).split('\n').length, 3);
    },
    'npx mtmt doctor': async () => assert.match(await run(t, 'npx mtmt doctor', env), /libtensorflow/),
    'npx mtmt encoders install DIR --name ID': async () => {
      const folder = join(ROOT, 'test/fixtures/encoders/tiny-bert');
      const own = { ENCODERS_DIR: await testFolder(t) };
      assert.match(await run(t, `npx mtmt encoders install ${folder} --name tiny`, own), /installed tiny: bert, 3 layers/);
    },
  };
  assert.deepEqual(commandsOf(README).sort(), Object.keys(runs).sort());
  for (const [command, check] of Object.entries(runs)) await t.test(command, check);
});

/** Names and types, to any depth; of a list its first item, since how many entities are found differs with the model. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}
