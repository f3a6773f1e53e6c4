/** Loads of the service and of its peer, in turn: machines differ from minute to minute. */
import type { Minute, Round, Served } from '../../../benchmark/serve/figures.ts';
import { loadApart } from '../../../benchmark/serve/load-apart.ts';
import type { LoadRequest, LoadResult, LoadTask } from '../../../benchmark/serve/load.ts';
import { timeOnnxruntime, type Peer } from '../../../benchmark/serve/peer.ts';
import { ALONE_PIECES, type Subject, type Texts } from './subject.ts';
import { taggerMemory } from './tagger-memory.ts';

export interface Loads {
  /** Of the service. */
  readonly url: string;
  readonly subject: Subject;
  readonly texts: Texts;
  readonly clients: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** One line a measurement. */
export type Line = { readonly engine: 'mtmt' | 'transformers' | 'onnxruntime'; readonly what: 'alone' | 'loaded'; readonly round: number };
export type OnLine = (line: Line, measured: object) => void;

/** Of a load, before it is measured, and for one client alone. */
const SHARE_OF_WARM_UP = 0.1;
const SHARE_ALONE = 0.25;
/** For one client alone at least: V8 compiles what has run some hundred times, as it has in a service of any age. */
const WARM_UP_SECONDS = 4;
const LONG_WARM_UP_SECONDS = 5;

export async function serveRounds(loads: Loads, { rounds, peer, onLine }: { rounds: number; peer: Peer | null; onLine: OnLine }): Promise<Round[]> {
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const tell = (engine: Line['engine']) => (what: Line['what'], measured: object) => onLine({ engine, what, round }, measured);
    const ours = await served(loads, { url: loads.url, isOurs: true, tell: tell('mtmt') });
    if (peer === null) done.push({ ours, peer });
    else {
      const theirs = await served(loads, { url: peer.url, isOurs: false, tell: tell('transformers') });
      const onnxruntime = await timeOnnxruntime(peer, { length: ALONE_PIECES, seconds: SHARE_ALONE * loads.seconds }, loads.signal);
      tell('onnxruntime')('alone', onnxruntime);
      done.push({ ours, peer: { ...theirs, onnxruntime } });
    }
  }
  return done;
}

/** By the minute, or in tenths of less than ten. */
export async function longLoad({ url, subject, texts, clients, signal }: Loads, { minutes, servicePid, onMinute }: { minutes: number; servicePid: number | null; onMinute: (minute: Minute) => void }): Promise<Minute[]> {
  const windows = Math.max(10, Math.round(minutes));
  const task: LoadTask = { url, requests: requestsOf(texts.mixed, subject.model), pace: { clients }, warmUpSeconds: LONG_WARM_UP_SECONDS, windows, windowSeconds: (60 * minutes) / windows };
  const pending: Promise<Minute>[] = [];
  await loadApart(task, {
    signal,
    onWindow(window) {
      const taken = taggerMemory(servicePid).then((memory): Minute => ({ window, residentBytes: memory?.residentBytes ?? null }));
      pending.push(taken);
      void taken.then(onMinute);
    },
  });
  return Promise.all(pending);
}

async function served({ subject, texts, clients, seconds, signal }: Loads, { url, isOurs, tell }: { url: string; isOurs: boolean; tell: (what: Line['what'], measured: LoadResult) => void }): Promise<Served> {
  const model = isOurs ? subject.model : undefined;
  const load = async (what: Line['what'], { requests, clients, seconds }: { requests: LoadRequest[]; clients: number; seconds: number }): Promise<LoadResult> => {
    const result = await loadApart({ url, requests, pace: { clients }, warmUpSeconds: Math.max(clients === 1 ? WARM_UP_SECONDS : 0, SHARE_OF_WARM_UP * seconds), windows: 1, windowSeconds: seconds }, { signal });
    tell(what, result);
    return result;
  };
  const alone = await load('alone', { requests: requestsOf([texts.alone], model), clients: 1, seconds: SHARE_ALONE * seconds });
  const loaded = await load('loaded', { requests: requestsOf(texts.mixed, model), clients, seconds });
  return { alone, loaded };
}

function requestsOf(texts: readonly string[], model: string | undefined): LoadRequest[] {
  return texts.map((text) => ({ path: '/ner', body: JSON.stringify({ text, model }) }));
}
