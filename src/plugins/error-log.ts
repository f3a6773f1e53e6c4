/** What the log says of an error: enough to find it, nothing that a user wrote, no password. */

interface Described {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly stack: readonly string[];
  readonly cause?: Described;
}

const MAX_CAUSES = 5;

/**
 * Only named fields: drivers hang whole clients, with the connection's password, on their errors, and rows on others.
 * Parsers quote what they read, and Prisma the values of the call but for its last line, which is the reason.
 */
export function describeError(error: unknown, depth = 0): Described {
  if (!(error instanceof Error)) return { type: typeof error, stack: [] };
  const { name, message, stack = '', cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const shown = error instanceof SyntaxError ? undefined : name.startsWith('PrismaClient') ? message.split('\n').at(-1) : message;
  return {
    type: name,
    ...(code !== undefined && { code }),
    ...(shown !== undefined && { message: shown }),
    stack: stack.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('at ')),
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: describeError(cause, depth + 1) }),
  };
}
