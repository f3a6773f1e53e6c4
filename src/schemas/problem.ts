/** Every error's body (RFC 9457). */
import { Type, type Static } from 'typebox';
import { MAX_BODY_BYTES } from './http.ts';

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

function answer(description: string, headers?: Record<string, object>) {
  return { description, ...(headers !== undefined && { headers }), content: { 'application/problem+json': { schema: Problem } } };
}

/** What whoever asks for entities should be ready for. */
export const TAGGING_PROBLEMS = {
  400: answer('The body is not of this form (REQUEST_INVALID, NER_INPUT_INVALID)'),
  404: answer('There is no such model (MODEL_NOT_FOUND, CHECKPOINT_NOT_FOUND)'),
  409: answer('There is no model yet (NO_MODEL), or its encoder is another one than it was trained with'),
  413: answer(`The body has more than ${MAX_BODY_BYTES} bytes (BODY_TOO_LARGE)`),
  422: answer('A text is over a limit (TEXT_TOO_LONG) or no Unicode (TEXT_NOT_UNICODE), or the model has no tags (MODEL_CANNOT_TAG)'),
  503: answer('Too much waits already (OVERLOADED), or no tagger answers (TAGGER_UNAVAILABLE)', {
    'Retry-After': Type.Integer({ minimum: 1, description: 'Seconds after which there will be room' }),
  }),
};
