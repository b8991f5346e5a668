import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUnplugin, type UnpluginBuildContext, type UnpluginContext } from 'unplugin';
import { INFO } from './build.js';
import { type EmitAsset, esbuildAsset, moduleCode, viteAsset, webpackAsset } from './code.js';
import { locate, messageOf, type PluginOptions, Project } from './project.js';
import { type ModelRequest, modelRequest } from './query.js';

export { type PluginOptions } from './project.js';

type Context = UnpluginBuildContext & UnpluginContext;
/** What Rollup, Rolldown and Vite add to the context. */
interface ResolvingContext {
  resolve?(id: string, importer?: string, options?: object): Promise<{ readonly id: string } | null>;
}

const HANDLE = fileURLToPath(new URL('./handle.js', import.meta.url));

/** What is used of a compiler of webpack or Rspack. */
interface Compiler {
  readonly context: string;
  readonly hooks: { readonly watchRun: { tap(name: string, run: () => void): void } };
}

const MODEL = /\.onnx(?:\?|$)/;

/** Chunks of weights that one model can have, as transformers.js counts them. */
const MAX_CHUNKS = 100;
const EXTENSIONS = [
  '.onnx',
  '.onnx_data',
  ...Array.from({ length: MAX_CHUNKS - 1 }, (_, index) => `.onnx_data_${index + 1}`),
];
const FILE_LOADERS = Object.fromEntries(EXTENSIONS.map((extension) => [extension, 'file' as const]));

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

/** A request for a model of ours: not for one that the plugin has made. */
function ownRequest(id: string): ModelRequest | undefined {
  const request = modelRequest(id);
  return request && !existsSync(join(dirname(request.path), INFO)) ? request : undefined;
}

/** The id of an imported model: its path with the query. */
async function resolveModel(
  context: Context,
  project: Project,
  specifier: string,
  importer?: string,
): Promise<string | null> {
  const request = ownRequest(specifier);
  if (!request) return null;
  const { resolve: ask } = context as ResolvingContext;
  const found = await ask?.call(context, request.path, importer, { skipSelf: true });
  const path = found ? found.id.replace(/\?.*$/s, '') : locate(request.path, importer, project.root);
  if (path === undefined) return null;
  const id = request.query === '' ? path : `${path}?${request.query}`;
  project.importers.add(id, specifier, importer);
  return id;
}

/** The module of an imported model. */
async function loadModel(context: Context, project: Project, id: string, emit: EmitAsset): Promise<string | null> {
  const request = ownRequest(id);
  if (!request) return null;
  const built = await project.build(request, (file) => context.addWatchFile(file));
  const { warning } = built.info;
  if (warning !== undefined) context.warn(`${basename(request.path)}: ${warning}`);
  return moduleCode(built, emit, HANDLE);
}

/** The plugin for every bundler that unplugin serves; `resonnx/vite`, `resonnx/webpack` and so on give it for one. */
export const unplugin = createUnplugin<PluginOptions | undefined>((options = {}, { framework }) => {
  const project = new Project(options);
  const isWebpack = framework === 'webpack' || framework === 'rspack';
  let isModule = true;
  const onCompiler = ({ context, hooks }: Compiler): void => {
    project.setRoot(context);
    hooks.watchRun.tap('resonnx', () => project.forgetConfig());
  };
  return {
    name: 'resonnx',
    enforce: 'pre',
    // webpack and Rspack find the file by themselves, with their aliases.
    ...(!isWebpack && {
      resolveId(this: Context, specifier: string, importer: string | undefined) {
        return resolveModel(this, project, specifier, importer);
      },
    }),
    loadInclude: (id: string) => ownRequest(id) !== undefined,
    async load(this: Context, id: string) {
      try {
        return await loadModel(this, project, id, assetsOf(framework, this, isModule));
      } catch (cause) {
        const message = messageOf(cause, id, project);
        if (isWebpack) throw new Error(message.message, { cause });
        this.error(message);
        return 'export default undefined;'; // where an error does not throw, it counts only with a module beside it
      }
    },
    watchChange: () => project.forgetConfig(),
    vite: { configResolved: ({ root }: { readonly root: string }) => project.setRoot(root) },
    webpack: onCompiler,
    rspack: onCompiler,
    esbuild: {
      onResolveFilter: MODEL,
      onLoadFilter: MODEL,
      loader: 'js' as const,
      config(esbuild) {
        project.setRoot(esbuild.absWorkingDir);
        isModule = esbuild.format === 'esm';
        esbuild.loader = { ...FILE_LOADERS, ...esbuild.loader };
      },
    },
  };
});
