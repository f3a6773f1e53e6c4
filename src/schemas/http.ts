/** Headers and bodies that are no JSON. */
import { Type } from 'typebox';

/** JSON bodies; files come in parts and are streamed. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ description: '1 to 255 characters. The same key and body replay the stored answer for a day; the same key with another body is refused (422)' })),
});

export const MEDIA_TYPES = { lines: 'application/jsonl; charset=utf-8', text: 'text/plain; charset=utf-8' };

/** A response whose body is a stream of one of these types. */
export function fileOf(...types: readonly string[]) {
  const content: Record<string, { schema: object }> = {};
  for (const type of types) content[type.split(';')[0] ?? type] = { schema: { type: 'string' } };
  return { description: 'The file', content };
}

export const DownloadHeaders = Type.Object({
  range: Type.Optional(Type.String({ description: '`bytes=0-1023`: a part, answered with 206' })),
  'if-range': Type.Optional(Type.String()),
  'if-none-match': Type.Optional(Type.String({ description: 'An ETag that is known: answered with 304 where it still holds' })),
});
