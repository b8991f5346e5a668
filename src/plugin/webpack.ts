import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for webpack. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.webpack> = unplugin.webpack;
export default resonnx;
