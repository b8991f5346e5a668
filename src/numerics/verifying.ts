/** What verifying takes, in one module: it is loaded when something is verified, as much of what is asked of this package is not. */
import type { Model } from '../ir/model.js';
import type { Types } from '../shape/types.js';
import { emptiableSymbols } from './inputs.js';
import { RegionBook } from './region-verify.js';

export { planModel } from './plan.js';
export { RegionVerifier } from './region-verify.js';
export { runtimeForm } from './runtime-form.js';
export { Reference } from './whole.js';

/** A book for the rewrites that are about to be made in a model. */
export function openBook(model: Model, types: Types): RegionBook {
  return new RegionBook(model, types, emptiableSymbols(model, types));
}
