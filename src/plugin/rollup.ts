import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for rollup. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.rollup> = unplugin.rollup;
export default resonnx;
