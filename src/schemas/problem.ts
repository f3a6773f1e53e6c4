/** Every error's body (RFC 9457). */
import { Type, type Static } from 'typebox';

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URI for the kind of problem' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong here, with the values' }),
    code: Type.String({ description: 'Stable; the document lists all of them under `x-error-codes`' }),
    requestId: Type.String({ description: 'As in the header `x-request-id` and in the log' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object(
          {
            pointer: Type.Optional(Type.String({ description: 'JSON pointer into the body, or the name of a parameter' })),
            line: Type.Optional(Type.Integer({ minimum: 1 })),
            column: Type.Optional(Type.Integer({ minimum: 1 })),
            detail: Type.String(),
          },
          { title: 'Place' },
        ),
        { description: 'Each place that is wrong, up to 100' },
      ),
    ),
  },
  { title: 'Problem' },
);
export type Problem = Static<typeof Problem>;
