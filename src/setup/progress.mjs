// @ts-check
// What a person sees while the set-up works: one line a step, on stderr, so that a command's own output stays clean.

const isTerminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb';
const MEGABYTE = 1e6;

/** @typedef {{ update: (detail: string) => void, bytes: (what: string, done: number, of?: number) => void, done: () => void, failed: () => void }} Line */

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * @param {string} name
 * @returns {Line}
 */
export function startLine(name) {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  let shownAt = 0;
  if (!isTerminal) say(`  ${name} …`);
  /** @param {string} mark @param {string} detail */
  const draw = (mark, detail) => process.stderr.write(`\r\x1b[K  ${mark} ${name}${detail === '' ? '' : `  \x1b[2m${detail}\x1b[0m`}`);
  if (isTerminal) draw('…', '');
  /** @param {string} detail @param {number} everyMs */
  const show = (detail, everyMs) => {
    const now = performance.now();
    if (now - shownAt < everyMs) return;
    shownAt = now;
    if (isTerminal) draw('…', detail);
    else say(`    ${detail}`);
  };
  return {
    update: (detail) => show(detail, 0),
    bytes(what, done, of) {
      const percent = of ? `${String(Math.floor((100 * done) / of)).padStart(3)} %  ` : '';
      const amount = of ? `${megabytes(done)} of ${megabytes(of)} MB` : `${megabytes(done)} MB`;
      // A log gets a line now and then, a terminal redraws.
      show(`${what}  ${percent}${amount}`, isTerminal ? 100 : 5_000);
    },
    done() {
      if (isTerminal) draw('\x1b[32m✓\x1b[0m', `${seconds()} s\n`.trimEnd()), say('');
      else say(`  ${name}: done in ${seconds()} s`);
    },
    failed() {
      if (isTerminal) draw('\x1b[31m✗\x1b[0m', ''), say('');
      else say(`  ${name}: failed after ${seconds()} s`);
    },
  };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / MEGABYTE).toFixed(0);
}
