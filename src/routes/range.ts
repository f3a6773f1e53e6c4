/** Sends a file whole or in part (RFC 9110: Range, If-Range, If-None-Match). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Download } from '../checkpoints/download.ts';
import { fail } from '../errors.ts';

export function sendRange(request: FastifyRequest, reply: FastifyReply, { etag, sizeBytes, stream }: Download): FastifyReply {
  void reply.header('etag', etag).header('accept-ranges', 'bytes');
  const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = request.headers;
  if (ifNoneMatch !== undefined && (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))) return reply.code(304).send();
  const wanted = range === undefined || (ifRange !== undefined && ifRange !== etag) ? null : parseRange(range, sizeBytes);
  if (wanted === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${sizeBytes}`);
    throw fail('RANGE_UNSATISFIABLE', { range: range ?? '', sizeBytes });
  }
  if (wanted === null) return reply.header('content-length', sizeBytes).send(stream());
  const { start, end } = wanted;
  return reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${sizeBytes}`).header('content-length', end - start).send(stream(wanted));
}

/** Null for what is no single range of bytes: then the whole is sent, as the standard allows. */
function parseRange(header: string, size: number): { start: number; end: number } | 'unsatisfiable' | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const count = Math.min(Number(last), size);
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}
