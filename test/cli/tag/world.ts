/** `mtmt tag` against the real API, whose tagger is a fake. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { apiClient } from '../../../src/cli/client/api.ts';
import { tagFile } from '../../../src/cli/tag/file.ts';
import { readFlags } from '../../../src/cli/tag/flags.ts';
import type { NerRequest, NerResponse } from '../../../src/schemas/ner.ts';
import { putModel } from '../../../src/store/models.ts';
import { documentsOf } from '../../../src/tagging/input.ts';
import { testFolder } from '../../helper.ts';
import { openApi } from '../../routes/api.ts';
import { runningRun } from '../../store/rows.ts';

export interface World {
  readonly url: string;
  readonly checkpointId: string;
  readonly runId: string;
  readonly folder: string;
  readonly asked: NerRequest[];
  /** Of the next requests, one after the other. */
  readonly failures: Error[];
}

/** Every word is a person; each request takes `delayMs`. */
export async function world(t: TestContext, { delayMs = 0 }: { delayMs?: number } = {}): Promise<World> {
  const asked: NerRequest[] = [];
  const failures: Error[] = [];
  const api = await openApi(t, {
    tagger: {
      tag: async (request) => {
        await wait(delayMs);
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        await documentsOf(request); // its limits are the tagger's own
        asked.push(request);
        return answerOf(request);
      },
    },
  });
  const { checkpointId, runId } = await runningRun(api.store);
  await putModel(api.store, 'default', checkpointId);
  return { url: await api.app.listen({ host: '127.0.0.1', port: 0 }), checkpointId, runId, folder: await testFolder(t), asked, failures };
}

function answerOf({ texts = [], tokens, model = '' }: NerRequest): NerResponse {
  const inputs = tokens?.map((words) => words.join(' ')) ?? texts;
  const results = inputs.map((input) => ({
    entities: Array.from(input.matchAll(/\p{L}[\p{L}\d]*/gu), ({ 0: text, index }) => ({ label: 'PER', text, start: index, end: index + text.length, score: 0.5 })),
    ...(tokens !== undefined && { tags: input.split(' ').map(() => 'B-PER') }),
    language: null,
    truncated: input.includes('unread'),
    windows: 1,
    pieces: 1,
  }));
  return { results, model: { alias: null, checkpointId: model, runId: 'run_1', encoder: 'tiny' }, warnings: ['never scored'] };
}

export async function tag({ url, folder, checkpointId, runId }: World, content: string | Buffer, values: Record<string, string | boolean> = {}): Promise<{ said: string[]; failure: string | null; errors: number; path: string }> {
  const path = join(folder, 'in');
  await writeFile(path, content);
  const said: string[] = [];
  const open = async function* () {
    yield Buffer.from(content);
  };
  const { signal } = new AbortController();
  const options = { flags: readFlags(path, values), open, sizeBytes: content.length, client: apiClient(url, { signal }), signal, say: (line: string) => void said.push(line), show: () => undefined };
  let errors = 0;
  let failure: string | null = null;
  try {
    errors = await tagFile(options);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const clean = (line: string): string => line.replaceAll(path, 'IN').replaceAll(checkpointId, 'CKPT').replaceAll(runId, 'RUN');
  return { said: said.map(clean), failure: failure === null ? null : clean(failure), errors, path };
}

/** As JSON. */
export const entity = (text: string, start = 0): string => `{"label":"PER","text":"${text}","start":${start},"end":${start + text.length},"score":0.5}`;

/** Of JSON lines. */
export async function linesOf(path: string): Promise<unknown[]> {
  return (await readFile(path, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as unknown);
}
