interface Going<T> {
  readonly current: Promise<T>;
  next: Promise<T> | null;
}

/**
 * One question at a time for all who ask the same: who comes while an answer is on its way shares the next one, so that no answer is older than
 * its question. A hundred requests to tag then ask the database of their model twice and not a hundred times.
 */
export function shared<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const going = new Map<string, Going<T>>();

  function begin(key: string): Promise<T> {
    const entry: Going<T> = { current: ask(key), next: null };
    going.set(key, entry);
    const ended = (): void => {
      if (entry.next === null) going.delete(key);
    };
    entry.current.then(ended, ended);
    return entry.current;
  }

  return (key) => {
    const entry = going.get(key);
    if (entry === undefined) return begin(key);
    const again = (): Promise<T> => begin(key);
    return (entry.next ??= entry.current.then(again, again));
  };
}
