import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const CANDIDATES = [
  process.env['CHROMIUM_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** The browser to test with; `undefined` where none is installed, which the tests say on standard error. */
export const chromiumPath = CANDIDATES.find((path) => path !== '' && existsSync(path));

if (chromiumPath === undefined) {
  process.stderr.write('No Chromium is installed: what runs in a browser is not tested (apt-get install chromium).\n');
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * What a page of a web site leaves in `globalThis.result`; its errors become the error of this. Each of `changes` is called then, and
 * what the page leaves next that is something else follows.
 */
export async function resultsOfPage(
  url: string,
  ...changes: readonly (() => void | Promise<void>)[]
): Promise<readonly unknown[]> {
  const browser = await chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const failed = new Promise<never>((_, reject) => {
      page.on('pageerror', reject);
    });
    failed.catch(() => undefined);
    const next = async (before: string): Promise<string> => {
      const changed = `globalThis.result !== undefined && JSON.stringify(globalThis.result) !== ${JSON.stringify(before)}`;
      // The page may be loaded again right now.
      const ready = page.waitForFunction(`${changed} && JSON.stringify(globalThis.result)`, undefined, {
        timeout: 60_000,
      });
      return (await (await Promise.race([ready, failed])).jsonValue()) as string;
    };
    await page.goto(url);
    const results = [await next('')];
    for (const change of changes) {
      await change();
      results.push(await next(results.at(-1)!));
    }
    return results.map((result) => JSON.parse(result) as unknown);
  } finally {
    await browser.close();
  }
}

/** What a page leaves; see {@link resultsOfPage}. */
export async function resultOfPage(url: string): Promise<unknown> {
  const [result] = await resultsOfPage(url);
  return result;
}

/** Serves a folder, and folders under other paths, while `use` runs. */
export async function withServer<T>(
  folder: string,
  mounts: Readonly<Record<string, string>>,
  use: (origin: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const [prefix, mounted] = Object.entries(mounts).find(([each]) => path.startsWith(each)) ?? ['/', folder];
    const name = path.slice(prefix.length);
    const file = join(mounted, name === '' ? 'index.html' : name);
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
