import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for esbuild. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.esbuild> = unplugin.esbuild;
export default resonnx;
