import { type PluginOptions, unplugin } from './unplugin.js';

export { type PluginOptions } from './unplugin.js';

/** A plugin of Rsbuild, as far as its shape matters here. */
export interface RsbuildPlugin {
  readonly name: string;
  setup(api: { modifyRspackConfig(change: (config: { plugins?: unknown[] }) => void): void }): void;
}

/** The build plugin for Rsbuild, which builds with Rspack. */
export function resonnx(options?: PluginOptions): RsbuildPlugin {
  return {
    name: 'resonnx',
    setup(api) {
      api.modifyRspackConfig((config) => {
        config.plugins = [...(config.plugins ?? []), unplugin.rspack(options)];
      });
    },
  };
}
export default resonnx;
