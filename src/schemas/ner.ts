/** POST /ner: the API validates with these, and the tagger again. */
import { Type, type Static } from 'typebox';
import { MAX_BODY_BYTES } from './http.ts';

/** An alias of a model, or a checkpoint's id. */
export const MODEL_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$';
/*
 * Limits of one request. The tagger holds to them (tagging/input.ts), not these schemas, which would count letters otherwise and could not say how
 * many were found: what is over a limit is TEXT_TOO_LONG (422), what is not of the schema's form REQUEST_INVALID (400).
 */
/** UTF-16 units of one text, or of one sentence's words joined by spaces. */
export const MAX_TEXT_CHARS = 2_000_000;
export const MAX_TEXTS = 1000;
/** In all: some minutes on two cores. */
export const MAX_WORDS = 500_000;

export const LIMITS =
  `At most ${MAX_TEXTS} texts of at most ${MAX_TEXT_CHARS} UTF-16 units each, at most ${MAX_WORDS} words in all, and at most ${MAX_BODY_BYTES} bytes of JSON. ` +
  'More bytes are 413; what is over another limit, or is no Unicode, is refused as a whole (422), and up to 100 places are named, each with what was found and what is read; any other form is 400.';

export const Aggregation = Type.Union(
  [Type.Literal('none'), Type.Literal('simple'), Type.Literal('first'), Type.Literal('average'), Type.Literal('max')],
  {
    default: 'first',
    description:
      'How words become entities. A word has the distribution over tags of its first piece. `none`: each word with a tag is an item of its own, with that `tag`. ' +
      '`simple`: each word’s best tag, neighbors of one label joined, the mean score. `first`: tags by the model’s decoding, the mean score. ' +
      '`average` and `max`: the same entities, whose label and score are those of the mean distribution of their words, or of their surest word.',
  },
);
export type Aggregation = Static<typeof Aggregation>;

export const OffsetUnit = Type.Union([Type.Literal('codepoint'), Type.Literal('utf16'), Type.Literal('byte')], {
  default: 'codepoint',
  description: 'What `start` and `end` count: code points, UTF-16 units, or bytes of UTF-8.',
});

export const Overflow = Type.Union([Type.Literal('window'), Type.Literal('error'), Type.Literal('truncate')], {
  default: 'window',
  description: 'What happens to a text longer than the model’s window: read in overlapping windows, refused (422), or cut, which `truncated` says.',
});

export const NerRequest = Type.Object(
  {
    text: Type.Optional(Type.String({ description: 'One text; one of `text`, `texts` and `tokens` is given.' })),
    texts: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    tokens: Type.Optional(
      Type.Array(Type.Array(Type.String()), { minItems: 1, description: 'Sentences already cut into words. Offsets are those in the words joined by one space.' }),
    ),
    model: Type.Optional(Type.String({ pattern: MODEL_NAME, default: 'default', description: 'An alias, or a checkpoint’s id.' })),
    language: Type.Optional(Type.String({ pattern: '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$', maxLength: 35, description: 'BCP 47; helps to find words.' })),
    aggregation: Type.Optional(Aggregation),
    offsetUnit: Type.Optional(OffsetUnit),
    overflow: Type.Optional(Overflow),
    threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Entities with a lower (calibrated) score are left out.' })),
  },
  {
    additionalProperties: false,
    title: 'NerRequest',
    description: LIMITS,
  },
);
export type NerRequest = Static<typeof NerRequest>;

export const Entity = Type.Object(
  {
    label: Type.String(),
    text: Type.String({ description: 'What `start` and `end` cut from the input.' }),
    start: Type.Integer({ minimum: 0 }),
    end: Type.Integer({ minimum: 0 }),
    score: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Calibrated probability, put together as `aggregation` says: the model’s distributions with the temperature (Guo et al. 2017) that its run fitted on dev words; without a dev set as the model gives them.',
    }),
    tag: Type.Optional(Type.String({ description: 'With the aggregation `none`: the word’s tag, such as B-PER.' })),
  },
  { additionalProperties: false, title: 'Entity' },
);
export type Entity = Static<typeof Entity>;

export const NerResult = Type.Object(
  {
    entities: Type.Array(Entity, { description: 'In the order of the text.' }),
    tags: Type.Optional(Type.Array(Type.String(), { description: 'For `tokens`: a tag for each word.' })),
    language: Type.Union([Type.String(), Type.Null()], { description: 'As in the request.' }),
    truncated: Type.Boolean({ description: 'Whether anything was left unread: what `overflow: truncate` cuts, or the end of a word longer than the model’s window.' }),
    windows: Type.Integer({ minimum: 0, description: 'Overlapping windows that the text was read in.' }),
    pieces: Type.Integer({ minimum: 0, description: 'Pieces of the encoder’s vocabulary that were read, special ones not counted.' }),
  },
  { additionalProperties: false, title: 'NerResult' },
);
export type NerResult = Static<typeof NerResult>;

export const NerResponse = Type.Object(
  {
    results: Type.Array(NerResult, { description: 'One for each text, in order.' }),
    model: Type.Object({
      alias: Type.Union([Type.String(), Type.Null()], { description: 'Null where the request named a checkpoint.' }),
      checkpointId: Type.String(),
      runId: Type.String(),
      encoder: Type.String(),
    }),
    warnings: Type.Array(Type.String()),
  },
  { additionalProperties: false, title: 'NerResponse' },
);
export type NerResponse = Static<typeof NerResponse>;
