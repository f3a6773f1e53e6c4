import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpusSize } from '../../../src/cli/benchmark/corpus-size.ts';
import { run } from '../../../src/cli/benchmark/method.ts';
import { testFolder } from '../../helper.ts';

const TINY = join(import.meta.dirname, '../../fixtures/encoders/tiny-bert');

const REFUSED: readonly (readonly [args: string[], said: RegExp])[] = [
  [[], /--data DIR is missing/],
  [['--data', '/nowhere/at/all'], /\/nowhere\/at\/all cannot be read/],
  [['--data', '.', '--seeds', '0'], /--seeds wants a whole number from 1 to 100, not "0"/],
  [['--data', '.', '--budget', 'soon'], /--budget wants a time such as 2h, 90m or 1h30m, not "soon"/],
  [['--data', '.', '--systems', 'gamma,delta'], /--systems names "delta"; there are: transfer, article, recognition, similarity, alpha, beta, gamma, agreement, default, rounds, ensemble$/m],
  [['--data', '.', '--systems', 'ensemble', '--seeds', '1'], /--systems names ensemble, the mean of all seeds’ teachers: --seeds wants 2 or more/],
  [['--data', '.', '--schedule', 'ours'], /--schedule is "ours", expected authors/],
  [['--data', '.', '--options', '[1]'], /--options wants a JSON object such as \{"epochs":1\}, not \[1\]/],
  [['--data', '.', '--student-options', '{'], /--student-options wants a JSON object/],
];
for (const [args, said] of REFUSED) {
  test(`${args.join(' ') || 'no flag'} is refused in one line, before anything is started`, async (t) => {
    const written = t.mock.method(process.stderr, 'write', () => true);
    assert.equal(await run(args), 1);
    assert.match(String(written.mock.calls[0]?.arguments[0]), said);
  });
}

test('A folder without raw text of a target is refused', async (t) => {
  const folder = await testFolder(t);
  await mkdir(join(folder, 'en'));
  await writeFile(join(folder, 'en', 'train.conll'), 'Ada\tB-PER\n');
  const written = t.mock.method(process.stderr, 'write', () => true);
  assert.equal(await run(['--data', folder]), 1);
  assert.match(String(written.mock.calls[0]?.arguments[0]), /no <lang>\/unlabeled\.txt/);
});

test('Raw text is measured in sentences, words and pieces, two special ones a sentence', async () => {
  const content = 'a\r\na\r\n\r\n \na\n\n\n';
  const size = await corpusSize([{ name: 'x', kind: 'unlabeled', language: 'es', split: 'train', content }], TINY);
  assert.deepEqual(size, { sentences: 2, words: 3, pieces: 3 + 2 * 2 });
});
