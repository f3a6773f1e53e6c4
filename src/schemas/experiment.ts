import { Type, type Static } from 'typebox';
import { Name, nullable, pageOf, PageQuery, Tags, Time } from './common.ts';

export const ExperimentRequest = Type.Object(
  { name: Name, hypothesis: Type.Optional(nullable(Type.String({ maxLength: 10_000 }))), tags: Type.Optional(Tags) },
  { additionalProperties: false, title: 'ExperimentRequest' },
);
export const ExperimentPatch = Type.Partial(ExperimentRequest, { additionalProperties: false, title: 'ExperimentPatch' });
export const Experiment = Type.Object(
  { experimentId: Type.String(), name: Type.String(), hypothesis: nullable(Type.String()), tags: Tags, createdAt: Time },
  { title: 'Experiment' },
);
export type Experiment = Static<typeof Experiment>;
export const ExperimentPage = pageOf(Experiment, 'ExperimentPage');
export const ExperimentQuery = Type.Object(PageQuery, { additionalProperties: false });
export const ExperimentParams = Type.Object({ experimentId: Type.String({ description: 'Its id or its name' }) });
