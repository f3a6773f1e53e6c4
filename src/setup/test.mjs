// @ts-check
// Finds the tests and runs them with Node's own runner (which in Node 20 takes no patterns).
//   test.mjs [--slow] [part of a path …]
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { ROOT } from './paths.mjs';

const args = process.argv.slice(2);
const isSlow = args.includes('--slow');
const parts = args.filter((arg) => arg !== '--slow');

const files = await findTests();
if (files.length === 0) {
  process.stderr.write(`No test file${parts.length > 0 ? ` has ${parts.join(' or ')} in its path` : ''}.\n`);
  process.exit(1);
}

const database = await startDatabase();
try {
  process.exitCode = await runTests(files, database.env);
} finally {
  await database.stop();
}

async function findTests() {
  const entries = await readdir(join(ROOT, 'test'), { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts')).map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  const chosen = found.filter((path) => path.endsWith('.slow.test.ts') === isSlow);
  return chosen.filter((path) => parts.length === 0 || parts.some((part) => path.includes(part))).sort();
}

/** One server for all test files; each clones its own database from a template (test/helper.ts). */
async function startDatabase() {
  const path = join(ROOT, 'test/postgres.ts');
  const { register } = await import('tsx/esm/api');
  register();
  const { startTestPostgres } = await import(pathToFileURL(path).href);
  const { url, stop } = /** @type {{ url: string, stop: () => Promise<void> }} */ (await startTestPostgres());
  return { env: { TEST_DATABASE_URL: url }, stop };
}

/**
 * @param {string[]} paths
 * @param {Record<string, string>} env
 * @returns {Promise<number>}
 */
function runTests(paths, env) {
  // A runner that does not print to a terminal writes TAP by default; people read CI's logs too.
  const child = spawn(process.execPath, ['--import', 'tsx', '--test', '--test-reporter=spec', ...paths], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
