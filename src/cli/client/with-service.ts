/** Work that needs the service: it is joined or started, and ended again where it was started here; Ctrl-C ends the work first. */
import type { Config } from '../../config.ts';
import { apiKeyFor } from './api-key.ts';
import { apiClient, type ApiClient } from './api.ts';
import { joinOrStartService, type Service } from '../service.ts';
import { onEndingSignal, type Output } from './terminal.ts';

const INTERRUPTED = 130;

/** @returns the exit status: of the work, or 130 where it was interrupted */
export async function withService(
  { config, output }: { config: Config; output: Output },
  work: (service: { readonly client: ApiClient; readonly url: string; readonly pid: number | null; readonly isJoined: boolean; readonly signal: AbortSignal }) => Promise<number>,
): Promise<number> {
  const leaving = new AbortController();
  const { signal } = leaving;
  let service: (Service & { readonly isJoined: boolean }) | null = null;
  onEndingSignal(
    () => leaving.abort(),
    () => service?.kill(),
  );
  try {
    output.line('Starting the service: database, API, worker, tagger');
    service = await joinOrStartService({ config, signal });
    const client = apiClient(service.url, { signal, apiKey: await apiKeyFor(config) });
    return await work({ client, url: service.url, pid: service.pid, isJoined: service.isJoined, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    output.line('\nEnding the service. The next start goes on with what is there …');
    return INTERRUPTED;
  } finally {
    await service?.stop();
  }
}
