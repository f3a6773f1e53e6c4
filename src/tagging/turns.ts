/** Whose turn it is: clients take turns, and a client's requests take turns among themselves. */

export interface Turns<T> {
  /** Behind the client's other requests, and a new client behind the others. */
  add(request: T): void;
  /** The first in turn that is accepted. */
  next(accepts: (request: T) => boolean): T | undefined;
  /** It has had its turn: it goes behind its client's others, and its client behind the others. */
  pass(request: T): void;
  remove(request: T): void;
}

export function turnsOf<T extends { readonly client: string }>(): Turns<T> {
  /** In order of turn, as are each one's requests. */
  const clients = new Map<string, readonly T[]>();

  function set(client: string, requests: readonly T[]): void {
    if (requests.length > 0) clients.set(client, requests);
    else clients.delete(client);
  }

  const others = (request: T): T[] => (clients.get(request.client) ?? []).filter((other) => other !== request);

  return {
    add: (request) => set(request.client, [...(clients.get(request.client) ?? []), request]),
    next(accepts) {
      for (const requests of clients.values()) {
        const found = requests.find(accepts);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    pass(request) {
      const rest = others(request);
      clients.delete(request.client);
      set(request.client, [...rest, request]);
    },
    remove: (request) => set(request.client, others(request)),
  };
}
