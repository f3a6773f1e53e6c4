/** The key that a command shows the service, where it wants one. */
import type { Config } from '../../config.ts';
import { readKeys } from '../../plugins/api-keys.ts';
import { CommandFailure } from './failure.ts';

/** MTMT_API_KEY, or else the first key of API_KEYS_FILE. @throws CommandFailure where the file cannot be read */
export async function apiKeyFor({ apiKeysFile }: Pick<Config, 'apiKeysFile'>): Promise<string | undefined> {
  const own = process.env['MTMT_API_KEY'];
  if (own !== undefined || apiKeysFile === undefined) return own;
  const [key] = await readKeys(apiKeysFile).catch((cause: unknown) => {
    throw new CommandFailure(`API_KEYS_FILE ${apiKeysFile} cannot be read`, { cause });
  });
  return key;
}
