/** How much there is to say of a JSON value. */

/** Whether its values and the letters of its keys are `limit` at most; looks at no more than about as many. */
export function isWithin(value: unknown, limit: number): boolean {
  let left = limit;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (--left < 0) return false;
    if (Array.isArray(next)) {
      if (next.length > left) return false;
      open.push(...(next as unknown[]));
    } else if (typeof next === 'object' && next !== null) {
      const keys = Object.keys(next);
      if (keys.length > left) return false;
      left -= keys.reduce((sum, key) => sum + key.length, 0);
      open.push(...(Object.values(next) as unknown[]));
    }
  }
  return true;
}
