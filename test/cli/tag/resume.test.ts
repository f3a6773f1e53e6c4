/** What was cut off is gone on with. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { entity, linesOf, tag, world } from './world.ts';

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));

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

/** Of a journal; 0 where there is none. */
async function recordsOf(path: string): Promise<number> {
  const content = await readFile(path, 'utf8').catch(() => null);
  return content === null ? 0 : (JSON.parse(content) as { records: number }).records;
}
