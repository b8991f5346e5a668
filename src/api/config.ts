import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { createJiti } from 'jiti';
import { lilconfig } from 'lilconfig';
import type { z } from 'zod';
import { configInvalid, configUnreadable } from '../diagnostics/codes/config.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import { type Config, configSchema, type ModelOptions } from './config-schema.js';
import { reasonOf } from './files.js';

export { type Config, type ModelOptions } from './config-schema.js';

/** A configuration with the file that it came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly file?: string;
}

/** Types the default export of `resonnx.config.ts`. */
export function defineConfig(config: Config): Config {
  return config;
}

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `resonnx.config.${extension}`);

/**
 * The configuration of a folder: `resonnx.config.ts` (or .mts, .js, .mjs, .json) there or in a folder above, up to the one that holds
 * a package.json. `given` names a file instead. What no file says is empty.
 * @throws ResonnxError `config/unreadable`, `config/invalid`
 */
export async function loadConfig(folder: string, given?: string): Promise<LoadedConfig> {
  const run = async (path: string): Promise<unknown> =>
    createJiti(path, { interopDefault: true, moduleCache: false, fsCache: false }).import(path, { default: true });
  const loaders = { '.ts': run, '.mts': run, '.js': run, '.mjs': run };
  const finder = lilconfig('resonnx', { searchPlaces: NAMES, loaders, stopDir: packageFolder(folder), cache: false });
  const found = await (given === undefined ? finder.search(folder) : finder.load(resolve(folder, given))).catch(
    (cause: unknown) => {
      throw new ResonnxError([configUnreadable(given ?? folder, reasonOf(cause))], { cause });
    },
  );
  if (!found) return { config: {} };
  return { config: parseOptions(configSchema, found.config ?? {}, found.filepath), file: found.filepath };
}

/** Checks options against a schema. @throws ResonnxError `config/invalid` with every problem */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, file: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    configInvalid(file, path.map(String).join('.'), message),
  );
  throw new ResonnxError(problems as [Diagnostic, ...Diagnostic[]]);
}

/** The folder of the package.json that is nearest above a folder, or the folder itself. */
export function packageFolder(folder: string): string {
  for (let each = resolve(folder); ; each = dirname(each)) {
    if (existsSync(join(each, 'package.json'))) return each;
    if (dirname(each) === each) return resolve(folder);
  }
}

/** Options of the model at a path: the configuration's, then those of each pattern that fits, then the ones given for it. */
export function optionsFor(config: Config, path: string, root: string, given: ModelOptions = {}): ModelOptions {
  const { models = {}, types: _types, cacheDir: _cacheDir, ...common } = config;
  const name = relative(root, path).split(sep).join('/');
  const fitting = Object.entries(models).filter(([pattern]) => patternOf(pattern).test(name));
  return Object.assign({}, common, ...fitting.map(([, options]) => options), given);
}

/** `*` stands for anything within a folder's name, `**` for folders; a pattern without `/` fits a file's name anywhere. */
function patternOf(pattern: string): RegExp {
  const source = pattern.replace(/^\.\//, '').replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${pattern.includes('/') ? '' : '(?:.*/)?'}${source}$`);
}
