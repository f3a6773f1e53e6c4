/** One request to tag, from its texts to its answer. */
import { fail } from '../errors.ts';
import type { Recognized } from '../inference/recognizer.ts';
import { MAX_TEXT_CHARS, type NerRequest, type NerResponse, type NerResult } from '../schemas/ner.ts';
import { batcher } from './batcher.ts';
import { documentOfText, documentOfTokens, findBroken, locate, type Document } from './document.ts';
import { entitiesOf, tagsOfEntities } from './entities.ts';
import type { ModelPool, TaggingModel } from './pool.ts';

export interface TaggingOptions {
  readonly pool: ModelPool;
  /** The checkpoint that an alias points at now; asked anew for each request, so that an alias moves at once. */
  readonly checkpointOfAlias: (alias: string) => Promise<string | null>;
  /** Languages in which the run was scored. */
  readonly scoredLanguages: (runId: string) => Promise<readonly string[]>;
  /** Requests at work or waiting, at most. */
  readonly limit: number;
}

export interface Tagging {
  /** @throws MODEL_NOT_FOUND, NO_MODEL, NER_INPUT_INVALID, TEXT_NOT_UNICODE, TEXT_TOO_LONG, OVERLOADED */
  tag(request: NerRequest, options?: { signal?: AbortSignal }): Promise<NerResponse>;
  waiting(): number;
}

/** Of one request: some minutes on two cores. */
export const MAX_WORDS = 500_000;
export const DEFAULT_ALIAS = 'default';
export const RETRY_AFTER_SECONDS = 1;

/** What is read of a document: all of its words, or those that `overflow: truncate` leaves. */
interface Reading {
  readonly document: Document;
  readonly words: readonly string[];
  readonly truncated: boolean;
}

export function tagging({ pool, checkpointOfAlias, scoredLanguages, limit }: TaggingOptions): Tagging {
  const batches = batcher();
  let active = 0;

  async function answer(request: NerRequest, signal: AbortSignal | undefined): Promise<NerResponse> {
    const documents = documentsOf(request);
    const { alias, checkpointId } = await resolve(request.model ?? DEFAULT_ALIAS);
    return pool.use(checkpointId, async (model) => {
      signal?.throwIfAborted();
      const readings = await Promise.all(documents.map((document, index) => read(document, { model, request, index })));
      const filled = readings.filter(({ words }) => words.length > 0);
      const recognized = await batches.recognize(model.recognizer, filled.map(({ words }) => words), signal === undefined ? {} : { signal });
      const byReading = new Map(filled.map((reading, index) => [reading, recognized[index]]));
      return {
        results: readings.map((reading) => resultOf(reading, byReading.get(reading), { model, request })),
        model: { alias, checkpointId, runId: model.runId, encoder: model.encoder },
        warnings: await warningsOf(request, model),
      };
    });
  }

  async function resolve(name: string): Promise<{ alias: string | null; checkpointId: string }> {
    if (name.startsWith('ckpt_')) return { alias: null, checkpointId: name };
    const checkpointId = await checkpointOfAlias(name);
    if (checkpointId !== null) return { alias: name, checkpointId };
    throw name === DEFAULT_ALIAS ? fail('NO_MODEL', {}) : fail('MODEL_NOT_FOUND', { model: name });
  }

  async function warningsOf({ language }: NerRequest, { runId }: TaggingModel): Promise<string[]> {
    if (language === undefined) return [];
    const scored = [...new Set(await scoredLanguages(runId))].sort();
    if (scored.some((other) => baseOf(other) === baseOf(language))) return [];
    return [`This model was never scored in "${language}"; it was in: ${scored.join(', ') || 'none'}`];
  }

  return {
    async tag(request, { signal } = {}) {
      if (active >= limit) throw fail('OVERLOADED', { waiting: active, retryAfterSeconds: RETRY_AFTER_SECONDS });
      active++;
      try {
        return await answer(request, signal);
      } finally {
        active--;
      }
    },
    waiting: () => active,
  };
}

function documentsOf(request: NerRequest): Document[] {
  const { text, texts, tokens, language } = request;
  const given = Object.entries({ text, texts, tokens }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const names = given.map(([name]) => name).join(' and ') || 'none of them';
    throw fail('NER_INPUT_INVALID', { detail: `One of text, texts and tokens must be given, found ${names}` });
  }
  const broken = findBroken(pointed(request));
  if (broken !== null) {
    const { pointer, index } = broken;
    throw fail('TEXT_NOT_UNICODE', broken, { errors: [{ pointer, detail: `half a surrogate pair at the UTF-16 index ${index}` }] });
  }
  const all = text === undefined ? (texts ?? []) : [text];
  const long = all.findIndex(({ length }) => length > MAX_TEXT_CHARS);
  if (long >= 0) throw tooLong({ pointer: pointerOf(text, long), found: all[long]?.length ?? 0, expected: MAX_TEXT_CHARS, unit: 'UTF-16 units' });
  const documents = tokens === undefined ? all.map((each) => documentOfText(each, language)) : tokens.map(documentOfTokens);
  const words = documents.reduce((sum, document) => sum + document.words.length, 0);
  if (words > MAX_WORDS) throw tooLong({ pointer: '', found: words, expected: MAX_WORDS, unit: 'words in all' });
  return documents;
}

function* pointed({ text, texts = [], tokens = [] }: Pick<NerRequest, 'text' | 'texts' | 'tokens'>): Generator<[string, string]> {
  if (text !== undefined) yield ['/text', text];
  for (const [index, each] of texts.entries()) yield [`/texts/${index}`, each];
  for (const [index, words] of tokens.entries()) {
    for (const [word, token] of words.entries()) yield [`/tokens/${index}/${word}`, token];
  }
}

/** Cuts or refuses what is longer than one window, where the request says so. */
async function read(document: Document, { model, request, index }: { model: TaggingModel; request: NerRequest; index: number }): Promise<Reading> {
  const words = document.words.map(({ word }) => word);
  const whole = { document, words, truncated: false };
  const { overflow = 'window', text, tokens } = request;
  if (overflow === 'window' || words.length === 0) return whole;
  const starts = await model.pieceStarts(words);
  const pieces = starts[words.length] ?? 0;
  if (pieces <= model.maxPieces) return whole;
  const pointer = tokens === undefined ? pointerOf(text, index) : `/tokens/${index}`;
  if (overflow === 'error') throw tooLong({ pointer, found: pieces, expected: model.maxPieces, unit: 'pieces' });
  // the first word is read in any case: as much of it as a window holds
  const count = Math.max(1, starts.findLastIndex((start) => start <= model.maxPieces));
  return { document, words: words.slice(0, count), truncated: true };
}

function resultOf(
  { document, words, truncated }: Reading,
  recognized: Recognized | undefined,
  { model, request }: { model: TaggingModel; request: NerRequest },
): NerResult {
  const { aggregation = 'first', offsetUnit = 'codepoint', threshold = 0, language = null } = request;
  const { probs, windows, pieces } = recognized ?? { probs: new Float32Array(0), windows: 0, pieces: 0 };
  const spans = words.length === 0 ? [] : entitiesOf(probs, model.labels, { aggregation, decoding: model.decoding, temperature: model.temperature, threshold });
  return {
    entities: locate(document, spans, offsetUnit),
    ...(request.tokens !== undefined && { tags: tagsOfEntities(spans, document.words.length) }),
    language,
    truncated,
    windows,
    pieces,
  };
}

function pointerOf(text: string | undefined, index: number): string {
  return text === undefined ? `/texts/${index}` : '/text';
}

function tooLong(values: { pointer: string; found: number; expected: number; unit: string }): Error {
  const { pointer, found, expected, unit } = values;
  const detail = `${found} ${unit}, at most ${expected}`;
  return fail('TEXT_TOO_LONG', { ...values, pointer: pointer === '' ? 'The request' : pointer }, { errors: [{ pointer, detail }] });
}

function baseOf(language: string): string {
  return language.split('-')[0]?.toLowerCase() ?? '';
}
