/** What a run gives: scores, metrics, events, and comparisons of runs. */
import { Type, type Static } from 'typebox';
import { nullable, pageOf, PageQuery, Share, Time } from './common.ts';

const Counted = { precision: Share, recall: Share, f1: Share, tp: Type.Integer(), fp: Type.Integer(), fn: Type.Integer() };

export const ScoreVariant = Type.Object(
  {
    selection: Type.String(),
    decoding: Type.String(),
    checkpointId: Type.String(),
    ...Counted,
    sentenceCounts: Type.Optional(Type.Array(Type.Integer(), { description: 'tp, fp, fn of each sentence, in the dataset’s order' })),
    alphaBins: Type.Optional(
      Type.Array(Type.Object({ words: Type.Integer(), tp: Type.Integer(), fp: Type.Integer(), fn: Type.Integer() }), {
        description: 'Words by tenths of alpha, the square of the highest probability, lowest first; counts are of tags other than O, not of entities',
      }),
    ),
  },
  { title: 'ScoreVariant' },
);
export type ScoreVariant = Static<typeof ScoreVariant>;

export const Score = Type.Object(
  {
    datasetId: Type.String(),
    language: Type.String(),
    split: Type.String(),
    ...Counted,
    accuracy: Type.Optional(Type.Unsafe<number>({ ...Share, description: 'An evaluator’s: share of pairs decided right' })),
    sentences: Type.Integer(),
    words: Type.Integer(),
    labels: Type.Record(Type.String(), Type.Object(Counted)),
    ci95: nullable(Type.Array(Share, { minItems: 2, maxItems: 2, description: 'Of F1, bootstrap over sentences' })),
    checkpointId: Type.String(),
    selection: Type.String({ description: 'What chose the checkpoint: source-dev, target-dev or last' }),
    scorer: Type.String({ description: 'conlleval: exact span and label, micro-averaged; pairs: same tag or not' }),
    decoding: Type.String(),
    variants: Type.Array(ScoreVariant, { description: 'The same run by each decoding and each choice of the checkpoint that was scored, its own among them; none of pairs' }),
  },
  { title: 'Score' },
);
export type Score = Static<typeof Score>;
export const ScoreList = pageOf(Score, 'ScoreList');
export const ScoreQuery = Type.Object(
  {
    ...PageQuery,
    language: Type.Optional(Type.String()),
    split: Type.Optional(Type.String()),
    details: Type.Optional(Type.Boolean({ default: false, description: 'Whether variants carry counts by sentence and by alpha' })),
  },
  { additionalProperties: false },
);

export const Metric = Type.Object(
  { name: Type.String(), step: Type.Integer(), value: nullable(Type.Number()), language: nullable(Type.String()), split: nullable(Type.String()), at: Time },
  { title: 'Metric' },
);
export type Metric = Static<typeof Metric>;
export const MetricList = Type.Object(
  { items: Type.Array(Metric), nextCursor: Type.Null(), sampled: Type.Boolean({ description: 'Whether `maxPoints` left points out' }) },
  { title: 'MetricList' },
);
export const MetricQuery = Type.Object(
  { name: Type.Optional(Type.String()), language: Type.Optional(Type.String()), split: Type.Optional(Type.String()), maxPoints: Type.Optional(Type.Integer({ minimum: 2, maximum: 100_000 })) },
  { additionalProperties: false },
);

export const Event = Type.Object(
  { eventId: Type.Integer(), at: Time, level: Type.String(), type: Type.String(), message: Type.String(), data: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }) },
  { title: 'Event' },
);
export const EventList = pageOf(Event, 'EventList');
export const EventQuery = Type.Object(
  { ...PageQuery, after: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'Id of the last event that is known' })) },
  { additionalProperties: false },
);

export const CompareRequest = Type.Object(
  {
    runs: Type.Array(Type.String(), { minItems: 1, maxItems: 50 }),
    baseline: Type.Optional(Type.String({ description: 'Any run; default: the first of `runs`' })),
    split: Type.Optional(Type.Union([Type.Literal('train'), Type.Literal('dev'), Type.Literal('test')], { default: 'test' })),
    languages: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false, title: 'CompareRequest' },
);
export const Comparison = Type.Object(
  {
    baseline: Type.String(),
    split: Type.String(),
    languages: Type.Array(Type.String()),
    runs: Type.Array(
      Type.Object({
        runId: Type.String(),
        name: Type.String(),
        kind: Type.String(),
        selections: Type.Array(Type.String(), { description: 'What chose the checkpoints of its figures: source-dev, target-dev or last' }),
        f1: Type.Record(Type.String(), nullable(Share), { description: 'By language; null: not scored' }),
        difference: Type.Record(Type.String(), nullable(Type.Number()), { description: 'F1 minus the baseline’s' }),
        ci95: Type.Record(Type.String(), nullable(Type.Array(Type.Number({ minimum: -1, maximum: 1 }), { minItems: 2, maxItems: 2 })), {
          description: 'Of the difference: paired bootstrap over the sentences of the test sets, where both were scored on the same ones; else null',
        }),
        mean: nullable(Share),
      }),
    ),
    options: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), { description: 'Options that differ: name -> run -> value' }),
  },
  { title: 'Comparison' },
);
export type Comparison = Static<typeof Comparison>;
