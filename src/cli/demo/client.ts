/** The demo's view of the service: its HTTP API, as any client would use it. */
import type { Static } from 'typebox';
import type { Dataset } from '../../schemas/dataset.ts';
import type { NerResponse } from '../../schemas/ner.ts';
import type { Problem } from '../../schemas/problem.ts';
import type { EventList, Score } from '../../schemas/result.ts';
import type { PipelineAccepted, PipelineRequest, Run } from '../../schemas/run.ts';

/** An answer that is a problem. */
export class ApiProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    const places = (problem.errors ?? []).slice(0, 3).map(({ pointer, line, column, detail }) => `\n  ${pointer ?? `line ${line}, column ${column}`}: ${detail}`);
    super(`${problem.status} ${problem.code}: ${problem.detail}${places.join('')}`);
    this.problem = problem;
  }
}

export interface UploadedSet {
  readonly name: string;
  readonly kind: 'labeled' | 'unlabeled';
  readonly language: string;
  readonly split: 'train' | 'dev' | 'test';
  readonly content: Uint8Array<ArrayBuffer> | string;
}

export interface ApiClient {
  readonly url: string;
  upload(set: UploadedSet): Promise<Dataset>;
  /** Creates it, or finds it. */
  ensureExperiment(name: string, hypothesis: string): Promise<string>;
  submitPipeline(request: Static<typeof PipelineRequest>): Promise<Static<typeof PipelineAccepted>>;
  runs(experiment: string): Promise<Run[]>;
  run(runId: string): Promise<Run>;
  scores(runId: string): Promise<Score[]>;
  events(runId: string, after: number): Promise<Static<typeof EventList>['items']>;
  tag(text: string, language: string): Promise<NerResponse>;
}

export function apiClient(url: string, { signal }: { signal?: AbortSignal } = {}): ApiClient {
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${url}${path}`, {
      method,
      ...(signal !== undefined && { signal }),
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      ...(body !== undefined && !isForm && { headers: { 'content-type': 'application/json' } }),
    });
    const parsed: unknown = await answer.json();
    if (!answer.ok) throw new ApiProblem(parsed as Problem);
    return parsed as T;
  }
  return {
    url,
    upload: ({ content, ...fields }) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append('format', 'conll');
      form.append('file', new Blob([content]), 'corpus.conll');
      return call('POST', '/datasets', form);
    },
    async ensureExperiment(name, hypothesis) {
      try {
        return (await call<{ experimentId: string }>('POST', '/experiments', { name, hypothesis })).experimentId;
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.problem.code !== 'EXPERIMENT_NAME_TAKEN') throw error;
        return (await call<{ experimentId: string }>('GET', `/experiments/${name}`)).experimentId;
      }
    },
    submitPipeline: (request) => call('POST', '/pipelines', request),
    runs: async (experiment) => (await call<{ items: Run[] }>('GET', `/runs?limit=200&experiment=${encodeURIComponent(experiment)}`)).items,
    run: (runId) => call('GET', `/runs/${runId}`),
    scores: async (runId) => (await call<{ items: Score[] }>('GET', `/runs/${runId}/scores`)).items,
    events: async (runId, after) => (await call<{ items: Static<typeof EventList>['items'] }>('GET', `/runs/${runId}/events?limit=200&after=${after}`)).items,
    tag: (text, language) => call('POST', '/ner', { text, language, offsetUnit: 'utf16' }),
  };
}
