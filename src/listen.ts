/** Takes the port of a process, and tells the process that has started it: a port is whoever's binds it, and nobody can choose it before. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { fail } from './errors.ts';

/** What a process of the service tells `mtmt serve`. */
export type FromService = { readonly type: 'listening'; readonly port: number } | { readonly type: 'port taken'; readonly host: string; readonly port: number };

export interface Place {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Another one where it is in use. */
  readonly isAnyPortFine: boolean;
}

/** @returns the port. @throws PORT_TAKEN */
export async function listen(server: Pick<FastifyInstance, 'listen' | 'server'>, { host, port, isAnyPortFine }: Place): Promise<number> {
  try {
    await server.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    if (!isAnyPortFine) {
      tellParent({ type: 'port taken', host, port });
      throw fail('PORT_TAKEN', { host, port }, { cause });
    }
    await server.listen({ host, port: 0 });
  }
  return (server.server.address() as AddressInfo).port;
}

export function tellParent(message: FromService): void {
  process.send?.(message);
}
