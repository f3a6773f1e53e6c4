/** JSON lines: `{"tokens": [...], "tags": [...]}`, tags absent in raw text. */
import { isTag, noTag } from '../scheme.ts';
import type { FormatReader } from './format.ts';
import { parseObject, placeOf, readJson, wordsOf } from './json.ts';

export const readJsonl: FormatReader = async function* (blocks, { kind, report }) {
  for await (const source of readJson(blocks, report)) {
    const object = parseObject(source, report);
    const tokens = object && wordsOf(object['tokens'], { source, path: ['tokens'], report });
    if (!object || !tokens) continue;
    const { line } = source;
    const { tags } = object;
    if (tags === undefined || tags === null) {
      yield { sentence: { tokens }, line };
      continue;
    }
    const wrong = (detail: string, word?: number): void => report({ ...placeOf(source, word === undefined ? ['tags'] : ['tags', word]), detail });
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) {
      wrong('tags must be a list of strings');
    } else if (tags.length !== tokens.length) {
      wrong(`expected ${tokens.length} tags, one for each token, found ${tags.length}`);
    } else {
      const bad = kind === 'labeled' ? tags.findIndex((tag) => !isTag(tag)) : -1;
      if (bad < 0) yield { sentence: { tokens, tags }, line };
      else wrong(noTag(tags[bad] ?? ''), bad);
    }
  }
};
