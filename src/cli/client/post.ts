/**
 * A POST that waits as long as its answer takes. The fetch of Node gives up after 300 s without a header, and has no setting for it; a long text
 * takes longer on a slow machine. Who has vanished is found out by the kernel's probes of the connection.
 */
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Before the first probe of a silent connection. */
const PROBE_AFTER_MS = 30_000;

export interface Posted {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** @throws what the connection fails with; the signal's reason */
export async function post(url: string, o: { readonly body: string; readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal }): Promise<Posted> {
  const { signal } = o;
  signal.throwIfAborted();
  const body = Buffer.from(o.body);
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise<Posted>((resolve, reject) => {
    const fails = (error: Error): void => reject(signal.aborted ? (signal.reason as Error) : error);
    const sent = send(url, { method: 'POST', signal, headers: { ...o.headers, 'content-type': 'application/json', 'content-length': body.length } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', fails);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('socket', (socket) => socket.setKeepAlive(true, PROBE_AFTER_MS));
    sent.on('error', fails);
    sent.end(body);
  });
}
