/** Environment -> one frozen, validated Config. The only reader of process.env; everything else is handed a Config. */
import { isIP } from 'node:net';
import { homedir, totalmem, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { fail } from './errors.ts';

export type Devices = 'auto' | 'cpu' | readonly number[];

export interface Config {
  /** The API. */
  readonly host: string;
  readonly port: number;
  /** Whether API and tagger take other ports where theirs are in use. */
  readonly isAnyPortFine: boolean;
  /** Absent: an embedded Postgres in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** What must be kept: the embedded database and artifacts. */
  readonly dataDir: string;
  /** What can be made or fetched again: encoders, libtensorflow, kernels, teachers' outputs, compiled graphs. */
  readonly cacheDir: string;
  readonly encodersDir: string;
  /** Where pretrained encoders are downloaded from: HF_ENDPOINT, as in the ecosystem. */
  readonly hubUrl: string;
  /** Shared by all processes of an installation. */
  readonly artifactsDir: string;
  /** `s3://bucket/prefix`, which takes the place of the folder. */
  readonly artifactsUrl: string | undefined;
  /** Of an S3 other than AWS, by the SDK's own variables; it reads region and credentials itself. */
  readonly s3EndpointUrl: string | undefined;
  /** Of what S3 holds, at most this much is kept on this machine. */
  readonly artifactCacheBytes: number;
  /** Where the API finds a tagger, or a load balancer of some; absent: those that have reported themselves. */
  readonly taggerUrl: string | undefined;
  readonly taggerHost: string;
  readonly taggerPort: number;
  readonly defaultEncoder: string;
  readonly devices: Devices;
  /** Whether TensorFlow compiles what XLA can take. */
  readonly xla: boolean;
  readonly logLevel: LogLevel;
  readonly apiKeysFile: string | undefined;
  /** Whose X-Forwarded-For says who asks: nobody's, everybody's, or that of proxies at these addresses. */
  readonly trustProxy: boolean | readonly string[];
  readonly maxUploadBytes: number;
  /** How often workers show that they live. */
  readonly heartbeatSeconds: number;
  /** Of training, between two points from which a run can go on. */
  readonly resumeSeconds: number;
  /** Of trainers, from 0 to 19: how far they stand back from whoever answers requests on the same cores. */
  readonly trainerNice: number;
  /** Requests that may wait in the tagger before it answers 503. */
  readonly taggerQueue: number;
  /** Of matrix products in the tagger; `auto`: bfloat16 where the device multiplies it faster. */
  readonly taggerPrecision: 'auto' | 'float32' | 'bfloat16';
  /** Bytes of models in the tagger. */
  readonly taggerMemoryBytes: number;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names that Fastify has for the private ones. */
const NETWORKS: readonly string[] = ['loopback', 'linklocal', 'uniquelocal'];

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws CONFIG_INVALID naming the variable and its value */
export function loadConfig(variables: Environment = process.env): Config {
  // set but empty, as shells and compose files leave them, is not set: resolve('') would be the working directory
  const env: Environment = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const dataDir = resolve(env['DATA_DIR'] ?? defaultDataDir());
  const cacheDir = resolve(env['CACHE_DIR'] ?? join(homedir(), '.cache', 'mtmt'));
  return Object.freeze({
    host: env['HOST'] ?? '127.0.0.1',
    port: wholeNumber(env, 'PORT', 8000, 0, 65535),
    isAnyPortFine: oneOf(env, 'FREE_PORTS', ['on', 'off'] as const, 'off') === 'on',
    databaseUrl: databaseUrl(env),
    dataDir,
    cacheDir,
    encodersDir: resolve(env['ENCODERS_DIR'] ?? join(cacheDir, 'encoders')),
    hubUrl: url(env, 'HF_ENDPOINT') ?? 'https://huggingface.co',
    artifactsDir: resolve(env['ARTIFACTS_DIR'] ?? join(dataDir, 'artifacts')),
    artifactsUrl: artifactsUrl(env),
    s3EndpointUrl: url(env, 'AWS_ENDPOINT_URL_S3') ?? url(env, 'AWS_ENDPOINT_URL'),
    artifactCacheBytes: wholeNumber(env, 'ARTIFACT_CACHE_BYTES', 20 * 1024 ** 3, 0, Number.MAX_SAFE_INTEGER),
    taggerUrl: url(env, 'TAGGER_URL'),
    taggerHost: env['TAGGER_HOST'] ?? '127.0.0.1',
    taggerPort: wholeNumber(env, 'TAGGER_PORT', 8001, 0, 65535),
    defaultEncoder: env['DEFAULT_ENCODER'] ?? 'multilingual-e5-small',
    devices: devices(env),
    xla: oneOf(env, 'XLA', ['on', 'off'] as const, 'off') === 'on',
    logLevel: oneOf(env, 'LOG_LEVEL', LOG_LEVELS, 'info'),
    apiKeysFile: env['API_KEYS_FILE'],
    trustProxy: trustProxy(env),
    maxUploadBytes: wholeNumber(env, 'MAX_UPLOAD_BYTES', 2 * 1024 ** 3, 1, Number.MAX_SAFE_INTEGER),
    heartbeatSeconds: wholeNumber(env, 'HEARTBEAT_SECONDS', 10, 10, 30),
    resumeSeconds: wholeNumber(env, 'RESUME_SECONDS', 60, 0, 24 * 60 * 60),
    trainerNice: wholeNumber(env, 'TRAINER_NICE', 10, 0, 19),
    taggerPrecision: oneOf(env, 'TAGGER_PRECISION', ['auto', 'float32', 'bfloat16'] as const, 'auto'),
    taggerMemoryBytes: wholeNumber(env, 'TAGGER_MEMORY', Math.floor(memoryBytes() / 4), 1, Number.MAX_SAFE_INTEGER),
    taggerQueue: wholeNumber(env, 'TAGGER_QUEUE', 512, 1, 100_000),
  });
}

/** For processes with one device: the first that is named. */
export function backendOptions({ devices, xla }: Config): { device: 'auto' | 'cpu' | number; xla: boolean } {
  return { device: typeof devices === 'string' ? devices : (devices[0] ?? 'auto'), xla };
}

function defaultDataDir(): string {
  // Postgres refuses to run as root, and its own user cannot enter root's home
  return userInfo().uid === 0 ? '/var/lib/mtmt' : join(homedir(), '.local', 'share', 'mtmt');
}

/** Of this machine, or of the container where that has less. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

function wholeNumber(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw fail('CONFIG_INVALID', { name, found: text, expected: `a whole number from ${min} to ${max}` });
  return value;
}

function oneOf<T extends string>(env: Environment, name: string, allowed: readonly T[], fallback: T): T {
  const text = env[name];
  if (text === undefined) return fallback;
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw fail('CONFIG_INVALID', { name, found: text, expected: allowed.join(', ') });
  return found;
}

function url(env: Environment, name: string): string | undefined {
  const text = env[name];
  if (text === undefined) return undefined;
  if (!URL.canParse(text)) throw fail('CONFIG_INVALID', { name, found: text, expected: 'a URL' });
  return text;
}

function artifactsUrl(env: Environment): string | undefined {
  const text = env['ARTIFACTS_URL'];
  if (text !== undefined && !/^s3:\/\/[a-z0-9][a-z0-9.-]+[a-z0-9](\/[\w./-]*)?$/.test(text)) throw fail('CONFIG_INVALID', { name: 'ARTIFACTS_URL', found: text, expected: 's3://bucket or s3://bucket/prefix' });
  return text;
}

function databaseUrl(env: Environment): string | undefined {
  const text = env['DATABASE_URL'];
  if (text === undefined) return undefined;
  // the value holds a password and is not repeated
  if (!/^postgres(ql)?:\/\//.test(text)) throw fail('CONFIG_INVALID', { name: 'DATABASE_URL', found: 'something else', expected: 'postgres://…' });
  return text;
}

/** As Fastify's option has it, which takes the same names of networks. A number of proxies it believes no longer: whoever reaches the API could say as many. */
function trustProxy(env: Environment): boolean | readonly string[] {
  const text = env['TRUST_PROXY'] ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  const networks = text.split(',').map((part) => part.trim());
  if (!networks.every(isNetwork)) throw fail('CONFIG_INVALID', { name: 'TRUST_PROXY', found: text, expected: 'true, false, or addresses and networks such as 10.0.0.0/8' });
  return Object.freeze(networks);
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '1', ...more] = text.split('/');
  const version = isIP(address);
  const isPrefix = /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
  return NETWORKS.includes(text) || (version !== 0 && isPrefix && more.length === 0);
}

function devices(env: Environment): Devices {
  const text = env['DEVICES'] ?? 'auto';
  if (text === 'auto' || text === 'cpu') return text;
  const numbers = text.split(',').map((part) => (/^\s*\d{1,3}\s*$/.test(part) ? Number(part) : NaN));
  if (numbers.some(Number.isNaN) || new Set(numbers).size < numbers.length) throw fail('CONFIG_INVALID', { name: 'DEVICES', found: text, expected: 'auto, cpu, or numbers of GPUs such as 0,1' });
  return Object.freeze(numbers);
}
