// @ts-check
// The generated database client, git-ignored and made from prisma/schema.prisma.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runQuietly } from './commands.mjs';
import { NODE_MODULES, ROOT } from './paths.mjs';

const GENERATED = join(ROOT, 'src/store/generated');
const STAMP = join(GENERATED, '.stamp');

/** Of everything that the client is made from. */
async function key() {
  const hash = createHash('sha256');
  for (const path of ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json']) {
    hash.update(await readFile(join(ROOT, path)).catch(() => ''));
  }
  return hash.digest('hex');
}

export async function hasPrismaClient() {
  return (await readFile(STAMP, 'utf8').catch(() => '')) === (await key());
}

export async function generatePrismaClient() {
  // The client works through a driver adapter and needs no engine; the command line would fetch one all the same,
  // unless it is told where one is. It never runs it to generate.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' };
  await runQuietly(process.execPath, [join(NODE_MODULES, 'prisma/build/index.js'), 'generate'], { cwd: ROOT, env });
  await writeFile(STAMP, await key());
}
