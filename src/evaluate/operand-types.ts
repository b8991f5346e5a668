import { schemaOf } from '../schema/read.js';
import { inputParameter } from '../schema/schema.js';
import { tensorTypeName } from '../schema/types.js';
import type { DType } from '../tensor/dtype.js';
import type { Call } from './call.js';
import { invalid } from './stop.js';

/**
 * Holds operands to the schema of the operator: those of one type constraint have one dtype, and a parameter of a single type has that
 * one. What a constraint allows is not asked: kernels say what they lack. @throws Stop `invalid`
 */
export function checkOperandTypes({ node, inputs }: Call): void {
  const schema = schemaOf(node);
  if (!schema) return;
  const bound = new Map<string, DType>();
  for (const [index, operand] of inputs.entries()) {
    const parameter = operand && inputParameter(schema, index);
    if (!parameter?.homogeneous) continue;
    const { dtype } = operand!;
    const [only, ...others] = parameter.types;
    if (others.length === 0 && only !== undefined && only !== tensorTypeName(dtype)) {
      throw invalid(`${parameter.name} is ${dtype}`);
    }
    const known = bound.get(parameter.type);
    if (known !== undefined && known !== dtype) throw invalid(`operands of types ${known} and ${dtype}`);
    bound.set(parameter.type, dtype);
  }
}
