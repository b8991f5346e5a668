import { extname, resolve } from 'node:path';
import { recipeMalformed } from '../diagnostics/codes/recipe.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { readBinary, reasonOf } from './files.js';
import { importDefault } from './module-file.js';

/**
 * The recipe in a file: JSON, or a TypeScript or JavaScript module's default export.
 * @throws ResonnxError `file/unreadable`, `recipe/malformed`
 */
export async function readRecipe(path: string): Promise<unknown> {
  const bytes = readBinary(path);
  try {
    if (extname(path) === '.json') return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    return await importDefault(resolve(path));
  } catch (cause) {
    const at = { file: path, path: '' };
    throw new ResonnxError([recipeMalformed(at, `the recipe cannot be read: ${reasonOf(cause)}`)], { cause });
  }
}
