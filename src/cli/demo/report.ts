/** What the demo prints at its end: F1 by language, tagged sentences, what to try next. */
import type { Entity } from '../../schemas/ner.ts';
import type { Score } from '../../schemas/result.ts';
import { f1By, protocolsOf } from '../client/protocols.ts';

/** ANSI; other labels have one color for all. */
const COLORS: Readonly<Record<string, number>> = { PER: 34, ORG: 32, LOC: 33, MISC: 35 };
const OTHER_COLOR = 36;
const COLUMNS = ['direct transfer', 'student', 'difference', 'entities', 'found', 'right'];
const FIRST_CHARS = 16;
const PROTOCOL_CHARS = 17;

/** Rows by language: the recognizer applied as it is, the student, and the difference, in percent, with the student's counts; then the mean of the targets. */
export function f1Table(transfer: readonly Score[], student: readonly Score[], targets: ReadonlySet<string>): string[] {
  const [byTransfer, byStudent] = [byLanguage(transfer), byLanguage(student)];
  const isTarget = (language: string): boolean => targets.has(language);
  const languages = [...new Set([...byTransfer.keys(), ...byStudent.keys()])].sort((a, b) => Number(isTarget(a)) - Number(isTarget(b)) || (a < b ? -1 : 1));
  const rows = languages.map((language) => {
    const [before, after] = [byTransfer.get(language), byStudent.get(language)];
    const { tp, fp, fn } = after ?? before ?? { tp: 0, fp: 0, fn: 0 };
    return row(isTarget(language) ? language : `${language} (source)`, [before?.f1 ?? null, after?.f1 ?? null], [tp + fn, tp + fp, tp]);
  });
  // of the same languages in both columns
  const measured = languages.filter((language) => isTarget(language) && byTransfer.has(language) && byStudent.has(language));
  const meanOf = (scores: ReadonlyMap<string, Score>): number | null =>
    measured.length === 0 ? null : measured.reduce((sum, language) => sum + (scores.get(language)?.f1 ?? 0), 0) / measured.length;
  const head = cells('language', COLUMNS);
  const line = '-'.repeat(head.length);
  return [head, line, ...rows, line, row('mean of targets', [meanOf(byTransfer), meanOf(byStudent)], [])];
}

/** F1 on the targets by each protocol that all test sets of both were scored by, side by side; nothing where there is one alone. */
export function protocolTable(transfer: readonly Score[], student: readonly Score[], targets: ReadonlySet<string>): string[] {
  const [byTransfer, byStudent] = [byLanguage(transfer), byLanguage(student)];
  const languages = [...targets].filter((language) => byTransfer.has(language) && byStudent.has(language)).sort();
  const shared = protocolsOf([...byTransfer.values()]).filter((name) => protocolsOf([...byStudent.values()]).includes(name));
  if (languages.length === 0 || shared.length < 2) return [];
  const columns = shared.flatMap((name) => [byTransfer, byStudent].map((scores) => ({ name, scores })));
  const f1Of = ({ name, scores }: (typeof columns)[number], language: string): number => {
    const score = scores.get(language);
    return (score === undefined ? null : f1By(score, name)) ?? 0;
  };
  const line = (first: string, values: readonly string[]): string => (first.padEnd(FIRST_CHARS) + values.map((value) => value.padStart(PROTOCOL_CHARS)).join('')).trimEnd();
  const head = line('language', columns.map(({ scores }) => (scores === byTransfer ? 'direct transfer' : 'student')));
  const rule = '-'.repeat(head.length);
  const rows = languages.map((language) => line(language, columns.map((column) => percent(f1Of(column, language)))));
  const means = columns.map((column) => percent(languages.reduce((sum, language) => sum + f1Of(column, language), 0) / languages.length));
  return [line('', columns.map(({ name }) => name)), head, rule, ...rows, rule, line('mean of targets', means)];
}

function byLanguage(scores: readonly Score[]): ReadonlyMap<string, Score> {
  return new Map(scores.filter(({ split, scorer }) => split === 'test' && scorer === 'conlleval').map((score) => [score.language, score]));
}

function row(name: string, [before, after]: readonly [number | null, number | null], counts: readonly number[]): string {
  const difference = before === null || after === null ? null : after - before;
  return cells(name, [percent(before), percent(after), difference !== null && difference >= 0 ? `+${percent(difference)}` : percent(difference), ...counts.map(String)]);
}

function cells(name: string, values: readonly string[]): string {
  return (name.padEnd(FIRST_CHARS) + values.map((value, index) => value.padStart(COLUMNS[index] === 'direct transfer' ? 16 : 12)).join('')).trimEnd();
}

function percent(share: number | null): string {
  return share === null ? '-' : (100 * share).toFixed(1);
}

/** @param entities with offsets in UTF-16 units, in the order of the text */
export function marked(text: string, entities: readonly Entity[], isColored: boolean): string {
  let out = '';
  let at = 0;
  for (const { start, end, label } of entities) {
    const name = text.slice(start, end);
    const shown = isColored ? `\u001b[1;${COLORS[label] ?? OTHER_COLOR}m${name}\u001b[0m\u001b[2m/${label}\u001b[0m` : `[${name} ${label}]`;
    out += text.slice(at, start) + shown;
    at = end;
  }
  return out + text.slice(at);
}

/** Lines that work as they stand. @param model where it is not the default */
export function curlLines(url: string, { studentId, model }: { studentId: string; model?: string }): string[] {
  const body = { text: 'Greta Lindqvist moved from Uppsala to Toronto and plays the violin for the Maple Orchestra.', ...(model !== undefined && { model }) };
  return [
    `curl -s '${url}/ner' -H 'content-type: application/json' -d '${JSON.stringify(body)}'`,
    `curl -s '${url}/runs/${studentId}/scores?split=test'`,
    `curl -sN '${url}/runs/${studentId}/events' -H 'accept: text/event-stream'`,
  ];
}
