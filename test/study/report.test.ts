import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimatesOf } from '../../src/study/estimates.ts';
import type { Score } from '../../src/schemas/result.ts';
import { PUBLISHED } from '../../src/study/literature.ts';
import { resolvedOptions } from '../../src/study/plan.ts';
import { markdownOf, summaryOf, type StudyReport } from '../../src/study/report.ts';
import { compareSchedules } from '../../src/study/schedules.ts';
import { summarize } from '../../src/study/summary.ts';
import { estimateOf, runOf, scoreOf, SYSTEMS } from './fixtures.ts';

const RUNS = [1, 2].flatMap((seed) => [
  runOf('transfer', seed, [scoreOf('en', 9), scoreOf('es', 4 + seed), scoreOf('nl', 6)], 90),
  runOf('gamma', seed, [scoreOf('en', 9), scoreOf('es', 8), scoreOf('nl', 6)], 150),
]);
const options = resolvedOptions({ kind: 'student', options: {} });
const REPORT: StudyReport = {
  command: 'mtmt benchmark method --data corpora',
  createdAt: '2030-01-01T00:00:00.000Z',
  commit: 'abc',
  versions: { mtmt: '1' },
  machine: { processor: 'a processor', cores: 2, memoryGiB: 15.6, devices: ['cpu'] },
  experiment: { experimentId: 'exp_1', name: 'method' },
  encoder: { encoderId: 'tiny', digest: 'sha256:e' },
  datasets: [{ datasetId: 'ds_1', name: 'es raw', kind: 'unlabeled', language: 'es', split: 'train', digest: 'sha256:0123456789abcdef', sentences: 5, words: 50 }],
  sources: ['en'],
  targets: ['es', 'nl'],
  seeds: 2,
  options: { requested: { epochs: 2 }, requestedOfStudents: {}, recognizer: options, evaluator: options, teacher: null, students: {} },
  decoding: 'viterbi',
  selection: 'source-dev',
  systems: summarize({ systems: SYSTEMS, runs: RUNS, languages: ['en', 'es', 'nl'], targets: ['es', 'nl'] }),
  alpha: {},
  schedules: null,
  literature: PUBLISHED,
  estimates: estimatesOf(SYSTEMS, RUNS),
  runs: [],
  missing: [],
  figures: { systems: 'systems.svg', alpha: 'alpha.svg' },
  seconds: { runs: 480, command: 60 },
};

test('The first table has F1 in percent with its spread, the gain with its interval, and time', () => {
  const lines = markdownOf(REPORT).split('\n');
  assert.ok(lines.includes('| system | en | es | nl | mean of targets | from direct transfer | protocol | seeds | minutes a run |'));
  // es 50 and 60: 55 ± 7.07; the mean of the targets 55 and 60: 57.5 ± 3.54
  assert.ok(lines.includes('| direct transfer | 90.0 ± 0.0 | 55.0 ± 7.1 | 60.0 ± 0.0 | 57.5 ± 3.5 |  | `source-dev` | 2 | 1.5 |'), lines.join('\n'));
  // (80 - 55 + 0) / 2
  assert.match(lines.find((line) => line.startsWith('| + gamma (MTMT) | 90.0')) ?? '', /\| 80\.0 ± 0\.0 \| 60\.0 ± 0\.0 \| 70\.0 ± 0\.0 \| \+12\.5 \[(0\.0|\+\d+\.\d), \+\d+\.\d\] \| `source-dev` \| 2 \| 2\.5 \|/);
});

test('Gains stand by language, and what gains nothing has no width', () => {
  assert.match(markdownOf(REPORT), /^\| \+ gamma \(MTMT\) \| \+25\.0 \[\S+, \S+\] \| 0\.0 \[0\.0, 0\.0\] \|$/m);
});

test('Published figures stand beside ours, unconfirmed ones marked, with their protocol', () => {
  const lines = markdownOf(REPORT).split('\n');
  assert.ok(lines.includes('| MTMT | mBERT-base | 81.82 | 83.41 | 76.80 | `target-dev` | unconfirmed |'));
  assert.ok(lines.includes('| UniTrans | mBERT-base | 79.31 | 82.90 | 74.82 |  |  |'));
  assert.ok(lines.includes('| ours: + gamma (MTMT) | tiny | 80.00 | 60.00 |  | `source-dev` |  |'));
});

/** The same runs, by target-dev so many points better on Spanish. */
const BOTH: StudyReport = {
  ...REPORT,
  systems: summarize({
    systems: SYSTEMS,
    runs: RUNS.map((run) => ({ ...run, scores: run.scores.map((score) => withTargetDev(score, run.systemId === 'gamma' && score.language === 'es' ? 2 : 0)) })),
    languages: ['en', 'es', 'nl'],
    targets: ['es', 'nl'],
  }),
};

function withTargetDev(score: Score, more: number): Score {
  const better = scoreOf(score.language, score.tp + more).variants;
  return { ...score, variants: [...score.variants, ...better.map((variant) => ({ ...variant, selection: 'target-dev' }))] };
}

test('Both protocols stand side by side where both were scored, with gains from direct transfer by the same', () => {
  const lines = summaryOf(BOTH).split('\n');
  const head = ['es', 'nl', 'mean of targets', 'from direct transfer'].flatMap((what) => [`${what}, \`source-dev\``, `${what}, \`target-dev\``]);
  const at = lines.indexOf(`| system | ${head.join(' | ')} |`);
  assert.ok(at > 0, lines.join('\n'));
  assert.equal(lines[at + 2], '| direct transfer | 55.0 ± 7.1 | 55.0 ± 7.1 | 60.0 ± 0.0 | 60.0 ± 0.0 | 57.5 ± 3.5 | 57.5 ± 3.5 |  |  |');
  assert.match(lines[at + 3] ?? '', /^\| \+ gamma \(MTMT\) \| 80\.0 ± 0\.0 \| 100\.0 ± 0\.0 \| 60\.0 ± 0\.0 \| 60\.0 ± 0\.0 \| 70\.0 ± 0\.0 \| 80\.0 ± 0\.0 \| \+12\.5 \[[^|]+\] \| \+22\.5 \[[^|]+\] \|$/);
  assert.match(summaryOf(BOTH), /checkpoints chosen by `source-dev`, .* is \+12\.5 points on the mean of the targets, 95% interval [^;]+; by `target-dev` \+22\.5 \[/);
  assert.doesNotMatch(summaryOf(REPORT), /target-dev/);
});

test('Beside published figures each protocol of ours has its own row', () => {
  const lines = markdownOf(BOTH).split('\n');
  assert.ok(lines.includes('| ours: + gamma (MTMT) | tiny | 80.00 | 60.00 |  | `source-dev` |  |'));
  assert.ok(lines.includes('| ours: + gamma (MTMT) | tiny | 100.00 | 60.00 |  | `target-dev` |  |'));
});

test('A target-dev column comes with its first scores, and their lack is said', () => {
  assert.match(markdownOf(REPORT), /No run was scored by `target-dev`/);
  const both = markdownOf(BOTH);
  assert.match(both, /^\| system \| viterbi \| `source-dev` \| `target-dev` \|$/m);
  assert.match(both, /^\| \+ gamma \(MTMT\) \| 70\.0 \| 70\.0 \| 80\.0 \|$/m);
  assert.doesNotMatch(both, /No run was scored/);
});

test('A system whose checkpoints were chosen by another protocol says so', () => {
  const runs = RUNS.map((run) => (run.systemId === 'gamma' ? { ...run, scores: run.scores.map((score) => ({ ...score, selection: 'last' })) } : run));
  const markdown = markdownOf({ ...REPORT, systems: summarize({ systems: SYSTEMS, runs, languages: ['es'], targets: ['es'] }) });
  assert.match(markdown, /checkpoints chosen by `source-dev` and `last`/);
  assert.match(markdown, /^\| \+ gamma \(MTMT\) \| 80\.0 .*\| `last` \| 2 \|/m);
});

test('It names what made it', () => {
  const markdown = markdownOf(REPORT);
  for (const fact of ['`mtmt benchmark method --data corpora`', 'commit abc', 'a processor, 2 cores, 16 GiB; device cpu', 'tiny, sha256:e', 'method (exp_1)', '`{"epochs":2}`', '| es | raw text | 5 | 50 | `sha256:0123456789abcdef` |', '2030-01-01T00:00:00.000Z', 'runs of 8.0 min together']) assert.ok(markdown.includes(fact), `${fact} is not in ${markdown}`);
});

test('What is missing is said before any figure', () => {
  assert.doesNotMatch(summaryOf(REPORT), /not complete/);
  const partial = summaryOf({ ...REPORT, missing: [{ name: 'seed 2 gamma', reason: 'the budget is spent' }] });
  assert.ok(partial.indexOf('**The study is not complete.** Missing: seed 2 gamma (the budget is spent).') < partial.indexOf('| system |'));
  assert.match(partial, /not complete/);
});

test('Schedules stand in pieces and seconds, and say what was not measured', () => {
  const schedules = compareSchedules({ sentences: 100, words: 2000, pieces: 3000 }, { everyWord: 1000, oneWord: null });
  const markdown = markdownOf({ ...REPORT, schedules });
  assert.match(markdown, /takes 20\.0 times the pieces and 20\.0 times the seconds of ours/);
  assert.match(markdown, /\| every word of an encoded batch \(ours\) \| 1\.50 \| 1\.50 \| 1000, measured \|/);
  assert.match(markdown, /\| 30\.00 \| 30\.00 \| 1000, taken from the other \|/);
});

test('F1 without gold tags stands in the report, after what is measured with them', () => {
  const runs = [runOf('transfer', 1, [], 60, [estimateOf('es', 0.5, 0.6)])];
  const markdown = markdownOf({ ...REPORT, estimates: estimatesOf(SYSTEMS, runs) });
  const places = ['| system | en |', '## F1 without gold tags', '| direct transfer | 1 | es | 50.0 |', '## How it was measured'].map((part) => markdown.indexOf(part));
  assert.ok(places.every((place, index) => place > (places[index - 1] ?? -1)), places.join());
});

test('A study without a single run is a report, too', () => {
  const systems = summarize({ systems: SYSTEMS, runs: [], languages: ['en', 'es'], targets: ['es'] });
  const markdown = markdownOf({ ...REPORT, systems, estimates: estimatesOf(SYSTEMS, []) });
  assert.doesNotMatch(markdown, /NaN|undefined|null/);
});
