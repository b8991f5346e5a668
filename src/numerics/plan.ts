import type { Model } from '../ir/model.js';
import { inferTypes } from '../shape/types.js';
import type { TypesOptions } from '../shape/types.js';
import type { Tensor } from '../tensor/tensor.js';
import { type InputPlan, planInputs } from './inputs.js';
import { runtimeForm } from './runtime-form.js';

/** A model as the runtime takes it, with how its inputs are made. */
export interface PlannedModel {
  readonly form: Model;
  readonly plan: InputPlan;
}

/** Plans the inputs of a model in its {@link runtimeForm}, in which inputs with a default have to be given. */
export function planModel(model: Model, options: TypesOptions = {}): PlannedModel {
  const form = runtimeForm(model);
  return { form, plan: planInputs(form, inferTypes(form, options), defaultsOf(model)) };
}

/** Defaults of inputs by name. */
export function defaultsOf(model: Model): ReadonlyMap<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const { name, fallback } of model.graph.inputs) if (fallback) found.set(name, fallback);
  return found;
}
