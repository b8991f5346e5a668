import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import type { Shape } from '../ir/type.js';
import { inferTypes, type Types } from '../shape/types.js';

/**
 * The types of a model whose inputs have these sizes (`null` keeps a dim).
 * @throws ResonnxError `shape/binding` where the sizes clash with the model or with each other
 */
export function inferBound(model: Model, shapes: ReadonlyMap<string, Shape> | undefined): Types {
  const types = inferTypes(model, shapes ? { shapes } : {});
  const [first, ...rest] = types.diagnostics.filter(({ code }) => code === 'shape/binding');
  if (first) throw new ResonnxError([first, ...rest]);
  return types;
}
