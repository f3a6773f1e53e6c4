/** Writes openapi/openapi.json from the routes' schemas; with --check it only fails where the file is stale. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildApp, type AppDependencies } from './app.ts';

export const OPENAPI_PATH = fileURLToPath(new URL('../openapi/openapi.json', import.meta.url));

/** The document as text. No route runs for it, so that nothing behind the routes is needed. */
export async function openApiDocument(): Promise<string> {
  const events = { wait: () => Promise.resolve(), close: () => Promise.resolve(), isClosed: false };
  const app = await buildApp({ config: { maxUploadBytes: 1, apiKeysFile: undefined, trustProxy: false }, events } as unknown as AppDependencies);
  await app.ready();
  const document = app.swagger();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await openApiDocument();
  const known = await readFile(OPENAPI_PATH, 'utf8').catch(() => '');
  if (!process.argv.includes('--check')) await writeFile(OPENAPI_PATH, text);
  else if (known !== text) {
    process.stderr.write('openapi/openapi.json is stale; run: npm run openapi\n');
    process.exitCode = 1;
  } else process.stdout.write('openapi/openapi.json is current.\n');
}
