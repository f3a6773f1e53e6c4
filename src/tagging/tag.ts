/** One request to tag, from its texts to its answer. */
import { fail } from '../errors.ts';
import type { Recognized } from '../inference/recognizer.ts';
import type { NerRequest, NerResponse, NerResult } from '../schemas/ner.ts';
import { admission } from './admission.ts';
import { batcher, type BatchOptions } from './batcher.ts';
import { locate, type Document } from './document.ts';
import { entitiesOf, tagsOfEntities } from './entities.ts';
import { documentsOf } from './input.ts';
import type { ModelPool, TaggingModel } from './pool.ts';
import { probsOf, readingsOf, type Reading } from './reading.ts';

export interface TaggingOptions {
  readonly pool: ModelPool;
  /** The checkpoint that an alias points at now; asked anew for each request, so that an alias moves at once. */
  readonly checkpointOfAlias: (alias: string) => Promise<string | null>;
  /** Where it pointed when it was asked last: most likely there still. */
  readonly lastOfAlias?: (alias: string) => string | null;
  /** Languages in which the run was scored, sorted. */
  readonly scoredLanguages: (runId: string) => Promise<readonly string[]>;
  /** Requests at work or waiting, at most; one client's are at most three quarters of them. */
  readonly limit: number;
  /** Pieces that may wait. Default: a million. */
  readonly maxWaitingPieces?: number;
}

export interface Tagging {
  /** @throws MODEL_NOT_FOUND, NO_MODEL, NER_INPUT_INVALID, TEXT_NOT_UNICODE, TEXT_TOO_LONG, OVERLOADED */
  tag(request: NerRequest, options?: BatchOptions): Promise<NerResponse>;
  waiting(): number;
}

interface Named {
  readonly alias: string | null;
  readonly checkpointId: string;
}

interface Work {
  readonly documents: readonly Document[];
  readonly request: NerRequest;
  readonly options: BatchOptions;
}

export const DEFAULT_ALIAS = 'default';

export function tagging({ pool, checkpointOfAlias, lastOfAlias = () => null, scoredLanguages, limit, maxWaitingPieces }: TaggingOptions): Tagging {
  const batches = batcher();
  const { enter, assertRoom, count } = admission({ limit, maxPieces: maxWaitingPieces, waiting: () => batches.waiting() });

  async function answer(request: NerRequest, options: BatchOptions): Promise<NerResponse> {
    const name = request.model ?? DEFAULT_ALIAS;
    if (name.startsWith('ckpt_')) return answerBy({ alias: null, checkpointId: name }, { documents: await documentsOf(request, options.signal), request, options });
    const asked = checkpointOf(name);
    asked.catch(() => undefined); // heard below, unless the texts are refused first
    const work = { documents: await documentsOf(request, options.signal), request, options };
    const last = lastOfAlias(name);
    // not beside others: their batches hold the thread, and answers would then wait for Postgres's at the end
    const early = count() === 1 && last !== null && pool.loaded().includes(last) ? await answerEarly({ alias: name, checkpointId: last }, { asked, ...work }) : null;
    return early ?? answerBy({ alias: name, checkpointId: await asked }, work);
  }

  /** The model is read while Postgres is asked whether the alias still points there. @returns null where it does not: what was read for it is nobody's answer */
  async function answerEarly(model: Named, { asked, options, ...work }: Work & { asked: Promise<string> }): Promise<NerResponse | null> {
    const moved = new AbortController();
    const signal = options.signal === undefined ? moved.signal : AbortSignal.any([options.signal, moved.signal]);
    const isThere = asked.then((now) => {
      if (now !== model.checkpointId) moved.abort();
      return now === model.checkpointId;
    });
    isThere.catch(() => undefined); // heard below
    // the model holds the thread: first let the question out
    await new Promise(setImmediate);
    const answering = answerBy(model, { ...work, options: { ...options, signal } });
    answering.catch(() => undefined); // heard if the alias is still there
    return (await isThere) ? answering : null;
  }

  function answerBy({ alias, checkpointId }: Named, { documents, request, options }: Work): Promise<NerResponse> {
    const { signal } = options;
    return pool.use(checkpointId, async (model) => {
      signal?.throwIfAborted();
      const readings = await readingsOf(documents, { model, request });
      const sequences = readings.flatMap((reading) => reading.sequences);
      assertRoom(sequences.reduce((sum, { pieces }) => sum + pieces, 0));
      const [recognized, warnings] = await Promise.all([batches.recognize(model.recognizer, sequences, options), warningsOf(request, model)]);
      return {
        results: await resultsOf(readings, recognized, { model, request, signal }),
        model: { alias, checkpointId, runId: model.runId, encoder: model.encoder },
        warnings,
      };
    });
  }

  async function checkpointOf(alias: string): Promise<string> {
    const checkpointId = await checkpointOfAlias(alias);
    if (checkpointId !== null) return checkpointId;
    throw alias === DEFAULT_ALIAS ? fail('NO_MODEL', {}) : fail('MODEL_NOT_FOUND', { model: alias });
  }

  async function warningsOf({ language }: NerRequest, { runId }: TaggingModel): Promise<string[]> {
    if (language === undefined) return [];
    const scored = await scoredLanguages(runId);
    if (scored.some((other) => baseOf(other) === baseOf(language))) return [];
    return [`This model was never scored in "${language}"; it was in: ${scored.join(', ') || 'none'}`];
  }

  return {
    async tag(request, options = {}) {
      const leave = enter(options.client);
      try {
        return await answer(request, options);
      } finally {
        leave();
      }
    },
    waiting: count,
  };
}

/** Words that are decoded in one go, some 50 ms of them; a longer document is. */
const PAUSE_AFTER = 50_000;

/** Others' requests go on between documents. @param recognized of all readings' windows, in order */
async function resultsOf(readings: readonly Reading[], recognized: readonly Recognized[], o: { model: TaggingModel; request: NerRequest; signal: AbortSignal | undefined }): Promise<NerResult[]> {
  const results: NerResult[] = [];
  let next = 0;
  let words = 0;
  for (const reading of readings) {
    results.push(resultOf(reading, recognized.slice(next, (next += reading.windows.length)), o));
    words += reading.count;
    if (words < PAUSE_AFTER) continue;
    words = 0;
    await new Promise(setImmediate);
    o.signal?.throwIfAborted();
  }
  return results;
}

function resultOf(reading: Reading, recognized: readonly Recognized[], { model, request }: { model: TaggingModel; request: NerRequest }): NerResult {
  const { aggregation = 'first', offsetUnit = 'codepoint', threshold = 0, language = null } = request;
  const { document, count, windows, pieces, truncated } = reading;
  const { labels, decoding, temperature } = model;
  const probs = probsOf(reading, recognized, labels.tags.length);
  const spans = count === 0 ? [] : entitiesOf(probs, labels, { aggregation, decoding, temperature, threshold });
  return {
    entities: locate(document, spans, offsetUnit),
    ...(request.tokens !== undefined && { tags: tagsOfEntities(spans, document.words.length) }),
    language,
    truncated,
    windows: windows.length,
    pieces,
  };
}

function baseOf(language: string): string {
  return language.split('-')[0]?.toLowerCase() ?? '';
}
