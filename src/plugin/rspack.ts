import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for rspack. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.rspack> = unplugin.rspack;
export default resonnx;
