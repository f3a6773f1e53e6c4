/** Datasets: labeled sentences, raw text, pairs of words. */
import { Type, type Static } from 'typebox';
import { Language, Name, nullable, pageOf, PageQuery, Share, Split, Time } from './common.ts';

export const DatasetKind = Type.Union([Type.Literal('labeled'), Type.Literal('unlabeled'), Type.Literal('pairs')], { title: 'DatasetKind' });
export const Format = Type.Union([Type.Literal('auto'), Type.Literal('conll'), Type.Literal('wikiann'), Type.Literal('jsonl'), Type.Literal('spans'), Type.Literal('text'), Type.Literal('pairs')], {
  default: 'auto',
  description: 'conll: a word a line; wikiann; jsonl: tokens and tags; spans: text and character spans (doccano, Prodigy, Label Studio); text: a sentence a line; pairs: JSON lines',
});

export const Columns = Type.Object(
  { token: Type.Optional(Type.Integer({ minimum: 0, description: 'From 0; default: the first' })), tag: Type.Optional(Type.Integer({ minimum: 0, description: 'From 0; default: the last' })) },
  { additionalProperties: false, title: 'Columns' },
);

const Fields = {
  name: Name,
  kind: DatasetKind,
  language: Language,
  split: Split,
};

/** The fields of a multipart upload, read from their parts. */
export const DatasetFields = Type.Object({ ...Fields, format: Type.Optional(Format), columns: Type.Optional(Columns) }, { additionalProperties: false, title: 'DatasetFields' });
export type DatasetFields = Static<typeof DatasetFields>;
/** As the document shows it. */
export const DatasetUpload = Type.Object(
  {
    ...Fields,
    format: Type.Optional(Format),
    columns: Type.Optional(Type.String({ description: 'conll: which column is the word and which the tag, from 0, as JSON: `{"token":1,"tag":3}`' })),
    file: Type.Unsafe<string>({ type: 'string', format: 'binary', description: 'The last part' }),
  },
  { additionalProperties: false, title: 'DatasetUpload' },
);

const Tokens = Type.Array(Type.String({ minLength: 1, maxLength: 10_000 }), { minItems: 1, maxItems: 100_000 });
export const Sentence = Type.Object({ tokens: Tokens, tags: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false, title: 'Sentence' });
const PairSide = Type.Object({ tokens: Tokens, word: Type.Optional(Type.Integer({ minimum: 0 })), tags: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false, title: 'PairSide' });
export const Pair = Type.Object({ left: PairSide, right: PairSide, same: Type.Optional(Type.Boolean()) }, { additionalProperties: false, title: 'Pair' });

export const InlineDataset = Type.Object(
  { ...Fields, sentences: Type.Optional(Type.Array(Sentence, { minItems: 1 })), pairs: Type.Optional(Type.Array(Pair, { minItems: 1 })) },
  { additionalProperties: false, title: 'InlineDataset', description: 'One of `sentences` and `pairs`' },
);
export type InlineDataset = Static<typeof InlineDataset>;

export const Dataset = Type.Object(
  {
    datasetId: Type.String(),
    ...Fields,
    format: Type.String({ description: 'As it was read' }),
    tagScheme: nullable(Type.String({ description: 'IOB1, IOB2 or IOBES, as found; kept as IOB2' })),
    labels: Type.Array(Type.String()),
    sentences: Type.Integer(),
    words: Type.Integer(),
    entities: Type.Record(Type.String(), Type.Integer(), { description: 'How many of each label' }),
    pairs: Type.Integer(),
    digest: Type.String({ description: 'sha256 of the normalized content' }),
    sizeBytes: Type.Integer({ description: 'As uploaded' }),
    warnings: Type.Array(Type.String()),
    createdAt: Time,
  },
  { title: 'Dataset' },
);
export type Dataset = Static<typeof Dataset>;

export const DatasetPage = pageOf(Dataset, 'DatasetPage');
export const DatasetQuery = Type.Object(
  { ...PageQuery, kind: Type.Optional(DatasetKind), language: Type.Optional(Language), split: Type.Optional(Split), name: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const Item = Type.Union([Sentence, Pair]);
export type Item = Static<typeof Item>;
export const SentencePage = pageOf(Item, 'SentencePage');
export const SentenceQuery = Type.Object(PageQuery, { additionalProperties: false });
export const ExportQuery = Type.Object(
  { format: Type.Optional(Type.Union([Type.Literal('conll'), Type.Literal('wikiann'), Type.Literal('jsonl'), Type.Literal('spans'), Type.Literal('text'), Type.Literal('pairs')], {
        description: 'Default: jsonl, and pairs for a dataset of pairs',
      })) },
  { additionalProperties: false },
);
export const PairsRequest = Type.Object(
  {
    name: Name,
    count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    balance: Type.Optional(Type.Unsafe<number>({ ...Share, default: 0.5, description: 'Share of pairs with the same tag' })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 1 })),
  },
  { additionalProperties: false, title: 'PairsRequest' },
);
export const DatasetParams = Type.Object({ datasetId: Type.String() });
