/** A service that answers as the API does, without a database or training: runs go on by one state with each look at them. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Output } from '../../../src/cli/client/terminal.ts';
import type { Score } from '../../../src/schemas/result.ts';
import type { Run } from '../../../src/schemas/run.ts';
import { prf } from '../../../src/scoring/ner.ts';
import { TrainingOptions } from '../../../src/schemas/options.ts';
import { Value } from 'typebox/value';

export type RunState = Partial<Pick<Run, 'status' | 'progress' | 'failure' | 'transitions' | 'startedAt' | 'endedAt'>>;

export const AT = '2030-01-01T00:00:00.000Z';
export const LATER = '2030-01-01T00:01:30.000Z';
const NO_PROGRESS: Run['progress'] = { step: 0, steps: 0, epoch: 0, loss: null, piecesPerSecond: null, etaSeconds: null };

export function runOf(kind: Run['kind'], state: RunState = {}): Run {
  const status = state.status ?? 'queued';
  return {
    runId: `run_${kind}`,
    kind,
    status,
    terminal: ['succeeded', 'failed', 'cancelled'].includes(status),
    experimentId: 'exp_1',
    experiment: 'demo',
    name: kind,
    encoder: 'tiny',
    datasets: {},
    teachers: {},
    requested: {},
    options: Value.Create(TrainingOptions),
    seed: 1,
    priority: 0,
    tags: {},
    attempt: 1,
    device: 'cpu',
    backend: 'tensorflow',
    worker: null,
    progress: NO_PROGRESS,
    transitions: [],
    failure: null,
    versions: {},
    createdAt: AT,
    startedAt: status === 'queued' || status === 'waiting' ? null : AT,
    endedAt: null,
    ...state,
  };
}

export const SUCCEEDED: RunState = { status: 'succeeded', endedAt: LATER, progress: { ...NO_PROGRESS, step: 40, steps: 40 } };
export const TRAINING: RunState = { status: 'running', progress: { step: 10, steps: 40, epoch: 0.5, loss: 0.25, piecesPerSecond: 1234.5, etaSeconds: 75 } };

/** @param targetDev F1 by target-dev, where it was scored */
export function scoreOf(language: string, counts: { tp: number; fp: number; fn: number }, targetDev?: number): Score {
  const variant = { decoding: 'viterbi', checkpointId: 'ckpt_student', ...prf(counts), ...counts };
  return {
    datasetId: `ds_${language}`,
    language,
    split: 'test',
    ...prf(counts),
    ...counts,
    sentences: 10,
    words: 100,
    labels: {},
    ci95: [0, 1],
    checkpointId: 'ckpt_student',
    selection: 'source-dev',
    scorer: 'conlleval',
    decoding: 'viterbi',
    variants: targetDev === undefined ? [] : [{ ...variant, selection: 'source-dev' }, { ...variant, selection: 'target-dev', f1: targetDev }],
  };
}

/** Of datasets that have others than PER, by name. */
const LABELS: Readonly<Record<string, string[]>> = { 'demo-nl-dev': ['DATE'] };

export interface FakeRun {
  readonly kind: Run['kind'];
  /** One for each look; the last one stays. */
  states: RunState[];
  scores?: Score[];
  events?: { eventId: number; level: string; type: string; message: string }[];
}

export interface Received {
  readonly route: string;
  readonly body: unknown;
}

export interface FakeService {
  readonly url: string;
  readonly received: Received[];
  /** What has been submitted, by kind. */
  readonly submitted: Map<string, { run: FakeRun; tags: Run['tags'] }>;
  /** Answers the next request of a route so, instead. */
  fail(route: string, status: number, problem: object): void;
  /** Breaks the next connections. */
  breakNext(count: number): void;
}

export async function fakeService(t: TestContext, o: { runs: FakeRun[]; defaultCheckpoint?: string | null }): Promise<FakeService> {
  const received: Received[] = [];
  const failing = new Map<string, { status: number; problem: object }>();
  const submitted: FakeService['submitted'] = new Map();
  const uploads = new Map<string, string>();
  let broken = 0;

  const view = ({ run, tags }: { run: FakeRun; tags: Run['tags'] }, moves: boolean): Run => {
    const state = (moves && run.states.length > 1 ? run.states.shift() : run.states[0]) ?? {};
    return { ...runOf(run.kind, state), tags };
  };
  const known = (path: string): { run: FakeRun; tags: Run['tags'] } => {
    const found = submitted.get(path.split('/')[2]?.replace('run_', '') ?? '');
    if (found === undefined) throw new Error(`no run for ${path}`);
    return found;
  };
  function answer(method: string, path: string, body: unknown): [status: number, body: unknown] {
    const route = `${method} ${path.replace(/\/run_[a-z]+/, '/:id')}`;
    const failure = failing.get(route);
    if (failure !== undefined) {
      failing.delete(route);
      return [failure.status, failure.problem];
    }
    switch (route) {
      case 'POST /datasets': {
        const { name = '', language = '' } = body as Record<string, string>;
        const isKnown = uploads.has(name);
        uploads.set(name, `ds_${name}`);
        return [isKnown ? 200 : 201, { datasetId: `ds_${name}`, language, labels: LABELS[name] ?? ['PER'], sentences: 3, words: 12, entities: { PER: 2 } }];
      }
      case 'POST /experiments':
        return [201, { experimentId: 'exp_1' }];
      case 'GET /runs':
        return [200, { items: [...submitted.values()].reverse().map((each) => view(each, false)), nextCursor: null }];
      case 'POST /pipelines': {
        const { tags } = body as { tags: Run['tags'] };
        for (const run of o.runs) submitted.set(run.kind, { run, tags });
        return [202, { experimentId: 'exp_1', runs: o.runs.map(({ kind }) => ({ runId: `run_${kind}`, kind, languages: [] })) }];
      }
      case 'GET /runs/:id':
        return [200, view(known(path), true)];
      case 'POST /runs/:id/resume':
        known(path).run.states = [SUCCEEDED];
        return [202, {}];
      case 'GET /runs/:id/scores':
        return [200, { items: known(path).run.scores ?? [], nextCursor: null }];
      case 'GET /runs/:id/events': {
        const { run } = known(path);
        const events = run.events ?? [];
        run.events = [];
        return [200, { items: events, nextCursor: null }];
      }
      case 'GET /models/default':
        return o.defaultCheckpoint === null ? [404, {}] : [200, { alias: 'default', checkpointId: o.defaultCheckpoint ?? 'ckpt_student' }];
      case 'GET /health/ready':
        return [200, { status: 'ready' }];
      case 'POST /ner': {
        const { text } = body as { text: string };
        const end = text.search(/ |在/);
        return [200, { results: [{ entities: [{ label: 'PER', text: text.slice(0, end), start: 0, end, score: 1 }] }], model: {}, warnings: [] }];
      }
      default:
        return [404, { status: 404, code: 'ROUTE_NOT_FOUND', title: '', detail: route, type: '', requestId: '' }];
    }
  }
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (broken > 0) {
      broken--;
      request.socket.destroy();
      return;
    }
    const path = (request.url ?? '').split('?')[0] ?? '';
    const body = await bodyOf(request);
    received.push({ route: `${request.method} ${path}`, body });
    const [status, answered] = answer(request.method ?? '', path, body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof answered === 'string' ? answered : JSON.stringify(answered));
  }
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => close(server));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    submitted,
    fail: (route, status, problem) => void failing.set(route, { status, problem }),
    breakNext: (count) => void (broken = count),
  };
}

/** JSON, or the fields and the file of a form. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks).toString('utf8');
  const boundary = /boundary=(\S+)/.exec(request.headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return raw === '' ? undefined : JSON.parse(raw);
  const parts = raw.split(`--${boundary}`).map((part) => /name="(\w+)"[^]*?\r\n\r\n([^]*)\r\n$/.exec(part));
  return Object.fromEntries(parts.flatMap((part) => (part === null ? [] : [[part[1], part[2]]])));
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Keeps what is printed; `all` is what a terminal would have been told, statuses included. */
export function recordedOutput({ isTerminal = false }: { isTerminal?: boolean } = {}): Output & { lines: string[]; statuses: string[] } {
  const lines: string[] = [];
  const statuses: string[] = [];
  return { isTerminal, isColored: false, lines, statuses, line: (text) => void lines.push(...text.split('\n')), status: (text) => void statuses.push(text) };
}
