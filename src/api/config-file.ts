import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `resonnx.config.${extension}`);

/**
 * The configuration file of a folder: `resonnx.config.ts` (or .mts, .js, .mjs, .json) there or in a folder above, up to the one that
 * holds a package.json.
 */
export function findConfig(folder: string): string | undefined {
  const last = packageFolder(folder);
  for (let each = resolve(folder); ; each = dirname(each)) {
    const found = NAMES.map((name) => join(each, name)).find((path) => existsSync(path));
    if (found !== undefined || each === last) return found;
  }
}

/** The folder of the package.json that is nearest above a folder, or the folder itself. */
export function packageFolder(folder: string): string {
  for (let each = resolve(folder); ; each = dirname(each)) {
    if (existsSync(join(each, 'package.json'))) return each;
    if (dirname(each) === each) return resolve(folder);
  }
}
