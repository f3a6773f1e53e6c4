/** The files of .fleet/: what they say of the command line is true of it, and their own tools take them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as apps from 'kubernetes-models/apps/v1';
import * as batch from 'kubernetes-models/batch/v1';
import * as core from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../src/config.ts';

const ROOT = join(import.meta.dirname, '..');
const UNIT = join(ROOT, '.fleet/mtmt-worker.service');
const MANIFEST = await readFile(join(ROOT, '.fleet/kubernetes.yaml'), 'utf8');
const CONTAINERFILE = await readFile(join(ROOT, '.fleet/Containerfile'), 'utf8');
const CLI = await readFile(join(ROOT, 'src/cli.ts'), 'utf8');

interface Model {
  readonly prototype: { validate(): void };
}
const MODELS: Readonly<Record<string, Model>> = {
  'apps/v1 Deployment': apps.Deployment,
  'batch/v1 CronJob': batch.CronJob,
  'v1 ConfigMap': core.ConfigMap,
  'v1 Service': core.Service,
};

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> };
}
interface PodSpec {
  readonly spec: { readonly containers: readonly Container[] };
}
interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly selector?: { readonly matchLabels?: object }; readonly template?: PodSpec & { readonly metadata: { readonly labels: object } }; readonly jobTemplate?: { readonly spec: { readonly template: PodSpec } } };
}

const resources = parseAllDocuments(MANIFEST).map((document) => document.toJS() as Resource);
const containers = resources.flatMap(({ spec }) => (spec?.template ?? spec?.jobTemplate?.spec.template)?.spec.containers ?? []);

test('Kubernetes takes each resource, and knows each of its fields', () => {
  for (const resource of resources) {
    const { apiVersion, kind, metadata } = resource;
    const model = MODELS[`${apiVersion} ${kind}`] ?? assert.fail(`${apiVersion} ${kind} has no schema here`);
    assert.deepEqual(fieldsUnknownTo(model, resource), [], metadata.name);
  }
  assert.deepEqual(fieldsUnknownTo(apps.Deployment, misspelt('replicas', 'replcas')), ['/spec/replcas'], 'the check sees what is misspelt');
  assert.throws(() => fieldsUnknownTo(apps.Deployment, misspelt('selector', 'select')), /must have required property selector/);
});

test('The fleet of Kubernetes has all parts, and its worker a GPU', () => {
  assert.deepEqual(containers.map(({ args }) => args[0]).sort(), ['api', 'storage', 'tagger', 'worker']);
  const worker = containers.find(({ name }) => name === 'worker');
  assert.equal(worker?.resources?.limits?.['nvidia.com/gpu'], 1);
  for (const { spec } of resources) if (spec?.template !== undefined) assert.deepEqual(spec.selector?.matchLabels, spec.template.metadata.labels);
  const settings = resources.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  assert.equal(loadConfig(settings).artifactsUrl, settings['ARTIFACTS_URL']);
});

test('Every command that the files start is one of mtmt, with its options', async () => {
  const started = [...containers.map(({ args }) => args), await execStart(), /^CMD (\[.*\])$/m.exec(CONTAINERFILE)?.[1]].map((args) => (typeof args === 'string' ? (JSON.parse(args) as string[]) : (args ?? assert.fail('no CMD'))));
  for (const [command = '', ...args] of started) {
    assert.match(CLI, new RegExp(`^ {2}${command}: \\{ about`, 'm'), command);
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli.ts', command, ...args, '--help'], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  }
});

test('systemd takes the unit', async (t) => {
  assert.deepEqual((await execStart()).slice(0, 1), ['worker']);
  const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' });
  if (error !== undefined) t.diagnostic('there is no systemd-analyze here: only the sections were read');
  else assert.deepEqual([status, stderr], [0, '']);
});

test('The image has all that the service reads, and is set up when it is made', () => {
  const copied = [...CONTAINERFILE.matchAll(/^COPY --chown=\d+ (.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '));
  for (const path of copied) assert.ok(existsSync(join(ROOT, path)), path);
  for (const needed of ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'prisma.config.ts', 'prisma', 'migrations', 'src']) assert.ok(copied.includes(needed), needed);
  const entry = /^ENTRYPOINT \["node", "(.+)"\]$/m.exec(CONTAINERFILE)?.[1] ?? assert.fail('no ENTRYPOINT');
  assert.ok(existsSync(join(ROOT, entry)));
  assert.match(CONTAINERFILE, new RegExp(`^RUN node ${entry} setup `, 'm'));
  const { HOST, TAGGER_HOST, CACHE_DIR } = Object.fromEntries([...(/^ENV (.+)$/m.exec(CONTAINERFILE)?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value])) as Record<string, string>;
  const config = loadConfig({ HOST, TAGGER_HOST, CACHE_DIR });
  assert.deepEqual([config.host, config.taggerHost, config.cacheDir], ['0.0.0.0', '0.0.0.0', '/var/cache/mtmt']);
});

/** The models' validators take unknown fields, but read only those they know: what was never read is unknown. @throws where a known one is wrong */
function fieldsUnknownTo(model: Model, resource: object): string[] {
  const unknown = new Set<string>();
  model.prototype.validate.call(watched(resource, '', unknown));
  return [...unknown];
}

function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const target = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, watched(item, `${path}/${key}`, unread)]));
  for (const key of Object.keys(target)) unread.add(`${path}/${key}`);
  const copy = Array.isArray(value) ? Object.values(target) : target;
  return new Proxy(copy, {
    get(from, key) {
      if (typeof key === 'string') unread.delete(`${path}/${key}`);
      return Reflect.get(from, key) as unknown;
    },
  });
}

function misspelt(right: string, wrong: string): Resource {
  const [document = assert.fail()] = parseAllDocuments(MANIFEST.split('---\n')[1]?.replace(`${right}:`, `${wrong}:`) ?? '');
  return document.toJS() as Resource;
}

/** What follows mtmt's own entry. */
async function execStart(): Promise<string[]> {
  const unit = await readFile(UNIT, 'utf8');
  for (const section of ['Unit', 'Service', 'Install']) assert.match(unit, new RegExp(`^\\[${section}\\]$`, 'm'));
  const [, entry = '', args = ''] = /^ExecStart=\/usr\/bin\/env node (\S+) (.+)$/m.exec(unit) ?? assert.fail('no ExecStart');
  assert.ok(existsSync(join(ROOT, entry)));
  return args.split(' ');
}
