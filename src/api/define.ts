import type { Pass } from '../pass/pass.js';
import type { Config } from './config-schema.js';

/** Types a pass that is written outside the package; see docs/adding-a-pass.md. What it imports is in `resonnx/core`. */
export function definePass<O extends object = object>(pass: Pass<O>): Pass<O> {
  return pass;
}

/** Types the default export of `resonnx.config.ts`. */
export function defineConfig(config: Config): Config {
  return config;
}
