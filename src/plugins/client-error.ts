/** What is no HTTP never becomes a request: its answer is written to the socket, in the shape of the others. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

const STATUS_OF_CODE: Record<string, number> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = STATUS_OF_CODE[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const code = 'REQUEST_INVALID';
  const body = JSON.stringify({ type: `urn:mtmt:problem:${code}`, title, status, detail: 'The request cannot be read as HTTP', code, requestId: `req_${crypto.randomUUID()}` });
  const head = `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  if (socket.writable) socket.end(head + body);
  else socket.destroy(error);
}
