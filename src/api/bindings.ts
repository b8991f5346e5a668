import { basename } from 'node:path';
import { describePorts } from '../bindings/ports.js';
import type { Model } from '../ir/model.js';

/**
 * Text of `model.d.onnx.ts`: with it beside the model, `import model from './model.onnx'` is typed (TypeScript's option
 * `allowArbitraryExtensions`), and feeds of a wrong name or element type do not compile.
 */
export async function declareModel(model: Model): Promise<string> {
  const { declareModule } = await import('../bindings/declare.js');
  return declareModule(describePorts(model), basename(model.source.name));
}
