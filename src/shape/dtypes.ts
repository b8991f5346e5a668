import { inputParameter, type OpSchema, outputParameter } from '../schema/schema.js';
import { tensorDTypes } from '../schema/types.js';
import type { DType } from '../tensor/dtype.js';

/** Element types of the inputs of a node. */
export interface InputDTypes {
  readonly inputCount: number;
  dtype(index: number): DType | undefined;
}

/**
 * The element type that a schema determines for an output: that of the first input of known type that shares its type constraint,
 * or the only tensor type that the constraint allows.
 */
export function outputDType(schema: OpSchema, index: number, inputs: InputDTypes): DType | undefined {
  const parameter = outputParameter(schema, index);
  if (!parameter) return undefined;
  if (parameter.types.length === 1) return tensorDTypes(parameter.types)[0];
  if (!parameter.homogeneous) return undefined;
  for (let at = 0; at < inputs.inputCount; at++) {
    if (inputParameter(schema, at)?.type !== parameter.type) continue;
    const dtype = inputs.dtype(at);
    if (dtype) return dtype;
  }
  return undefined;
}
