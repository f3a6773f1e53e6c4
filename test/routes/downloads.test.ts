import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARCHIVE, openApi } from './api.ts';

const URL = '/checkpoints/ckpt_known/download';

test('downloads of checkpoints', async (t) => {
  const api = await openApi(t);
  const whole = ARCHIVE.toString();
  const cases: [name: string, headers: Record<string, string>, status: number, body: string, contentRange: string | undefined][] = [
    ['whole', {}, 200, whole, undefined],
    ['a part', { range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/16'],
    ['from a byte on', { range: 'bytes=14-' }, 206, 'ef', 'bytes 14-15/16'],
    ['the last bytes', { range: 'bytes=-3' }, 206, 'def', 'bytes 13-15/16'],
    ['a part that goes beyond the end', { range: 'bytes=14-99' }, 206, 'ef', 'bytes 14-15/16'],
    ['a part while it is the same', { range: 'bytes=0-0', 'if-range': '"abc"' }, 206, '0', 'bytes 0-0/16'],
    ['whole where it has changed', { range: 'bytes=0-0', 'if-range': '"old"' }, 200, whole, undefined],
    ['whole for several parts, as the standard allows', { range: 'bytes=0-0,2-3' }, 200, whole, undefined],
    ['nothing where it is known', { 'if-none-match': '"old", W/"abc"' }, 304, '', undefined],
    ['nothing where anything is known', { 'if-none-match': '*' }, 304, '', undefined],
    ['whole where another is known', { 'if-none-match': '"old"' }, 200, whole, undefined],
  ];
  for (const [name, headers, status, body, contentRange] of cases) {
    await t.test(name, async () => {
      const answer = await api.app.inject({ method: 'GET', url: URL, headers });
      assert.deepEqual([answer.statusCode, answer.body, answer.headers['content-range'], answer.headers.etag], [status, body, contentRange, '"abc"']);
      if (status === 304) return;
      assert.equal(answer.headers['content-length'], String(body.length));
      assert.equal(answer.headers['content-type'], 'application/x-tar');
      assert.equal(answer.headers['content-disposition'], 'attachment; filename="ckpt_known.tar"');
      assert.equal(answer.headers['accept-ranges'], 'bytes');
    });
  }
  for (const range of ['bytes=16-', 'bytes=5-4', 'bytes=-0']) {
    await t.test(`${range} cannot be satisfied`, async () => {
      const answer = await api.app.inject({ method: 'GET', url: URL, headers: { range } });
      assert.deepEqual([answer.statusCode, answer.headers['content-range'], answer.headers['content-type']], [416, 'bytes */16', 'application/problem+json']);
      assert.deepEqual(
        [(answer.json<{ code: string }>()).code, answer.headers['content-disposition'], answer.headers.etag],
        ['RANGE_UNSATISFIABLE', undefined, undefined],
      );
    });
  }
  await t.test('another format has another name, and an unknown one is refused', async () => {
    for (const format of ['onnx', 'onnx-int8']) {
      const answer = await api.app.inject({ method: 'GET', url: `${URL}?format=${format}` });
      assert.deepEqual([answer.statusCode, answer.headers['content-disposition']], [200, `attachment; filename="ckpt_known-${format}.tar"`]);
    }
    const unknown = await api.app.inject({ method: 'GET', url: `${URL}?format=pickle` });
    assert.deepEqual([unknown.statusCode, unknown.json<{ code: string }>().code], [400, 'REQUEST_INVALID']);
  });
  await t.test('what is not there', async () => {
    const answer = await api.app.inject({ method: 'GET', url: '/checkpoints/ckpt_none/download' });
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, 'CHECKPOINT_NOT_FOUND']);
  });
});
