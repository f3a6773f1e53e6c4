// @ts-check
// `node src/setup/main.mjs <command> [arguments]`: sets up what the command needs and is not there, then runs it.
//
// Plain JavaScript on Node's own modules, since on a fresh clone there is nothing else yet. This file must parse on old
// Nodes, to tell them so.
const OLDEST_NODE = { major: 20, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
  process.stderr.write(`mtmt needs Node ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

const [command = 'help', ...rest] = process.argv.slice(2);
const { setUp } = await import('./set-up.mjs');
if (await setUp(command)) {
  const { runCommand } = await import('./run-command.mjs');
  process.exitCode = await runCommand(command, rest);
} else {
  process.exitCode = 1;
}
