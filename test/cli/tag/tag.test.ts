/** The command against the real API, whose tagger is a fake. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { apiClient } from '../../../src/cli/client/api.ts';
import { tagFile } from '../../../src/cli/tag/file.ts';
import { readFlags } from '../../../src/cli/tag/flags.ts';
import { fail } from '../../../src/errors.ts';
import type { NerRequest, NerResponse } from '../../../src/schemas/ner.ts';
import { putModel } from '../../../src/store/models.ts';
import { testFolder } from '../../helper.ts';
import { openApi } from '../../routes/api.ts';
import { runningRun } from '../../store/rows.ts';

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

interface World {
  readonly url: string;
  readonly checkpointId: string;
  readonly runId: string;
  readonly folder: string;
  readonly asked: NerRequest[];
  /** Of the next requests, one after the other. */
  readonly failures: Error[];
}

/** Every word is a person; each request takes `delayMs`. */
async function world(t: TestContext, { delayMs = 0 }: { delayMs?: number } = {}): Promise<World> {
  const asked: NerRequest[] = [];
  const failures: Error[] = [];
  const api = await openApi(t, {
    tagger: {
      tag: async (request) => {
        await wait(delayMs);
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        asked.push(request);
        return answerOf(request);
      },
    },
  });
  const { checkpointId, runId } = await runningRun(api.store);
  await putModel(api.store, 'default', checkpointId);
  return { url: await api.app.listen({ host: '127.0.0.1', port: 0 }), checkpointId, runId, folder: await testFolder(t), asked, failures };
}

function answerOf({ texts = [], tokens, model = '' }: NerRequest): NerResponse {
  const inputs = tokens?.map((words) => words.join(' ')) ?? texts;
  const results = inputs.map((input) => ({
    entities: Array.from(input.matchAll(/\p{L}[\p{L}\d]*/gu), ({ 0: text, index }) => ({ label: 'PER', text, start: index, end: index + text.length, score: 0.5 })),
    ...(tokens !== undefined && { tags: input.split(' ').map(() => 'B-PER') }),
    language: null,
    truncated: input.includes('unread'),
    windows: 1,
    pieces: 1,
  }));
  return { results, model: { alias: null, checkpointId: model, runId: 'run_1', encoder: 'tiny' }, warnings: ['never scored'] };
}

async function tag({ url, folder, checkpointId, runId }: World, content: string | Buffer, values: Record<string, string | boolean> = {}): Promise<{ said: string[]; failure: string | null; errors: number; path: string }> {
  const path = join(folder, 'in');
  await writeFile(path, content);
  const said: string[] = [];
  const open = async function* () {
    yield Buffer.from(content);
  };
  const { signal } = new AbortController();
  const options = { flags: readFlags(path, values), open, sizeBytes: content.length, client: apiClient(url, { signal }), signal, say: (line: string) => void said.push(line), show: () => undefined };
  let errors = 0;
  let failure: string | null = null;
  try {
    errors = await tagFile(options);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const clean = (line: string): string => line.replaceAll(path, 'IN').replaceAll(checkpointId, 'CKPT').replaceAll(runId, 'RUN');
  return { said: said.map(clean), failure: failure === null ? null : clean(failure), errors, path };
}

const entity = (text: string, start = 0): string => `{"label":"PER","text":"${text}","start":${start},"end":${start + text.length},"score":0.5}`;

test('a file becomes a file', async (t) => {
  const it = await world(t);
  await t.test('text as JSON lines, by the checkpoint that the alias names now', async () => {
    const { said, failure, path } = await tag(it, 'Ana Li\n\n', { language: 'es', threshold: '0.5', 'offset-unit': 'utf16', aggregation: 'max' });
    assert.equal(failure, null);
    assert.deepEqual(said, ['Reading IN as text', 'never scored', '2 texts in IN.tagged.jsonl, 2 entities found by CKPT of RUN']);
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"text":"Ana Li","entities":[${entity('Ana')},${entity('Li', 4)}]}\n{"text":"","entities":[]}\n`);
    assert.deepEqual(it.asked.pop(), { texts: ['Ana Li', ''], language: 'es', threshold: 0.5, offsetUnit: 'utf16', aggregation: 'max', model: it.checkpointId });
    assert.ok(!existsSync(`${path}.tagged.jsonl.partial`) && !existsSync(`${path}.tagged.jsonl.partial.json`));
  });
  await t.test('it is not written over, unless that is asked for', async () => {
    assert.equal((await tag(it, 'Eva\n')).failure, 'IN.tagged.jsonl is there already; --restart makes it anew');
    assert.equal((await tag(it, 'Eva\n', { restart: true })).failure, null);
  });
  await t.test('JSON lines as CoNLL: texts are cut into words, a text without words is no sentence', async () => {
    const { path, failure } = await tag(it, '{"text":"Ana, Li"}\n{"text":" "}\n{"tokens":["Eva"]}\n', { format: 'conll' });
    assert.equal(failure, null);
    assert.equal(await readFile(`${path}.tagged.conll`, 'utf8'), 'Ana\tB-PER\n,\tO\nLi\tB-PER\n\nEva\tB-PER\n\n');
  });
  await t.test('words as JSON lines keep their id', async () => {
    const { path } = await tag(it, '{"id":7,"tokens":["Eva"]}\n', { restart: true });
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"id":7,"tokens":["Eva"],"tags":["B-PER"],"entities":[${entity('Eva')}]}\n`);
  });
  await t.test('a model that is not there', async () => assert.equal((await tag(it, 'a\n', { model: 'other', restart: true })).failure, 'There is no model "other"'));
});

test('a service that is busy is asked again', { timeout: 60_000 }, async (t) => {
  const it = await world(t);
  it.failures.push(fail('OVERLOADED', { requests: 9, pieces: 900, retryAfterSeconds: 1 }));
  assert.equal((await tag(it, 'Ana Li\n')).failure, null);
});

const LONG = 'a'.repeat(2_000_001);
/** One text a line: what can be read, then what cannot. */
const MIXED = Buffer.concat([Buffer.from(`Ana\n${LONG}\nunread\n`), Buffer.from([0x61, 0xff]), Buffer.from('\nEva\n')]);

test('what cannot be tagged does not stop the others', async (t) => {
  const it = await world(t);
  await t.test('in JSON lines it is an error', async () => {
    const { failure, errors, said, path } = await tag(it, MIXED, { language: 'es' });
    assert.deepEqual([failure, errors], [null, 2]);
    const lines = await linesOf(`${path}.tagged.jsonl`);
    const { error } = lines[1] as { error: { code: string; detail: string } };
    assert.match(error.detail, /2000000/);
    assert.deepEqual(lines, [
      { text: 'Ana', entities: [JSON.parse(entity('Ana'))] },
      { line: 2, error: { code: error.code, detail: error.detail } },
      { text: 'unread', entities: [JSON.parse(entity('unread'))], truncated: true },
      { line: 4, error: { code: 'LINE_INVALID', detail: 'the bytes are not UTF-8 (0xff)', column: 2 } },
      { text: 'Eva', entities: [JSON.parse(entity('Eva'))] },
    ]);
    assert.deepEqual(said.slice(-3).join('\n').split('\n').slice(-3), [
      '5 texts in IN.tagged.jsonl, 3 entities found by CKPT of RUN',
      '1 texts were not read to their end',
      '2 texts could not be tagged and are errors there',
    ]);
    assert.ok(said.includes('IN, line 4, column 2: the bytes are not UTF-8 (0xff)'));
    const summary = { format: 'jsonl', input: 'auto', model: 'default', checkpointId: it.checkpointId, runId: it.runId, language: 'es', texts: 5, entities: 3, errors: 2, truncated: 1 };
    assert.deepEqual(await linesOf(`${path}.tagged.jsonl.summary.json`), [summary]);
  });
  await t.test('in CoNLL it is a comment, and the same texts are taken', async () => {
    const { failure, errors, path } = await tag(it, MIXED, { format: 'conll', model: it.checkpointId });
    assert.deepEqual([failure, errors], [null, 2]);
    const content = await readFile(`${path}.tagged.conll`, 'utf8');
    assert.match(content, /^Ana\tB-PER\n\n# error = line 2: \w+: .*2000000.*\n\nunread\tB-PER\n\n# error = line 4, column 2: LINE_INVALID: .*\n\nEva\tB-PER\n\n$/);
  });
  await t.test('a text of more words than a list of words may have is a sentence of CoNLL', async () => {
    const { failure, errors, path } = await tag(it, `${'a '.repeat(100_001)}\n${'b'.repeat(10_001)}\n`, { format: 'conll', restart: true });
    assert.deepEqual([failure, errors], [null, 0]);
    assert.deepEqual((await readFile(`${path}.tagged.conll`, 'utf8')).split('\n\n')[0]?.split('\n').length, 100_001);
  });
  await t.test('words that are too many for the service are an error', async () => {
    const { errors, path } = await tag(it, `{"id":7,"tokens":["${'b'.repeat(10_001)}"]}\n{"tokens":["Eva"]}\n`, { restart: true });
    const [first, second] = (await linesOf(`${path}.tagged.jsonl`)) as [{ id: number; line: number; error: object }, { tags: string[] }];
    assert.deepEqual([errors, first.id, first.line, Object.keys(first.error), second.tags], [1, 7, 1, ['code', 'detail'], ['B-PER']]);
  });
  await t.test('unless nothing of the kind is wanted', async () => {
    const strict = await tag(it, MIXED, { restart: true, strict: true });
    assert.match(strict.failure ?? '', /^IN, line 2: .*2000000/);
    assert.equal((await tag(it, 'Ana\nEva\n', { restart: true, strict: true })).said[0], 'Going on after 1 texts by CKPT; without IN.tagged.jsonl.partial it begins anew');
    assert.deepEqual((await linesOf(`${strict.path}.tagged.jsonl`)).map((line) => (line as { text: string }).text), ['Ana', 'Eva']);
  });
});

/** The work ends after some texts are in the output. */
const CUT = Buffer.concat([Buffer.from('Ana\n'.repeat(64)), Buffer.from([0xff, 0x0a])]);

test('a restart that was cut off goes on', async (t) => {
  const it = await world(t);
  const again = { restart: true, strict: true };
  const { path } = await tag(it, 'before\n');
  await tag(it, CUT, again);
  const whole = `${'Ana\n'.repeat(64)}Eva\n`;
  await t.test('by the same command alone: the file is there', async () => {
    assert.equal((await tag(it, whole)).failure, 'IN.tagged.jsonl is there already; --restart goes on to make it anew');
    assert.deepEqual(await linesOf(`${path}.tagged.jsonl`), [{ text: 'before', entities: [JSON.parse(entity('before'))] }]);
  });
  it.asked.length = 0;
  await t.test('after what was tagged', async () => {
    assert.equal((await tag(it, whole, again)).failure, null);
    assert.deepEqual(it.asked.map(({ texts }) => texts), [['Eva']]);
    assert.equal((await linesOf(`${path}.tagged.jsonl`)).length, 65);
  });
  for (const [name, content, values] of [
    ['by other options begins anew', whole, { ...again, threshold: '0.5' }],
    ['of other texts begins anew', whole.replace('Ana', 'Ivo'), again],
  ] as const) {
    await t.test(name, async () => {
      await tag(it, CUT, again);
      const { failure } = await tag(it, content, values);
      assert.equal(failure, null);
      assert.deepEqual((await linesOf(`${path}.tagged.jsonl`)).map((line) => (line as { text: string }).text), content.trim().split('\n'));
    });
  }
  await t.test('one that begins over a file that was not to be made anew does so from its beginning', async () => {
    await rm(`${path}.tagged.jsonl`);
    await tag(it, CUT, { strict: true });
    it.asked.length = 0;
    assert.equal((await tag(it, whole, again)).failure, null);
    assert.deepEqual(it.asked.flatMap(({ texts }) => texts).length, 65);
  });
});

test('killed between the name of the file and its summary, it has its summary all the same', async (t) => {
  const it = await world(t);
  const { path } = await tag(it, CUT, { strict: true });
  await rename(`${path}.tagged.jsonl.partial`, `${path}.tagged.jsonl`);
  assert.equal((await tag(it, CUT, { strict: true })).failure, 'IN.tagged.jsonl is there already; --restart makes it anew');
  assert.deepEqual((await linesOf(`${path}.tagged.jsonl.summary.json`)).map((summary) => (summary as { texts: number }).texts), [64]);
  assert.ok(!existsSync(`${path}.tagged.jsonl.partial.json`));
});

test('a broken line loses nothing, and the corrected file is gone on with', async (t) => {
  const it = await world(t);
  const good = Array.from({ length: 200 }, (_, index) => `{"text":"N${index}"}\n`).join('');
  const { failure, said, path } = await tag(it, `${good}{"text":\n{"text":"last"}\n`, { strict: true });
  assert.equal(failure, 'IN, line 201, column 9: this is no JSON: ValueExpected');
  assert.equal(said.at(-1), 'What was tagged is in IN.tagged.jsonl.partial; the same command goes on');

  const whole = `${good}{"text":"corrected"}\n{"text":"last"}\n`;
  await t.test('not by other options', async () => {
    assert.equal((await tag(it, whole, { threshold: '0.5' })).failure, 'IN.tagged.jsonl.partial was made with threshold not given, now it is 0.5; --restart begins anew');
  });
  await t.test('not with other texts', async () => {
    assert.equal((await tag(it, whole.replace('N7', 'M7'))).failure, 'IN does not begin with the 200 texts that were tagged before; --restart begins anew');
  });
  await t.test('what lies behind the last text that was safe is made again', async () => {
    await writeFile(`${path}.tagged.jsonl.partial`, '{"text":"half a reco', { flag: 'a' });
    it.asked.length = 0;
    const again = await tag(it, whole);
    assert.deepEqual([again.failure, again.said], [null, ['Going on after 200 texts by CKPT', 'Reading IN as jsonl', 'never scored', '202 texts in IN.tagged.jsonl, 202 entities found by CKPT of RUN']]);
    assert.deepEqual(it.asked.map(({ texts }) => texts), [['corrected', 'last']]);
    const texts = (await readFile(`${path}.tagged.jsonl`, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { text: string }).text);
    assert.deepEqual(texts, [...Array.from({ length: 200 }, (_, index) => `N${index}`), 'corrected', 'last']);
  });
});

const KILLED: [name: string, signals: readonly NodeJS.Signals[], flags: readonly string[]][] = [
  ['killed twice', ['SIGKILL', 'SIGKILL'], []],
  ['killed twice while it makes a file anew', ['SIGKILL', 'SIGKILL'], ['--restart']],
  ['interrupted', ['SIGINT'], []],
];
for (const [name, signals, flags] of KILLED) {
  test(`${name}, the same command ends what it began: nothing is lost or there twice`, { timeout: 180_000 }, async (t) => {
    const it = await world(t, { delayMs: 100 });
    // some cannot be tagged
    const texts = Array.from({ length: 8000 }, (_, index) => (index % 1000 === 7 ? Buffer.from([0xff, 0x0a]) : Buffer.from(`N${index} rests\n`)));
    const { path } = await tag(it, Buffer.concat(texts), { out: join(it.folder, 'whole'), model: it.checkpointId, parallel: '64' });
    const whole = await readFile(join(it.folder, 'whole'));
    if (flags.length > 0) await writeFile(`${path}.tagged.jsonl`, 'before\n');
    const start = () => spawn(process.execPath, ['--import', 'tsx', CLI, 'tag', path, '--model', it.checkpointId, '--url', it.url, '--parallel', '2', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });

    let safe = 0;
    for (const signal of signals) {
      const running = start();
      const before = safe;
      while (safe === before && running.exitCode === null) {
        await wait(20);
        safe = await recordsOf(`${path}.tagged.jsonl.partial.json`);
      }
      running.kill(signal);
      assert.deepEqual(await once(running, 'close'), signal === 'SIGINT' ? [130, null] : [null, signal]);
      assert.equal(existsSync(`${path}.tagged.jsonl`), flags.length > 0);
    }
    const asked = it.asked.length;
    assert.deepEqual(await once(start(), 'close'), [3, null]);
    assert.ok(whole.equals(await readFile(`${path}.tagged.jsonl`)));
    assert.equal(await readFile(`${path}.tagged.jsonl.summary.json`, 'utf8'), await readFile(join(it.folder, 'whole.summary.json'), 'utf8'));
    assert.ok(it.asked.length - asked < 8000 / 64, `${safe} texts were safe, ${it.asked.length - asked} requests followed`);
  });
}

async function linesOf(path: string): Promise<unknown[]> {
  return (await readFile(path, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as unknown);
}

/** Of a journal; 0 where there is none. */
async function recordsOf(path: string): Promise<number> {
  const content = await readFile(path, 'utf8').catch(() => null);
  return content === null ? 0 : (JSON.parse(content) as { records: number }).records;
}
