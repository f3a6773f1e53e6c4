// @ts-check
// The steps of the set-up in their order. Each says whether it is done by looking at what it makes, so that a second
// start does nothing, and a changed lock file, schema or Node makes just its own step run again.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon, hasAddon, placeCachedAddon } from './addon.mjs';
import { runQuietly } from './commands.mjs';
import { fitDependencies, hasPostgresLinks, installDependencies, linkPostgres } from './dependencies.mjs';
import { buildKernels, hasKernels, placeCachedKernels } from './kernels.mjs';
import { hasLibtensorflow, installLibtensorflow, isLibtensorflowLinked, LIBTENSORFLOW_NAME, linkLibtensorflow } from './libtensorflow.mjs';
import { ENCODERS, ROOT } from './paths.mjs';
import { compilerFaults, pipFaults } from './platform.mjs';
import { generatePrismaClient, hasPrismaClient } from './prisma-client.mjs';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<boolean>} isDone
 * @property {(line: import('./progress.mjs').Line) => Promise<void>} run
 * @property {() => string[]} [faults] Tools that are missing, one line each.
 */

const DEFAULT_ENCODER = 'multilingual-e5-small';

/** @type {Step} */
const dependencies = { name: 'Node packages', isDone: fitDependencies, run: installDependencies };

/** @type {Step} */
const postgres = { name: 'Postgres libraries', isDone: hasPostgresLinks, run: linkPostgres };

/** @type {Step} */
const prismaClient = { name: 'database client', isDone: hasPrismaClient, run: generatePrismaClient };

/** @type {Step} */
const libtensorflow = { name: LIBTENSORFLOW_NAME, isDone: hasLibtensorflow, run: installLibtensorflow, faults: pipFaults };

/** @type {Step} */
const link = { name: 'link to libtensorflow', isDone: isLibtensorflowLinked, run: linkLibtensorflow };

/** @type {Step} */
const addon = {
  name: 'TensorFlow addon',
  isDone: hasAddon,
  async run(line) {
    if (await placeCachedAddon()) return;
    line.update('compiling, about half a minute');
    await buildAddon();
  },
  faults: compilerFaults,
};

/** @type {Step} */
const kernels = {
  name: 'TensorFlow kernels',
  isDone: hasKernels,
  async run(line) {
    if (await placeCachedKernels()) return;
    line.update('compiling for this processor');
    await buildKernels();
  },
  faults: compilerFaults,
};

/** @type {Step} */
const encoder = {
  name: `encoder ${DEFAULT_ENCODER}`,
  isDone: async () => ['', '-q4'].some((form) => existsSync(join(ENCODERS, DEFAULT_ENCODER + form, 'encoder.json'))),
  async run(line) {
    const args = ['--import', 'tsx', join(ROOT, 'src/cli.ts'), 'encoders', 'install', DEFAULT_ENCODER];
    await runQuietly(process.execPath, args, { cwd: ROOT, onLine: (text) => line.update(text.trim()) });
  },
  faults: pipFaults,
};

const program = [dependencies, postgres, prismaClient];
const engine = [libtensorflow, link, addon, kernels];

/**
 * @param {string} command
 * @returns {readonly Step[]}
 */
export function stepsFor(command) {
  if (['demo', 'serve', 'api', 'worker', 'tagger'].includes(command)) return [...program, ...engine, encoder];
  // These look at what is there, or bring it themselves; help and doctor must work where the engine cannot be built.
  if (['doctor', 'encoders', 'migrate', 'storage', 'help', '--help', '-h', '--version'].includes(command)) return program;
  return [...program, ...engine];
}
