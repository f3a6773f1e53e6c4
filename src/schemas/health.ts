import { Type } from 'typebox';

export const Live = Type.Object({ status: Type.Literal('live') }, { title: 'Live' });
const Part = Type.Object({ ok: Type.Boolean(), reason: Type.Optional(Type.String()), device: Type.Optional(Type.String()) });
export const Ready = Type.Object({ status: Type.Union([Type.Literal('ready'), Type.Literal('not ready')]), database: Part, worker: Part, tagger: Part }, { title: 'Ready' });
