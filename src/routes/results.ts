/** What runs give: scores, estimates, metrics, events, checkpoints, comparisons. */
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { clientGone } from '../plugins/gone.ts';
import { CheckpointList } from '../schemas/checkpoint.ts';
import { PageOnly } from '../schemas/common.ts';
import { EstimateList, EstimateQuery } from '../schemas/estimate.ts';
import { CompareRequest, Comparison, EventList, EventQuery, MetricList, MetricQuery, ScoreList, ScoreQuery } from '../schemas/result.ts';
import { RunParams } from '../schemas/run.ts';
import { listCheckpoints } from '../store/checkpoints.ts';
import { listEstimates } from '../store/estimates.ts';
import { createEventReader } from '../store/event-reader.ts';
import { listEvents } from '../store/events.ts';
import { listMetrics } from '../store/metrics.ts';
import { findRun, type RunRecord } from '../store/runs.ts';
import { listDetailedVariants, listScores, listVariants } from '../store/scores.ts';
import { comparable, compareRuns } from './compare.ts';
import { presentEstimates } from './estimates.ts';
import { eventStream, lastEventId, presentEvent, sendEvents } from './event-stream.ts';
import { presentCheckpoint, presentMetric, presentScores } from './present.ts';
import { cursorOf, DEFAULT_LIMIT, offsetOf, pageOfAll } from './whole.ts';

const tags = ['runs'];

export function resultRoutes(app: App, _options: object, done: () => void): void {
  const { store, events } = app.dependencies;
  const reader = createEventReader(store);

  async function existing(runId: string): Promise<RunRecord> {
    const run = await findRun(store, runId);
    if (run === null) throw fail('RUN_NOT_FOUND', { runId });
    return run;
  }

  app.get('/runs/:runId/scores', { schema: { tags, summary: 'F1 by dataset, with counts', params: RunParams, querystring: ScoreQuery, response: { 200: ScoreList } } }, async (request) => {
    const { runId } = await existing(request.params.runId);
    const { language, split, details = false, ...page } = request.query;
    const scores = await listScores(store, [runId], { language, split });
    return pageOfAll(presentScores(scores, await (details ? listDetailedVariants : listVariants)(store, scores)), page);
  });

  app.get(
    '/runs/:runId/estimates',
    { schema: { tags, summary: 'F1 by language without gold tags, with the truth beside it where there is one', params: RunParams, querystring: EstimateQuery, response: { 200: EstimateList } } },
    async (request) => {
      const { runId } = await existing(request.params.runId);
      const { language, ...page } = request.query;
      return pageOfAll(presentEstimates(await listEstimates(store, runId, { language }), await listScores(store, [runId], { split: 'test' })), page);
    },
  );

  app.get('/runs/:runId/metrics', { schema: { tags, summary: 'History of its numbers, in order of step', params: RunParams, querystring: MetricQuery, response: { 200: MetricList } } }, async (request) => {
    const { runId } = await existing(request.params.runId);
    const { maxPoints, ...filter } = request.query;
    const rows = await listMetrics(store, runId, filter);
    const kept = maxPoints === undefined ? rows : thin(rows, maxPoints);
    return { items: kept.map(presentMetric), nextCursor: null, sampled: kept.length < rows.length };
  });

  app.get(
    '/runs/:runId/events',
    {
      schema: {
        tags,
        summary: 'What it told; live with Accept: text/event-stream',
        description: 'As a stream the same rows come with their id, from `Last-Event-ID` or `after` on, with a comment every 15 s and `event: end` last.',
        params: RunParams,
        querystring: EventQuery,
        response: { 200: EventList },
      },
    },
    async (request, reply) => {
      const { runId } = await existing(request.params.runId);
      const { after = 0, limit = DEFAULT_LIMIT, cursor } = request.query;
      const from = cursor === undefined ? after : offsetOf(cursor);
      if (request.headers.accept?.includes('text/event-stream') === true) {
        const stream = eventStream({ reader, events, runId, after: lastEventId(request.headers['last-event-id'], from), signal: clientGone(reply) });
        return sendEvents(reply, stream);
      }
      const rows = await listEvents(store, runId, { after: from, limit: limit + 1 });
      const items = rows.slice(0, limit);
      return { items: items.map(presentEvent), nextCursor: cursorOf(items.at(-1)?.eventId ?? 0, rows.length > limit) };
    },
  );

  app.get('/runs/:runId/checkpoints', { schema: { tags, summary: 'Its checkpoints, in order of step', params: RunParams, querystring: PageOnly, response: { 200: CheckpointList } } }, async (request) => {
    const { runId } = await existing(request.params.runId);
    return pageOfAll((await listCheckpoints(store, runId)).map(presentCheckpoint), request.query);
  });

  app.post('/runs/compare', { schema: { tags, summary: 'F1 by language side by side with paired intervals, and the options that differ', body: CompareRequest, response: { 200: Comparison } } }, async (request) => {
    const { split = 'test', languages } = request.body;
    const runIds = [...new Set(request.body.runs)];
    const runs = await Promise.all(runIds.map(existing));
    const { runId: baseline } = await existing(request.body.baseline ?? runIds[0] ?? '');
    const known = [...new Set([...runIds, baseline])];
    const scores = await listScores(store, known, { split });
    return compareRuns({ runs, scores: comparable(scores, await listDetailedVariants(store, scores)), baseline, split, languages });
  });
  done();
}

/** Evenly, the last one always among them. */
function thin<T>(rows: readonly T[], maxPoints: number): T[] {
  if (rows.length <= maxPoints) return [...rows];
  return Array.from({ length: maxPoints }, (_, index) => rows[Math.round((index * (rows.length - 1)) / (maxPoints - 1))] as T);
}
