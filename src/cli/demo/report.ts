/** What the demo prints at its end: F1 by language, tagged sentences, what to try next. */
import type { Entity } from '../../schemas/ner.ts';
import type { Score } from '../../schemas/result.ts';

const COLORS: Readonly<Record<string, number>> = { PER: 34, ORG: 32, LOC: 33, MISC: 35 };
const OTHER_COLOR = 36;

/** Rows by language: the recognizer applied as it is, the student, and the difference, in percent; then the mean of the targets. */
export function f1Table(transfer: readonly Score[], student: readonly Score[], targets: ReadonlySet<string>): string[] {
  const inTest = (scores: readonly Score[]): Score[] => scores.filter(({ split, scorer }) => split === 'test' && scorer === 'conlleval');
  const languages = [...new Set(inTest(transfer).map(({ language }) => language))].sort((a, b) => Number(targets.has(a)) - Number(targets.has(b)) || (a < b ? -1 : 1));
  const find = (scores: readonly Score[], language: string): Score | undefined => inTest(scores).find((score) => score.language === language);
  const rows = languages.map((language) => row(targets.has(language) ? language : `${language} (source)`, find(transfer, language), find(student, language)));
  const mean = (scores: readonly Score[]): number | null => {
    const values = inTest(scores).filter(({ language }) => targets.has(language)).map(({ f1 }) => f1);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
  };
  const head = cells(['language', 'direct transfer', 'student', 'difference', 'entities', 'found', 'right']);
  const line = '-'.repeat(head.length);
  return [head, line, ...rows, line, cells(['mean of targets', percent(mean(transfer)), percent(mean(student)), signed(minus(mean(student), mean(transfer))), '', '', ''])];
}

function row(name: string, transfer: Score | undefined, student: Score | undefined): string {
  const counts = student ?? transfer;
  const numbers = counts === undefined ? ['', '', ''] : [counts.tp + counts.fn, counts.tp + counts.fp, counts.tp].map(String);
  return cells([name, percent(transfer?.f1 ?? null), percent(student?.f1 ?? null), signed(minus(student?.f1 ?? null, transfer?.f1 ?? null)), ...numbers]);
}

function cells([name = '', ...values]: string[]): string {
  return name.padEnd(16) + values.map((value, index) => value.padStart(index < 1 ? 16 : 11)).join('');
}

function percent(share: number | null): string {
  return share === null ? '-' : (100 * share).toFixed(1);
}

function signed(share: number | null): string {
  return share === null ? '-' : `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** @param entities with offsets in UTF-16 units */
export function marked(text: string, entities: readonly Entity[], isColored: boolean): string {
  let out = '';
  let at = 0;
  for (const { start, end, label } of entities) {
    const name = text.slice(start, end);
    out += text.slice(at, start) + (isColored ? `\u001b[1;${COLORS[label] ?? OTHER_COLOR}m${name}\u001b[0m\u001b[2m ${label}\u001b[0m` : `[${name} ${label}]`);
    at = end;
  }
  return out + text.slice(at);
}

/** Lines that work as they stand. */
export function curlLines(url: string, studentId: string): string[] {
  const json = "-H 'content-type: application/json'";
  return [
    `curl -s ${url}/ner ${json} -d '{"text": "Angela Merkel besuchte gestern Siemens in München."}'`,
    `curl -s ${url}/runs/${studentId}/scores?split=test`,
    `curl -s -N -H 'accept: text/event-stream' ${url}/runs/${studentId}/events`,
  ];
}
