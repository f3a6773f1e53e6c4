/** The command against the real API, whose tagger is a fake. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
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
  const { checkpointId } = await runningRun(api.store);
  await putModel(api.store, 'default', checkpointId);
  return { url: await api.app.listen({ host: '127.0.0.1', port: 0 }), checkpointId, folder: await testFolder(t), asked, failures };
}

function answerOf({ texts = [], tokens, model = '' }: NerRequest): NerResponse {
  const results = (tokens ?? texts.map((text) => text.split(' ').filter((word) => word !== ''))).map((words) => ({
    entities: words.map((text) => ({ label: 'PER', text, start: 0, end: text.length, score: 0.5 })),
    ...(tokens !== undefined && { tags: words.map(() => 'B-PER') }),
    language: null,
    truncated: false,
    windows: 1,
    pieces: 1,
  }));
  return { results, model: { alias: null, checkpointId: model, runId: 'run_1', encoder: 'tiny' }, warnings: ['never scored'] };
}

async function tag({ url, folder }: World, content: string, values: Record<string, string | boolean> = {}): Promise<{ said: string[]; failure: string | null; path: string }> {
  const path = join(folder, 'in');
  await writeFile(path, content);
  const said: string[] = [];
  const bytes = (async function* () {
    yield Buffer.from(content);
  })();
  const { signal } = new AbortController();
  const options = { flags: readFlags(path, values), bytes, sizeBytes: content.length, client: apiClient(url, { signal }), signal, say: (line: string) => void said.push(line), show: () => undefined };
  const failure = await tagFile(options).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { said: said.map((line) => line.replaceAll(path, 'IN')), failure: failure?.replaceAll(path, 'IN') ?? null, path };
}

const entity = (text: string): string => `{"label":"PER","text":"${text}","start":0,"end":${text.length},"score":0.5}`;

test('a file becomes a file', async (t) => {
  const it = await world(t);
  await t.test('text as JSON lines, by the checkpoint that the alias names now', async () => {
    const { said, failure, path } = await tag(it, 'Ana Li\n\n', { language: 'es', threshold: '0.5', 'offset-unit': 'utf16', aggregation: 'max' });
    assert.equal(failure, null);
    assert.deepEqual(said, ['Reading IN as text', 'never scored', '2 texts in IN.tagged.jsonl, 2 entities found']);
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"text":"Ana Li","entities":[${entity('Ana')},${entity('Li')}]}\n{"text":"","entities":[]}\n`);
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
    assert.equal(await readFile(`${path}.tagged.conll`, 'utf8'), 'Ana\tB-PER\n,\tB-PER\nLi\tB-PER\n\nEva\tB-PER\n\n');
  });
  await t.test('words as JSON lines keep their id', async () => {
    const { path } = await tag(it, '{"id":7,"tokens":["Eva"]}\n', { restart: true });
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"id":7,"tokens":["Eva"],"tags":["B-PER"],"entities":[${entity('Eva')}]}\n`);
  });
  await t.test('a model that is not there', async () => assert.equal((await tag(it, 'a\n', { model: 'other', restart: true })).failure, 'There is no model "other"'));
});

test('a service that is busy is asked again; one that refuses a text is believed', { timeout: 60_000 }, async (t) => {
  const it = await world(t);
  it.failures.push(fail('OVERLOADED', { requests: 9, pieces: 900, retryAfterSeconds: 1 }));
  assert.equal((await tag(it, 'Ana Li\n')).failure, null);
  const errors = [{ pointer: '/texts/1', detail: '9 UTF-16 units, at most 8' }];
  it.failures.push(fail('TEXT_TOO_LONG', { pointer: '/texts/1', found: 9, expected: 8, unit: 'UTF-16 units' }, { errors }));
  assert.equal((await tag(it, 'Ana Li\nEva Li\n', { restart: true })).failure, 'IN, line 2: 9 UTF-16 units, at most 8');
});

test('a broken line loses nothing, and the corrected file is gone on with', async (t) => {
  const it = await world(t);
  const good = Array.from({ length: 200 }, (_, index) => `{"text":"N${index}"}\n`).join('');
  const { failure, said, path } = await tag(it, `${good}{"text":\n{"text":"last"}\n`);
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
    assert.deepEqual([again.failure, again.said], [null, ['Going on after 200 texts', 'Reading IN as jsonl', 'never scored', '202 texts in IN.tagged.jsonl, 2 entities found now']]);
    assert.deepEqual(it.asked.map(({ texts }) => texts), [['corrected', 'last']]);
    const texts = (await readFile(`${path}.tagged.jsonl`, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { text: string }).text);
    assert.deepEqual(texts, [...Array.from({ length: 200 }, (_, index) => `N${index}`), 'corrected', 'last']);
  });
});

for (const [signal, status] of [['SIGKILL', null], ['SIGINT', 130]] as const) {
  test(`after ${signal} the same command ends what it began`, { timeout: 120_000 }, async (t) => {
    const it = await world(t, { delayMs: 40 });
    const path = join(it.folder, 'in');
    const names = Array.from({ length: 8000 }, (_, index) => `N${index}`);
    await writeFile(path, names.map((name) => `${name} rests\n`).join(''));
    const start = () => spawn(process.execPath, ['--import', 'tsx', CLI, 'tag', path, '--url', it.url, '--parallel', '2'], { stdio: ['ignore', 'ignore', 'inherit'] });

    const first = start();
    while (!existsSync(`${path}.tagged.jsonl.partial.json`) && first.exitCode === null) await wait(20);
    first.kill(signal);
    assert.deepEqual(await once(first, 'close'), [status, status === null ? signal : null]);
    assert.ok(!existsSync(`${path}.tagged.jsonl`));
    const before = it.asked.length;

    assert.deepEqual(await once(start(), 'close'), [0, null]);
    const lines = (await readFile(`${path}.tagged.jsonl`, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { text: string; entities: { text: string }[] }));
    assert.deepEqual(lines.map(({ entities }) => entities.map(({ text }) => text).join(' ')), names.map((name) => `${name} rests`));
    assert.ok(before > 0 && it.asked.length - before < 8000 / 64, `${before} and then ${it.asked.length - before} requests`);
  });
}
