import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for vite. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.vite> = unplugin.vite;
export default resonnx;
