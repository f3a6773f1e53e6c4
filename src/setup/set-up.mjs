// @ts-check
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endTools } from './commands.mjs';
import { withLock } from './lock.mjs';
import { CACHE } from './paths.mjs';
import { platformFaults } from './platform.mjs';
import { say, startLine } from './progress.mjs';
import { stepsFor } from './steps.mjs';

/** @typedef {import('./steps.mjs').Step} Step */

/**
 * Silent when everything is there.
 * @param {string} command
 * @returns {Promise<boolean>} false when it cannot be done, which has been said
 */
export async function setUp(command) {
  const steps = stepsFor(command);
  if (await areDone(steps)) return true;
  const faults = [...platformFaults(), ...(await toolFaults(steps))];
  if (faults.length > 0) {
    for (const fault of faults) say(fault);
    return false;
  }
  say('Setting up what is missing');
  const onWait = () => say('  another set-up is at work; waiting for it …');
  return withLock(join(CACHE, 'set-up.lock'), { onWait, onInterrupt: endTools }, () => runMissing(steps));
}

/** @param {readonly Step[]} steps */
async function areDone(steps) {
  for (const step of steps) if (!(await step.isDone().catch(() => false))) return false;
  return true;
}

/** All at once, before the first download. @param {readonly Step[]} steps */
async function toolFaults(steps) {
  const faults = new Set();
  for (const step of steps) {
    if (step.faults && !(await step.isDone().catch(() => false))) for (const fault of step.faults()) faults.add(fault);
  }
  return faults;
}

/** @param {readonly Step[]} steps */
async function runMissing(steps) {
  await removeLeftovers();
  for (const step of steps) {
    if (await step.isDone().catch(() => false)) continue;
    const line = startLine(step.name);
    try {
      await step.run(line);
      line.done();
    } catch (error) {
      line.failed();
      say(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
  return true;
}

/** What a set-up that was interrupted was writing; nobody else writes while we hold the lock. */
async function removeLeftovers() {
  const names = await readdir(CACHE).catch(() => []);
  const leftovers = names.filter((name) => name.startsWith('.download-') || name.startsWith('.libtensorflow-'));
  await Promise.all(leftovers.map((name) => rm(join(CACHE, name), { recursive: true, force: true })));
}
