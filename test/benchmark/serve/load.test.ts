import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { loadApart } from '../../../src/benchmark/serve/load-apart.ts';
import { runLoad, type LoadTask, type LoadWindow } from '../../../src/benchmark/serve/load.ts';

async function listening(t: TestContext, answer: RequestListener): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer(answer).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

const task = (url: string, rest: Partial<LoadTask>): LoadTask => ({ url, requests: [{ path: '/' }], pace: { clients: 3 }, warmUpSeconds: 0, windows: 1, windowSeconds: 0.3, ...rest });

test('clients wait for their answers, send in turn, and keep their connections', async (t) => {
  const seen: string[] = [];
  let [atWork, most] = [0, 0];
  const times = (what: string): number => seen.filter((each) => each === what).length;
  const { url, connections } = await listening(t, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    most = Math.max(most, ++atWork);
    setTimeout(() => {
      atWork--;
      response.end('{}');
    }, 10);
  });
  const { count, errors, p50Ms } = await runLoad(task(url, { requests: [{ path: '/a' }, { path: '/b', body: '{}' }] }));
  assert.deepEqual([connections(), errors], [3, 0]);
  assert.ok(most <= 3, String(most));
  assert.equal(times('GET /a') + times('POST /b'), seen.length);
  assert.ok([0, 1].includes(times('GET /a') - times('POST /b')), seen.join());
  assert.equal(count, seen.length, 'what is unanswered at the end is waited for, and counted');
  assert.ok(p50Ms >= 9, String(p50Ms));
});

test('a request that is due while the server stalls is timed from when it was due', async (t) => {
  let isFirst = true;
  const { url } = await listening(t, (_request, response) => {
    // holds the only thread, as a server that stalls
    if (isFirst) for (const until = performance.now() + 200; performance.now() < until; );
    isFirst = false;
    response.end('{}');
  });
  const { p50Ms, count } = await loadApart(task(url, { pace: { perSecond: 50 } }), { signal: new AbortController().signal });
  assert.equal(count, 15);
  assert.ok(p50Ms > 20, `of 15 requests, one every 20 ms, ten are due within the 200 ms: ${p50Ms}`);
});

test('errors are counted and named, and are in no latency', async (t) => {
  const { url } = await listening(t, (_request, response) => void response.writeHead(503).end());
  const windows: LoadWindow[] = [];
  const { errors, count, firstError, answersPerSecond } = await runLoad(task(url, { windows: 2, windowSeconds: 0.15 }), (window) => windows.push(window));
  assert.deepEqual([count, firstError, answersPerSecond, windows.length], [0, 'status 503', 0, 2]);
  const inWindows = windows.reduce((sum, window) => sum + window.errors, 0);
  assert.ok(errors >= 3 && inWindows <= errors, JSON.stringify(windows));
});

test('what began in the warm-up is in no latency', async (t) => {
  let seen = 0;
  const { url } = await listening(t, (_request, response) => {
    seen++;
    setTimeout(() => response.end('{}'), 250);
  });
  const { count } = await runLoad(task(url, { warmUpSeconds: 0.2, windowSeconds: 0.4, pace: { clients: 1 } }));
  assert.equal(count, seen - 1, 'all but the first begin after the warm-up');
});

test('a load that is interrupted ends with the reason of its signal', async (t) => {
  const { url } = await listening(t, (_request, response) => void response.end('{}'));
  const interrupting = new AbortController();
  const reason = new Error('Ctrl-C');
  setTimeout(() => interrupting.abort(reason), 300);
  await assert.rejects(loadApart(task(url, { windowSeconds: 60 }), { signal: interrupting.signal }), reason);
});
