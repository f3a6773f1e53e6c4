import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curlLines, f1Table, marked, protocolTable } from '../../../src/cli/demo/report.ts';
import { scoreOf } from '../client/fixtures.ts';

const ESCAPE = '\u001b';

test('The table has the source first, then each target with transfer, student, difference and counts, and the mean of the targets', () => {
  const transfer = [scoreOf('en', { tp: 90, fp: 10, fn: 10 }), scoreOf('es', { tp: 60, fp: 40, fn: 40 }), scoreOf('zh', { tp: 20, fp: 80, fn: 80 })];
  const student = [scoreOf('zh', { tp: 30, fp: 70, fn: 70 }), scoreOf('es', { tp: 55, fp: 45, fn: 45 }), scoreOf('en', { tp: 91, fp: 9, fn: 9 })];
  assert.deepEqual(f1Table(transfer, student, new Set(['es', 'zh'])), [
    'language         direct transfer     student  difference    entities       found       right',
    '--------------------------------------------------------------------------------------------',
    'en (source)                 90.0        91.0        +1.0         100         100          91',
    'es                          60.0        55.0        -5.0         100         100          55',
    'zh                          20.0        30.0       +10.0         100         100          30',
    '--------------------------------------------------------------------------------------------',
    'mean of targets             40.0        42.5        +2.5',
  ]);
});

test('What was not scored is a dash, and counts in no mean', () => {
  const table = f1Table([scoreOf('en', { tp: 1, fp: 0, fn: 0 })], [], new Set(['es']));
  assert.deepEqual(table.slice(2), [
    'en (source)                100.0           -           -           1           1           1',
    '--------------------------------------------------------------------------------------------',
    'mean of targets                -           -           -',
  ]);
});

test('Scores of pairs and of other splits are not in the table', () => {
  const pairs = { ...scoreOf('en', { tp: 1, fp: 1, fn: 1 }), scorer: 'pairs' };
  const dev = { ...scoreOf('es', { tp: 1, fp: 1, fn: 1 }), split: 'dev' };
  assert.equal(f1Table([pairs, dev], [pairs], new Set(['es'])).length, 4);
});

test('F1 on the targets stands by each protocol that all of both runs’ test sets were scored by', () => {
  const transfer = [scoreOf('en', { tp: 9, fp: 1, fn: 1 }, 0.9), scoreOf('es', { tp: 5, fp: 5, fn: 5 }, 0.6), scoreOf('zh', { tp: 2, fp: 8, fn: 8 }, 0.2)];
  const student = [scoreOf('es', { tp: 6, fp: 4, fn: 4 }, 0.7), scoreOf('zh', { tp: 4, fp: 6, fn: 6 }, 0.5)];
  const targets = new Set(['es', 'zh', 'nl']);
  assert.deepEqual(protocolTable(transfer, student, targets), [
    '                       source-dev       source-dev       target-dev       target-dev',
    'language          direct transfer          student  direct transfer          student',
    '------------------------------------------------------------------------------------',
    'es                           50.0             60.0             60.0             70.0',
    'zh                           20.0             40.0             20.0             50.0',
    '------------------------------------------------------------------------------------',
    'mean of targets              35.0             50.0             40.0             60.0',
  ]);
  assert.deepEqual(protocolTable(transfer, student.slice(0, 1).concat(scoreOf('zh', { tp: 4, fp: 6, fn: 6 })), targets), []);
  assert.deepEqual(protocolTable(transfer, [], targets), []);
});

const text = 'Ana 👩‍🚀 met Bo in 上海。';
const entities = [
  { label: 'PER', text: 'Ana', start: 0, end: 3, score: 0.9 },
  { label: 'LOC', text: '上海', start: text.indexOf('上'), end: text.indexOf('。'), score: 0.8 },
];

test('Entities are in brackets where there is no color', () => {
  assert.equal(marked(text, entities, false), '[Ana PER] 👩‍🚀 met Bo in [上海 LOC]。');
});

test('Entities have the color of their label', () => {
  const colored = marked(text, entities, true);
  assert.match(colored, new RegExp(`^${ESCAPE}\\[1;34mAna${ESCAPE}\\[0m`));
  assert.ok(colored.includes(`${ESCAPE}[1;33m上海`));
  assert.equal(colored.replaceAll(/\u001b\[[\d;]*m/g, ''), 'Ana/PER 👩‍🚀 met Bo in 上海/LOC。');
});

test('The curl lines tag a text, read scores and follow events, with the model named where it is not the default', () => {
  const [tag = '', ...rest] = curlLines('http://127.0.0.1:1', { studentId: 'run_1', model: 'ckpt_1' });
  assert.match(tag, /^curl -s 'http:\/\/127\.0\.0\.1:1\/ner' .* -d '\{"text":"[^"]+","model":"ckpt_1"\}'$/);
  assert.deepEqual(rest, ["curl -s 'http://127.0.0.1:1/runs/run_1/scores?split=test'", "curl -sN 'http://127.0.0.1:1/runs/run_1/events' -H 'accept: text/event-stream'"]);
  assert.doesNotMatch(curlLines('http://127.0.0.1:1', { studentId: 'run_1' })[0] ?? '', /model/);
});
