import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { UnpluginMessage } from 'unplugin';
import { declareModel } from '../api/bindings.js';
import {
  type Config,
  type LoadedConfig,
  loadConfig,
  type ModelOptions,
  optionsFor,
  parseOptions,
} from '../api/config.js';
import { findConfig, packageFolder } from '../api/config-file.js';
import { configSchema } from '../api/config-schema.js';
import { writeText } from '../api/files.js';
import { load } from '../api/load.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { renderDiagnostic } from '../diagnostics/render.js';
import { type Built, buildModel } from './build.js';
import { FolderCache } from './cache.js';
import { Importers, showPlace } from './importers.js';
import { type ModelRequest, queryOptions } from './query.js';

/** Options of the build plugin; they win over those of `resonnx.config.ts`. */
export interface PluginOptions extends Config {
  /** Path of the configuration file; `false` reads none. */
  readonly config?: string | false;
  /** Folder of the project; what the bundler calls its root when absent. */
  readonly root?: string;
}

/** The project that is built: its settings, its cache, and who imports which model. */
export class Project {
  root: string;
  readonly importers = new Importers();
  readonly #options: PluginOptions;
  #config: Promise<LoadedConfig> | undefined;

  constructor(options: PluginOptions) {
    this.#options = options;
    this.root = resolve(options.root ?? process.cwd());
  }

  /** Takes the bundler's root, unless the user gave one. */
  setRoot(root: string | undefined): void {
    if (root !== undefined && this.#options.root === undefined) this.root = resolve(root);
  }

  /** Reads the configuration anew when it is asked for next. */
  forgetConfig(): void {
    this.#config = undefined;
  }

  async build(request: ModelRequest, watch: (file: string) => void): Promise<Built> {
    // Watched before it is read: a mistake in it can be mended.
    const file = this.#configFile();
    if (file !== undefined) watch(file);
    const { config } = await this.#settings();
    const options = optionsFor(
      config,
      request.path,
      file === undefined ? this.root : dirname(file),
      queryOptions(request),
    );
    const folder = config.cacheDir ?? join(packageFolder(this.root), 'node_modules', '.cache', 'resonnx');
    const cache = cacheOf(resolve(this.root, folder));
    const built = await buildModel(request.path, atRoot(options, this.root), cache, (files) => files.forEach(watch));
    if (config.types) await writeTypes(request.path);
    return built;
  }

  #configFile(): string | undefined {
    const { config } = this.#options;
    if (config === false) return undefined;
    return config === undefined ? findConfig(this.root) : resolve(this.root, config);
  }

  async #settings(): Promise<LoadedConfig> {
    this.#config ??= this.#loadSettings();
    return this.#config;
  }

  async #loadSettings(): Promise<LoadedConfig> {
    const { config: given, root: _, ...own } = this.#options;
    const checked = parseOptions(configSchema, own, 'options of the plugin');
    const loaded = given === false ? { config: {} } : await loadConfig(this.root, given);
    const models = { ...loaded.config.models, ...checked.models };
    return { ...loaded, config: { ...loaded.config, ...checked, models } };
  }
}

/** Paths of recipes and parameters are relative to the project. */
function atRoot(options: ModelOptions, root: string): ModelOptions {
  const { recipe, params } = options;
  return {
    ...options,
    ...(typeof recipe === 'string' && { recipe: resolve(root, recipe) }),
    ...(params !== undefined && { params: resolve(root, params) }),
  };
}

/** One cache for each folder, so that all builds of this process share what is being made. */
const caches = new Map<string, FolderCache>();

function cacheOf(folder: string): FolderCache {
  const known = caches.get(folder) ?? new FolderCache(folder);
  caches.set(folder, known);
  return known;
}

async function writeTypes(path: string): Promise<void> {
  const out = path.replace(/\.onnx$/, '.d.onnx.ts');
  const text = await declareModel(await load(path));
  if (!existsSync(out) || readFileSync(out, 'utf8') !== text) writeText(out, text);
}

/** The file that an import means, as far as can be told without the bundler. */
export function locate(specifier: string, importer: string | undefined, root: string): string | undefined {
  if (isAbsolute(specifier)) return existsSync(specifier) ? specifier : join(root, specifier);
  const folder = importer === undefined ? root : dirname(importer.replace(/\?.*$/s, ''));
  if (specifier.startsWith('.')) return resolve(folder, specifier);
  try {
    return createRequire(join(folder, '_.js')).resolve(specifier);
  } catch {
    return undefined;
  }
}

/** The message of what went wrong with an imported model, at its import. */
export function messageOf(cause: unknown, id: string, project: Project): UnpluginMessage {
  const place = project.importers.find(id);
  const text =
    cause instanceof ResonnxError
      ? cause.diagnostics.map((each) => renderDiagnostic(each)).join('\n')
      : `internal error: ${String(cause)}\n  This is a defect of resonnx, not of your model; please report it.`;
  const from = place ? `\n  imported at ${showPlace(place, project.root)}` : '';
  return { message: `${text}${from}`, ...(place && { id: place.file, loc: place }), plugin: 'resonnx' };
}
