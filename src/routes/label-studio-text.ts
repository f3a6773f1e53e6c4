/** Where a task of Label Studio has its text, as its editor finds it: lodash's `get` with what follows the `$` (web/libs/editor/src/utils/data.js there). */

/** `$text`, `$doc.body`, `$pages[0].text`: what the editor takes for the place of a value. Around anything else it would write other text, which would move offsets. */
export const PLACE = /^\$([\w[\].{}]+)$/;

export interface TaskText {
  /** Keys below the task's data. */
  readonly keys: readonly string[];
  /** Undefined where there is no text. */
  readonly text: string | undefined;
}

/** @param key what follows the `$`: a key that has dots itself goes before a path */
export function textIn(data: Readonly<Record<string, unknown>>, key: string): TaskText {
  const keys = Object.hasOwn(data, key) ? [key] : key.split(/[.[\]]+/).filter((name) => name !== '');
  const found = keys.reduce<unknown>((value, name) => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined), data);
  return { keys, text: typeof found === 'string' ? found : undefined };
}
