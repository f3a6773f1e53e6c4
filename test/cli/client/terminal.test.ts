import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { run } from '../../../src/cli/demo.ts';
import { terminal } from '../../../src/cli/client/terminal.ts';

function fakeStream(isTTY: boolean): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, columns: 12, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

function withNoColor(t: TestContext, value: string | undefined): void {
  const before = process.env['NO_COLOR'];
  const put = (to: string | undefined): void => {
    if (to === undefined) delete process.env['NO_COLOR'];
    else process.env['NO_COLOR'] = to;
  };
  put(value);
  t.after(() => put(before));
}

test('A status is cut to the width of the terminal, and what comes next overwrites it', () => {
  const { stream, written } = fakeStream(true);
  const output = terminal(stream);
  output.status('step 1 of a thousand');
  output.line('done');
  assert.deepEqual(written, ['step 1 of a', '\r\u001b[K', 'done\n']);
});

test('Colors are for terminals, where NO_COLOR is not set', (t) => {
  withNoColor(t, undefined);
  assert.deepEqual([terminal(fakeStream(true).stream).isColored, terminal(fakeStream(false).stream).isColored], [true, false]);
  withNoColor(t, '1');
  assert.equal(terminal(fakeStream(true).stream).isColored, false);
});

const REFUSED: readonly (readonly [args: string[], said: RegExp])[] = [
  [['--data', '/nowhere/at/all'], /\/nowhere\/at\/all cannot be read/],
  [['--max-train', '0'], /--max-train wants a whole number from 1, not "0"/],
  [['--languages', 'xx'], /no raw text for "xx"/],
];
for (const [args, said] of REFUSED) {
  test(`${args.join(' ')} is refused in one line, before anything is started`, async (t) => {
    const written = t.mock.method(process.stderr, 'write', () => true);
    assert.equal(await run(args), 1);
    assert.match(String(written.mock.calls[0]?.arguments[0]), said);
  });
}
