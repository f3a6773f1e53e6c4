// @ts-check
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

const TESTS = ['test', 'test:slow'];

/**
 * Runs it in the foreground, in the caller's folder, with signals passed on.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit status
 */
export function runCommand(command, args) {
  if (command === 'setup') return Promise.resolve(0);
  const program = TESTS.includes(command)
    ? [join(ROOT, 'src/setup/test.mjs'), ...(command === 'test:slow' ? ['--slow'] : [])]
    : // Resolved from here: the caller's folder need not be the clone.
      ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli.ts'), command];
  const child = spawn(process.execPath, [...program, ...args], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal's Ctrl-C goes to the whole group: passed on, the child would get it twice and take it for impatience.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
