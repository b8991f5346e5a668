import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUnplugin, type UnpluginBuildContext, type UnpluginContext, type UnpluginMessage } from 'unplugin';
import { declareModel } from '../api/bindings.js';
import { type Config, type LoadedConfig, loadConfig, optionsFor, packageFolder, parseOptions } from '../api/config.js';
import { configSchema } from '../api/config-schema.js';
import { writeText } from '../api/files.js';
import { load } from '../api/load.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { renderDiagnostic } from '../diagnostics/render.js';
import { type Built, buildModel } from './build.js';
import { FolderCache } from './cache.js';
import { type EmitAsset, esbuildAsset, moduleCode, viteAsset, webpackAsset } from './code.js';
import { Importers, showPlace } from './importers.js';
import { type ModelRequest, modelRequest, queryOptions } from './query.js';

/** Options of the build plugin; they win over those of `resonnx.config.ts`. */
export interface PluginOptions extends Config {
  /** Path of the configuration file; `false` reads none. */
  readonly config?: string | false;
  /** Folder of the project; what the bundler calls its root when absent. */
  readonly root?: string;
}

type Context = UnpluginBuildContext & UnpluginContext;
/** What Rollup, Rolldown and Vite add to the context. */
interface ResolvingContext {
  resolve?(id: string, importer?: string, options?: object): Promise<{ readonly id: string } | null>;
}

const HANDLE = fileURLToPath(new URL('./handle.js', import.meta.url));

/** One build's state. */
class ModelPlugin {
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
    const { config, file } = await this.#settings();
    if (file !== undefined) watch(file);
    const options = optionsFor(config, request.path, this.root, queryOptions(request));
    const folder = config.cacheDir ?? join(packageFolder(this.root), 'node_modules', '.cache', 'resonnx');
    const cache = cacheOf(resolve(this.root, folder));
    const built = await buildModel(request.path, atRoot(options, this.root), cache, (files) => files.forEach(watch));
    if (config.types) await writeTypes(request.path);
    return built;
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
function atRoot(options: ReturnType<typeof optionsFor>, root: string): ReturnType<typeof optionsFor> {
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

/** How this bundler takes files in. Rollup and Rolldown are given the bytes. */
function assetsOf(framework: string, context: Context, isModule: boolean): EmitAsset {
  if (framework === 'vite') return viteAsset;
  if (framework === 'esbuild') return esbuildAsset(isModule);
  if (framework !== 'rollup' && framework !== 'rolldown') return webpackAsset;
  const { emitFile } = context as unknown as { emitFile(file: object): string };
  return (path) => {
    const reference = emitFile.call(context, { type: 'asset', name: basename(path), source: readFileSync(path) });
    return { imports: '', url: `import.meta.ROLLUP_FILE_URL_${reference}` };
  };
}

/** The file that an import means, as far as can be told without the bundler. */
function locate(specifier: string, importer: string | undefined, root: string): string | undefined {
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
function messageOf(cause: unknown, id: string, plugin: ModelPlugin): UnpluginMessage {
  const place = plugin.importers.find(id);
  const text =
    cause instanceof ResonnxError
      ? cause.diagnostics.map((each) => renderDiagnostic(each)).join('\n')
      : `internal error: ${String(cause)}\n  This is a defect of resonnx, not of your model; please report it.`;
  const from = place ? `\n  imported at ${showPlace(place, plugin.root)}` : '';
  return { message: `${text}${from}`, ...(place && { id: place.file, loc: place }), plugin: 'resonnx' };
}

/** The plugin for every bundler that unplugin serves; `resonnx/vite`, `resonnx/webpack` and so on give it for one. */
export const unplugin = createUnplugin<PluginOptions | undefined>((options = {}, { framework }) => {
  const plugin = new ModelPlugin(options);
  const resolvesItself = framework === 'webpack' || framework === 'rspack';
  let isModule = true;
  const isCached = (path: string): boolean => existsSync(join(dirname(path), 'resonnx.json'));
  const ours = (id: string): ModelRequest | undefined => {
    const request = modelRequest(id);
    return request && !isCached(request.path) ? request : undefined;
  };
  return {
    name: 'resonnx',
    enforce: 'pre',
    ...(!resolvesItself && {
      async resolveId(this: Context, specifier: string, importer: string | undefined) {
        const request = ours(specifier);
        if (!request) return null;
        const { resolve: ask } = this as ResolvingContext;
        const found = await ask?.call(this, request.path, importer, { skipSelf: true });
        const path = found ? found.id.replace(/\?.*$/s, '') : locate(request.path, importer, plugin.root);
        if (path === undefined) return null;
        const id = request.query === '' ? path : `${path}?${request.query}`;
        plugin.importers.add(id, specifier, importer);
        return id;
      },
    }),
    loadInclude: (id: string) => ours(id) !== undefined,
    async load(this: Context, id: string) {
      const request = ours(id);
      if (!request) return null;
      try {
        const built = await plugin.build(request, (file) => this.addWatchFile(file));
        const { warning } = built.info;
        if (warning !== undefined) this.warn(`${basename(request.path)}: ${warning}`);
        return { code: moduleCode(built, assetsOf(framework, this, isModule), HANDLE), map: null };
      } catch (cause) {
        const message = messageOf(cause, id, plugin);
        if (resolvesItself) throw new Error(message.message, { cause });
        this.error(message);
        return 'export default undefined;'; // where an error does not throw, it counts only with a module beside it
      }
    },
    watchChange: () => plugin.forgetConfig(),
    vite: { configResolved: ({ root }: { readonly root: string }) => plugin.setRoot(root) },
    webpack: ({ context, hooks }) => {
      plugin.setRoot(context);
      hooks.watchRun.tap('resonnx', () => plugin.forgetConfig());
    },
    rspack: ({ context, hooks }) => {
      plugin.setRoot(context);
      hooks.watchRun.tap('resonnx', () => plugin.forgetConfig());
    },
    esbuild: {
      onResolveFilter: /\.onnx(?:\?|$)/,
      onLoadFilter: /\.onnx(?:\?|$)/,
      loader: 'js' as const,
      config(esbuild) {
        plugin.setRoot(esbuild.absWorkingDir);
        isModule = esbuild.format === 'esm';
        esbuild.loader = { ...FILE_LOADERS, ...esbuild.loader };
      },
    },
  };
});

/** Chunks of weights that one model can have, as transformers.js counts them. */
const MAX_CHUNKS = 100;
const EXTENSIONS = [
  '.onnx',
  '.onnx_data',
  ...Array.from({ length: MAX_CHUNKS - 1 }, (_, index) => `.onnx_data_${index + 1}`),
];
const FILE_LOADERS = Object.fromEntries(EXTENSIONS.map((extension) => [extension, 'file' as const]));
