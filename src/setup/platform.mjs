// @ts-check
// What must be on the machine before anything else, each with one line that says what to do.
import { spawnSync } from 'node:child_process';

/** The manylinux tag of the TensorFlow wheel. */
const OLDEST_GLIBC = [2, 27];
/** Older pips do not know such tags. */
const OLDEST_PIP = 21;

/** @returns {string[]} */
export function platformFaults() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return [`mtmt runs on Linux x86-64; this is ${process.platform} ${process.arch}. A Linux x86-64 container or virtual machine will do.`];
  }
  // Without this the report looks up the name of every address in use. (@types/node does not know it yet.)
  Object.assign(process.report, { excludeNetwork: true });
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (/** @type {unknown} */ (process.report.getReport()));
  const glibc = report.header.glibcVersionRuntime;
  if (glibc === undefined) return ['TensorFlow needs glibc; this system has another C library (Alpine?). Use a Debian, Ubuntu or Fedora image.'];
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const [oldMajor = 0, oldMinor = 0] = OLDEST_GLIBC;
  if (major < oldMajor || (major === oldMajor && minor < oldMinor)) {
    return [`TensorFlow needs glibc ${OLDEST_GLIBC.join('.')} or newer; this system has ${glibc}. Use a newer distribution.`];
  }
  return [];
}

/** @returns {string[]} */
export function pipFaults() {
  const found = spawnSync('python3', ['-m', 'pip', '--version'], { encoding: 'utf8' });
  if (found.error) return ["Python 3 is missing, whose pip fetches TensorFlow's library: apt-get install python3 python3-pip (or your system's packages)."];
  if (found.status !== 0) return ["Python's pip is missing, which fetches TensorFlow's library: apt-get install python3-pip (or your system's package)."];
  const version = /^pip (\d+)\S*/.exec(found.stdout);
  if (version !== null && Number(version[1]) < OLDEST_PIP) return [`pip ${version[0].slice(4)} is too old: python3 -m pip install --upgrade pip`];
  return [];
}

/** @returns {string[]} */
export function compilerFaults() {
  const tools = [
    { name: 'a C++ compiler', has: has(compiler()) },
    { name: 'make', has: has('make') },
  ];
  const missing = tools.filter((tool) => !tool.has).map((tool) => tool.name);
  if (missing.length === 0) return [];
  return [`Missing ${missing.join(' and ')}, to build the TensorFlow addon and kernels: apt-get install g++ make (or your system's packages).`];
}

export function compiler() {
  const asked = process.env['CXX'] || 'g++';
  return has(asked) ? asked : 'c++';
}

/** @param {string} command */
function has(command) {
  return !spawnSync(command, ['--version'], { stdio: 'ignore' }).error;
}
