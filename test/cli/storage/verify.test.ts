import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { verify } from '../../../src/cli/storage/verify.ts';
import { openPlace } from './world.ts';

test('each artifact that a row needs is read, and each that is bad is named with both values', async (t) => {
  const place = await openPlace(t);
  const { store, storage, folder, output } = place;
  const [good, damaged, missing] = [await place.dataset('good'), await place.dataset('damaged'), await place.dataset('missing')];
  const run = await place.run();
  const weights = await place.checkpoint(run, { content: 'weights' });
  assert.equal(await verify({ store, storage, output }), 0);
  assert.match(output.lines.at(-1) ?? '', /4 artifacts .* all as they were written$/);

  await writeFile(join(folder, damaged.key), 'damageD');
  await rm(join(folder, missing.key));
  await store.checkpoint.update({ where: { checkpointId: weights.checkpointId }, data: { sizeBytes: 8n } });
  await store.dataset.update({ where: { datasetId: good.datasetId }, data: { digest: 'sha256:other' } });
  const others = await place.checkpoint(await place.run(), { content: 'other weights' });
  await store.checkpoint.update({ where: { checkpointId: others.checkpointId }, data: { manifest: { weightsDigest: 'sha256:strange' } } });
  output.lines.length = 0;
  assert.equal(await verify({ store, storage, output }), 5);
  const said = output.lines.join('\n');
  const hash = (key: string): string => /[0-9a-f]{64}/.exec(key)?.[0] ?? assert.fail(key);
  assert.match(said, new RegExp(`BAD {2}Dataset ${damaged.datasetId}: .*its 7 bytes have the digest sha256:[0-9a-f]{64}, expected sha256:${hash(damaged.key)}`));
  assert.match(said, new RegExp(`BAD {2}Dataset ${missing.datasetId}: The artifact ${missing.key} is not in storage`));
  assert.match(said, new RegExp(`BAD {2}Checkpoint ${weights.checkpointId}: ${weights.key} has 7 bytes, expected 8`));
  assert.match(said, new RegExp(`BAD {2}Dataset ${good.datasetId}: ${good.key} has the digest sha256:${hash(good.key)}, expected sha256:other`));
  assert.match(said, new RegExp(`BAD {2}manifest of Checkpoint ${others.checkpointId}: ${others.key} has the digest sha256:${hash(others.key)}, expected sha256:strange`));
});

test('the command looks at the storage and the database of its environment, and exits with 1 where something is bad', async (t) => {
  const place = await openPlace(t);
  const { key } = await place.dataset('a dataset');
  const env = { ...process.env, DATABASE_URL: place.databaseUrl, ARTIFACTS_DIR: place.folder };
  const mtmt = (...args: string[]): [number | null, string] => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../../../src/cli.ts'), 'storage', ...args], { env, encoding: 'utf8' });
    return [status, stdout + stderr];
  };
  assert.deepEqual(mtmt('verify'), [0, `${place.folder}: 1 artifacts (0.0 MB), all as they were written\n`]);
  assert.deepEqual(mtmt('collect', '--dry-run'), [0, `${place.folder}: would remove 0 artifacts (0.0 kB), kept 1\n`]);
  await writeFile(join(place.folder, key), 'another');
  const [status, said] = mtmt('verify');
  assert.equal(status, 1);
  assert.match(said, /^BAD {2}Dataset ds_/);
  assert.equal(mtmt('mend')[0], 2);
});
