// @ts-check
// Runs a tool quietly: its output is shown only when it fails.
import { spawn } from 'node:child_process';

/** Kept lines of a tool that failed: pip and npm say the cause near the end. */
const LINES = 40;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, onLine?: (line: string) => void }} [o]
 * @returns {Promise<void>}
 */
export function runQuietly(command, args, o = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...(o.cwd === undefined ? {} : { cwd: o.cwd }),
      env: { ...process.env, ...o.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, that endTools ends with all that the tool has started
    });
    running.add(child);
    /** @type {string[]} */
    let said = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        const lines = String(text).split('\n').filter((line) => line.trim() !== '');
        said = [...said, ...lines].slice(-LINES);
        const last = lines.at(-1);
        if (last !== undefined) o.onLine?.(last);
      });
    }
    child.on('error', (cause) => {
      running.delete(child);
      reject(new Error(`${command} cannot be started: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0] ?? ''} ${signal ? `was ended by ${signal}` : `failed with ${code}`}:\n${said.join('\n')}`));
    });
  });
}

/** Else npm would go on writing node_modules beside the next set-up. */
export async function endTools() {
  const ended = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of running) {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has just ended.
    }
  }
  await Promise.all(ended);
}
