/** Pieces that many resources share. */
import { Type, type TSchema } from 'typebox';

export const Language = Type.String({
  pattern: '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$',
  maxLength: 35,
  description: 'BCP 47: en, zh, pt-BR',
});
export const Split = Type.Union([Type.Literal('train'), Type.Literal('dev'), Type.Literal('test')], { title: 'Split' });
export const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S', description: 'Not empty, at most 200 characters' });
export const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' });
export const Tags = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 1000 },
  propertyNames: { maxLength: 200 },
  maxProperties: 100,
  description: 'Free labels of your own: name -> text',
});
/** A share in [0, 1]. */
export const Share = Type.Number({ minimum: 0, maximum: 1 });

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Items a page' })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`nextCursor` of the page before' })),
};

export const PageOnly = Type.Object(PageQuery, { additionalProperties: false });

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

export function pageOf<T extends TSchema>(item: T, title: string) {
  return Type.Object({ items: Type.Array(item), nextCursor: nullable(Type.String()) }, { title });
}

