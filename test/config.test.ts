import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backendOptions, loadConfig } from '../src/config.ts';

test('an empty environment gives a whole, frozen configuration', () => {
  const config = loadConfig({});
  assert.equal(config.port, 8000);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.artifactsDir, `${config.dataDir}/artifacts`);
  assert.equal(config.artifactsUrl, undefined);
  assert.equal(config.encodersDir, `${config.cacheDir}/encoders`);
  assert.ok(Object.isFrozen(config));
});

test('a variable that is set but empty is not set', () => {
  const names = ['PORT', 'HOST', 'DATABASE_URL', 'DATA_DIR', 'CACHE_DIR', 'ARTIFACTS_DIR', 'ARTIFACTS_URL', 'ARTIFACT_CACHE_BYTES', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'DEVICES', 'XLA', 'LOG_LEVEL', 'TAGGER_URL', 'API_KEYS_FILE', 'TRUST_PROXY'];
  assert.deepEqual(loadConfig(Object.fromEntries(names.map((name) => [name, '']))), loadConfig({}));
});

test('devices are all, none, or numbers', () => {
  assert.equal(loadConfig({ DEVICES: 'cpu' }).devices, 'cpu');
  assert.deepEqual(loadConfig({ DEVICES: '0, 2' }).devices, [0, 2]);
});

test('proxies are nobody, everybody, or those at addresses', () => {
  for (const [text, expected] of [['false', false], ['true', true], ['10.0.0.1, fd00::/8,loopback', ['10.0.0.1', 'fd00::/8', 'loopback']]] as const) {
    assert.deepEqual(loadConfig({ TRUST_PROXY: text }).trustProxy, expected);
  }
});

test('a process of one device takes the first that is named, and XLA only where it is asked for', () => {
  assert.deepEqual(backendOptions(loadConfig({})), { device: 'auto', xla: false });
  assert.deepEqual(backendOptions(loadConfig({ DEVICES: '2,0', XLA: 'on' })), { device: 2, xla: true });
});

for (const [name, value] of [['PORT', '80a'], ['PORT', '70000'], ['PORT', '1.5'], ['LOG_LEVEL', 'loud'], ['DEVICES', '0,'], ['DEVICES', '1,1'], ['DEVICES', '-1'], ['XLA', 'yes'], ['TAGGER_URL', 'tagger'], ['ARTIFACTS_URL', 's3:bucket'], ['ARTIFACTS_URL', 'https://bucket/prefix'], ['ARTIFACTS_URL', 's3://bucket/a b'], ['ARTIFACT_CACHE_BYTES', '-1'], ['RESUME_SECONDS', '-1'], ['TRAINER_NICE', '20'], ['TRAINER_NICE', '-1'], ['TRUST_PROXY', '1'], ['TRUST_PROXY', 'balancer'], ['TRUST_PROXY', '10.0.0.0/33'], ['TRUST_PROXY', '0.0.0.0/0'], ['TRUST_PROXY', '10.0.0.1,']] as const) {
  test(`${name}=${value} is refused by name and value`, () => {
    assert.throws(() => loadConfig({ [name]: value }), { code: 'CONFIG_INVALID', message: new RegExp(`${name} is "${value}"`) });
  });
}

test('artifacts may lie in S3, whose address the SDK\'s own variables say', () => {
  for (const url of ['s3://bucket', 's3://my.bucket-1/', 's3://bucket/some/prefix_1']) assert.equal(loadConfig({ ARTIFACTS_URL: url }).artifactsUrl, url);
  const [one, other] = ['http://one:9000', 'http://other:9000'];
  assert.equal(loadConfig({ AWS_ENDPOINT_URL: one }).s3EndpointUrl, one);
  assert.equal(loadConfig({ AWS_ENDPOINT_URL: one, AWS_ENDPOINT_URL_S3: other }).s3EndpointUrl, other);
});

test('a wrong DATABASE_URL is refused without repeating it, since it may hold a password', () => {
  assert.throws(() => loadConfig({ DATABASE_URL: 'mysql://me:secret@host/db' }), (error: Error) => /DATABASE_URL/.test(error.message) && !error.message.includes('secret'));
});
