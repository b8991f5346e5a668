import { readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { recipeMalformed } from '../diagnostics/codes/recipe.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { reasonOf } from './files.js';
import { importDefault } from './module-file.js';

/** The recipe in a file: JSON, or a TypeScript or JavaScript module's default export. @throws ResonnxError `recipe/malformed` */
export async function readRecipe(path: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return await importDefault(resolve(path));
  } catch (cause) {
    const at = { file: path, path: '' };
    throw new ResonnxError([recipeMalformed(at, `the recipe cannot be read: ${reasonOf(cause)}`)], { cause });
  }
}
