import { readFileSync } from 'node:fs';
import { extname, relative, resolve, sep } from 'node:path';
import type { z } from 'zod';
import { configInvalid, configUnreadable } from '../diagnostics/codes/config.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import { findConfig } from './config-file.js';
import { type Config, configSchema, type ModelOptions } from './config-schema.js';
import { reasonOf } from './files.js';
import { importDefault } from './module-file.js';
import type { OptimizeOptions } from './optimize.js';
import { readShapes } from './shapes.js';

export { type Config, type ModelOptions } from './config-schema.js';

/** A configuration with the file that it came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly file?: string;
}

/**
 * The configuration of a folder, see {@link findConfig}; `given` names a file instead. What no file says is empty.
 * @throws ResonnxError `config/unreadable`, `config/invalid`
 */
export async function loadConfig(folder: string, given?: string): Promise<LoadedConfig> {
  const file = given === undefined ? findConfig(folder) : resolve(folder, given);
  if (file === undefined) return { config: {} };
  return { config: parseOptions(configSchema, await evaluate(file), file), file };
}

async function evaluate(file: string): Promise<unknown> {
  try {
    if (extname(file) === '.json') return JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return await importDefault(file);
  } catch (cause) {
    throw new ResonnxError([configUnreadable(file, reasonOf(cause))], { cause });
  }
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

/** What of these options is for optimizing. */
export function optimizeOptions(options: ModelOptions): OptimizeOptions {
  return {
    ...picked(options, ['target', 'opset', 'skip', 'only', 'maxGrowth', 'verify', 'samples', 'seed']),
    ...(options.shapes && { shapes: readShapes(options.shapes) }),
  };
}

/** The named options that are given. */
export function picked<K extends keyof ModelOptions>(
  options: ModelOptions,
  names: readonly K[],
): { readonly [N in K]?: NonNullable<ModelOptions[N]> } {
  const found = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(found) as { readonly [N in K]?: NonNullable<ModelOptions[N]> };
}
