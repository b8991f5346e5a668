import { join } from 'node:path';
import type { Built } from './build.js';

/** How a bundler takes files in: what is imported, and the expression of the address. */
export interface AssetCode {
  /** Statements in front. */
  readonly imports: string;
  readonly url: string;
}

/** Puts one file of the cache into the application's assets. */
export type EmitAsset = (path: string, index: number) => AssetCode;

/** Vite: its own query for addresses; a small model does not become a data URL. */
export const viteAsset: EmitAsset = (path, index) => ({
  imports: `import url${index} from ${JSON.stringify(`${slashed(path)}?url&no-inline`)};\n`,
  url: `url${index}`,
});

/** webpack and its kin: assets by `new URL`. */
export const webpackAsset: EmitAsset = (path) => ({
  imports: '',
  url: `new URL(${JSON.stringify(slashed(path))}, import.meta.url).href`,
});

/** esbuild: the loader `file`, whose addresses are relative to the output unless there is a public path. */
export const esbuildAsset =
  (isModule: boolean): EmitAsset =>
  (path, index) => ({
    imports: `import url${index} from ${JSON.stringify(path)};\n`,
    url: isModule ? `new URL(url${index}, import.meta.url).href` : `url${index}`,
  });

/** The module that stands for an imported model. `handle` is the path of the code that makes handles. */
export function moduleCode({ folder, file, info }: Built, emit: EmitAsset, handle: string): string {
  const { warning: _, externalData, ...rest } = info;
  const model = emit(join(folder, file), 0);
  const data = externalData.map((path, index) => ({ path, code: emit(join(folder, path), index + 1) }));
  const imports = [model, ...data.map(({ code }) => code)].map((code) => code.imports).join('');
  const files = data.map(({ path, code }) => `{ path: ${JSON.stringify(path)}, url: ${code.url} }`).join(', ');
  return `import { createHandle } from ${JSON.stringify(slashed(handle))};
${imports}export default /* @__PURE__ */ createHandle({
  url: ${model.url},
  externalData: [${files}],
  ...${JSON.stringify(rest)},
});
`;
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}
