/** Runs and pipelines of runs. */
import { Type, type Static } from 'typebox';
import { Name, nullable, pageOf, PageQuery, Tags, Time } from './common.ts';
import { RequestedOptions, TrainingOptions } from './options.ts';

export const RunKind = Type.Union([Type.Literal('recognizer'), Type.Literal('evaluator'), Type.Literal('teacher'), Type.Literal('student')], { title: 'RunKind' });
export const RunStatus = Type.Union(
  [Type.Literal('waiting'), Type.Literal('queued'), Type.Literal('running'), Type.Literal('cancelling'), Type.Literal('cancelled'), Type.Literal('succeeded'), Type.Literal('failed')],
  { title: 'RunStatus' },
);
const Ids = Type.Array(Type.String(), { maxItems: 200 });

export const RunDatasets = Type.Object(
  { train: Type.Optional(Ids), dev: Type.Optional(Ids), test: Type.Optional(Ids), unlabeled: Type.Optional(Ids) },
  { additionalProperties: false, title: 'RunDatasets', description: 'Ids of datasets by role; `unlabeled` is what a student learns from, and what F1 is estimated on' },
);
export const Teachers = Type.Object(
  { recognizers: Type.Optional(Ids), evaluators: Type.Optional(Ids) },
  { additionalProperties: false, title: 'Teachers', description: 'Ids of runs or checkpoints; a run of the kind `teacher` may stand in both' },
);

const Common = {
  experiment: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Id or name; a new name is created. Default: `default`' })),
  name: Type.Optional(Name),
  encoder: Type.Optional(Type.String({ description: 'See GET /encoders. Default: the configured one' })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 1 })),
  priority: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000, default: 0, description: 'Higher ones start first' })),
  tags: Type.Optional(Tags),
  options: Type.Optional(RequestedOptions),
};

export const RunRequest = Type.Object({ kind: RunKind, ...Common, datasets: RunDatasets, teachers: Type.Optional(Teachers) }, { additionalProperties: false, title: 'RunRequest' });
export const RunOverrides = Type.Partial(Type.Object({ ...Common, datasets: RunDatasets, teachers: Teachers }), { additionalProperties: false, title: 'RunOverrides' });
export const PipelineRequest = Type.Object(
  {
    ...Common,
    datasets: RunDatasets,
    studentOptions: Type.Optional(Type.Partial(RequestedOptions, { additionalProperties: false, title: 'StudentOptions', description: 'Of the students alone; they come before `options`' })),
    students: Type.Optional(Type.Union([Type.Literal('together'), Type.Literal('each')], { default: 'together', description: 'One student for all unlabeled languages, or one for each' })),
  },
  { additionalProperties: false, title: 'PipelineRequest', description: 'A recognizer, an evaluator and students; with the preset `article` in `options` one teacher of both kinds and students. Options apply to each run that reads them' },
);

export const PipelineAccepted = Type.Object(
  { experimentId: Type.String(), runs: Type.Array(Type.Object({ runId: Type.String(), kind: RunKind, languages: Type.Array(Type.String()) })) },
  { title: 'PipelineAccepted' },
);

export const Run = Type.Object(
  {
    runId: Type.String(),
    kind: RunKind,
    status: RunStatus,
    terminal: Type.Boolean({ description: 'Whether the status is final' }),
    experimentId: Type.String(),
    experiment: Type.String({ description: 'Its name' }),
    name: Type.String(),
    encoder: Type.String(),
    datasets: RunDatasets,
    teachers: Teachers,
    requested: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, description: 'The request, as it came' }),
    options: TrainingOptions,
    seed: Type.Integer(),
    priority: Type.Integer(),
    tags: Tags,
    attempt: Type.Integer({ description: 'How often it was begun' }),
    device: nullable(Type.String()),
    backend: nullable(Type.String()),
    worker: nullable(Type.String()),
    progress: Type.Object({
      step: Type.Integer(),
      steps: Type.Integer({ description: '0 until they are known' }),
      epoch: Type.Number(),
      loss: nullable(Type.Number()),
      piecesPerSecond: nullable(Type.Number()),
      etaSeconds: nullable(Type.Number()),
    }),
    transitions: Type.Array(Type.Object({ status: RunStatus, at: Time, reason: Type.Optional(Type.String()) })),
    failure: nullable(Type.Object({ code: Type.String(), detail: Type.String() })),
    versions: Type.Record(Type.String(), Type.String()),
    createdAt: Time,
    startedAt: nullable(Time),
    endedAt: nullable(Time),
  },
  { title: 'Run' },
);
export type Run = Static<typeof Run>;
export const RunPage = pageOf(Run, 'RunPage');
export const RunQuery = Type.Object(
  { ...PageQuery, experiment: Type.Optional(Type.String({ description: 'Id or name' })), kind: Type.Optional(RunKind), status: Type.Optional(RunStatus),
    filter: Type.Optional(Type.String({ maxLength: 2000, description: 'Conditions joined by commas, all of which hold: `seed>=2,tags.team="a, b",options.learningRate<1e-4`. Operators: = != < <= > >=' })),
    sort: Type.Optional(Type.String({ default: '-createdAt', description: 'createdAt, name, seed or priority; with `-` before it the greatest first' })),
  },
  { additionalProperties: false },
);
export const RunParams = Type.Object({ runId: Type.String() });
