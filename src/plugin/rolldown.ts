import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** The build plugin for rolldown. */
export const resonnx: (options?: PluginOptions) => ReturnType<typeof unplugin.rolldown> = unplugin.rolldown;
export default resonnx;
