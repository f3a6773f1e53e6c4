import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const CLI = join(import.meta.dirname, '../../src/cli.ts');

function benchmark(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', CLI, 'benchmark', ...args], { timeout: 60_000 }, (error, stdout, stderr) => resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }));
  });
}

test('one shape in one precision prints one line of JSON', async () => {
  const { status, stdout } = await benchmark('engine', '--layers=1', '--hidden=32', '--heads=2', '--vocabulary=50', '--batch=2', '--length=8', '--precision=bfloat16', '--rounds=1', '--repeats=2', '--json');
  assert.equal(status, 0);
  const line = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([line['engine'], line['what'], line['precision'], line['batch'], line['length']], ['mtmt', 'train', 'bfloat16', 2, 8]);
  assert.ok((line['medianMs'] as number) > 0 && (line['piecesPerSecond'] as number) > 0);
});

test('a wrong flag or value is refused by its name', async () => {
  for (const [args, says] of [[['engine', '--batch=0'], /--batch is 0, expected a whole number from 1/], [['engine', '--what=tag'], /--what is tag, expected train or predict/], [['engine', '--bacth=1'], /--bacth/], [['motor'], /Usage: mtmt benchmark engine \[options\]\n +mtmt benchmark serve/], [['serve', '--clents=1'], /--clents/]] as const) {
    const { status, stderr } = await benchmark(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, says);
  }
});

test('a number that makes no sense is said before any service is started', async () => {
  for (const [args, says] of [[['serve', '--clients=1.5'], /--clients wants a whole number above 0, not "1.5"/], [['api', '--seconds=0'], /--seconds wants a number above 0, not "0"/]] as const) {
    const { status, stdout, stderr } = await benchmark(...args);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, says);
  }
});
