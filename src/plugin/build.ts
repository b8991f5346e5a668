import { createHash, type Hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { type ModelOptions, optimizeOptions, picked } from '../api/config.js';
import { emitFile } from '../api/emit.js';
import { externalFilesOf } from '../api/write.js';
import { fileSource, readBinary } from '../api/files.js';
import { load } from '../api/load.js';
import { optimize } from '../api/optimize.js';
import { readRecipe } from '../api/recipe-file.js';
import { countNodes } from '../api/report.js';
import { rewrite } from '../api/rewrite.js';
import { describePorts } from '../bindings/ports.js';
import type { Model } from '../ir/model.js';
import type { ExternalData } from '../onnx/externalize.js';
import { findRuntimes } from '../numerics/ort-installed.js';
import { parseSize } from '../support/size.js';
import { readNpz } from '../tensor/npy.js';
import type { FolderCache } from './cache.js';
import type { ModelInfo } from './handle.js';

/** A model made ready, in the cache. */
export interface Built {
  readonly folder: string;
  /** Name of the model's file in the folder. */
  readonly file: string;
  readonly info: BuiltInfo;
}

/** What is kept beside the model: all of the handle but the addresses, which the bundler decides. */
export type BuiltInfo = Omit<ModelInfo, 'url' | 'externalData'> & {
  readonly externalData: readonly string[];
  /** Why what was asked for could not be done. */
  readonly warning?: string;
};

/** Name of the file that tells about the model beside it. */
export const INFO = 'resonnx-model.json';
const CHUNK = 2 ** 26;

/** Makes a model ready, or finds it as it was made before for the same content, options and versions. */
export async function buildModel(
  path: string,
  options: ModelOptions,
  cache: FolderCache,
  onSources: (files: readonly string[]) => void,
): Promise<Built> {
  onSources([path]);
  const given = await load(path);
  const data = externalFilesOf(given).map((name) => join(dirname(path), name));
  const { recipe, params } = options;
  onSources([...data, ...[recipe, params].filter((each) => typeof each === 'string').map((each) => resolve(each))]);
  // What a recipe says counts, not how its file says it, which may import others.
  const settled = typeof recipe === 'string' ? { ...options, recipe: await recipeAt(recipe) } : options;
  const files = [path, ...data, ...(params === undefined ? [] : [resolve(params)])];
  const folder = await cache.get(keyOf(files, settled), (staged) => make(given, settled, staged));
  const info = JSON.parse(readFileSync(join(folder, INFO), 'utf8')) as BuiltInfo;
  return { folder, file: basename(path), info };
}

async function recipeAt(path: string): Promise<NonNullable<ModelOptions['recipe']>> {
  return (await readRecipe(path)) as NonNullable<ModelOptions['recipe']>;
}

/** Hash of everything that decides what comes out. */
function keyOf(files: readonly string[], options: ModelOptions): string {
  const { version } = createRequire(import.meta.url)('resonnx/package.json') as { version: string };
  const runtimes = options.verify === false ? [] : findRuntimes().map(({ name, version: which }) => [name, which]);
  const hash = createHash('sha256').update(JSON.stringify([version, runtimes, sorted(options), basename(files[0]!)]));
  for (const file of files) addFile(hash, file);
  return hash.digest('hex').slice(0, 32);
}

function addFile(hash: Hash, path: string): void {
  const source = fileSource(path);
  hash.update(`\0${basename(path)}\0${source.size}\0`);
  for (let at = 0; at < source.size; at += CHUNK) hash.update(source.read(at, Math.min(CHUNK, source.size - at)));
}

function sorted(options: ModelOptions): object {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function make(given: Model, options: ModelOptions, folder: string): Promise<void> {
  const file = basename(given.source.name);
  const { model, metadata, ...outcome } = await transform(given, options);
  const { files, bytes } = emitFile(model, join(folder, file), {
    metadata,
    externalData: placement(given, file, options),
  });
  const info: BuiltInfo = {
    ...describePorts(model),
    externalData: files.map((each) => basename(each)).filter((name) => name !== file),
    report: {
      target: options.target ?? 'standard',
      nodes: { before: countNodes(given), after: countNodes(model) },
      bytes: { before: given.source.bytes, after: bytes },
      verification: outcome.verification,
    },
    ...(outcome.warning !== undefined && { warning: outcome.warning }),
  };
  writeFileSync(join(folder, INFO), JSON.stringify(info));
}

/** Weights stay inside where they were; else they go into one file, or several, named as transformers.js looks for them. */
function placement(model: Model, file: string, { split }: ModelOptions): ExternalData {
  const name = `${file}_data`;
  const size = typeof split === 'string' ? parseSize(split) : split;
  if (size !== undefined) return { kind: 'split', name, size };
  return externalFilesOf(model).length > 0 ? { kind: 'file', name } : { kind: 'none' };
}

interface Outcome {
  readonly model: Model;
  readonly metadata: Readonly<Record<string, string>>;
  readonly verification: string;
  readonly warning?: string;
}

async function transform(given: Model, options: ModelOptions): Promise<Outcome> {
  let current: Outcome = { model: given, metadata: {}, verification: 'unchanged' };
  if (options.recipe !== undefined) current = await carryOut(given, options.recipe, options);
  if (options.optimize === false) return current;
  const { model, metadata, report } = await optimize(current.model, optimizeOptions(options));
  const { status, why } = report.verification;
  const warning = status === 'unverifiable' ? `it is left as it was: ${why}` : undefined;
  return {
    model,
    metadata: { ...current.metadata, ...metadata },
    verification: status,
    ...(warning !== undefined && { warning }),
  };
}

async function carryOut(given: Model, recipe: unknown, options: ModelOptions): Promise<Outcome> {
  const { model, metadata, report } = await rewrite(given, recipe, {
    ...picked(options, ['verify', 'samples', 'seed', 'allow']),
    ...(options.params !== undefined && { parameters: readNpz(readBinary(options.params), options.params) }),
  });
  return { model, metadata, verification: report.verification.status };
}
