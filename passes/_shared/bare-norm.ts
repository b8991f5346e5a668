import { isOp, type Node, recipeCodes, ResonnxError, pathOf, Tensor, type Types, type Value, fromFloat64 } from '#core';
import type { Edit } from '#core';
import type { NormSite } from './norm-site.js';
import { copyNode, featureVector } from './weight-edit.js';

/** Scale and bias of a norm, one number per feature, and the axis that they lie along. */
export interface NormAffine {
  readonly axis: number;
  readonly size: number;
  readonly scale: Float64Array;
  /** Absent where it is zero. */
  readonly bias: Float64Array | undefined;
}

/** Norms whose scale and bias lie along axis 1. */
const BY_CHANNEL = ['BatchNormalization', 'InstanceNormalization', 'GroupNormalization'];

/**
 * Reads scale and bias of a norm, ones and zeros where it has none.
 * @throws ResonnxError `rewrite/refused` when they are not one number per feature
 */
export function readAffine(norm: NormSite, types: Types): NormAffine {
  const shape = types.shape(norm.output);
  const byChannel = norm.nodes.some((node) => isOp(node, ...BY_CHANNEL));
  const axis = byChannel ? 1 : (shape?.length ?? 0) - 1;
  const size = shape?.[axis];
  if (!shape || typeof size !== 'number') return refuseNorm(norm, 'the number of features is not known');
  const vector = (value: Value, what: string): Float64Array =>
    featureVector({ types }, value, axis, shape.length, size) ??
    refuseNorm(norm, `its ${what} is not one constant number per feature`);
  const bias = norm.bias && vector(norm.bias, 'bias');
  return {
    axis,
    size,
    scale: norm.scale ? vector(norm.scale, 'scale') : new Float64Array(size).fill(1),
    bias: bias?.some((element) => element !== 0) ? bias : undefined,
  };
}

function refuseNorm(norm: NormSite, why: string): never {
  const node = norm.output.producer!;
  throw new ResonnxError([
    recipeCodes.refused({ path: pathOf(node), op: node.op }, `the norm cannot be taken apart: ${why}`),
  ]);
}

/** The norm once more, on the same or another value, without scale and bias; an operator that must have a scale gets ones. */
export function bareNorm(edit: Edit, norm: NormSite, types: Types, input: Value = norm.input): Value {
  const map = new Map<Value, Value>([[norm.input, input]]);
  const at = (value: Value | undefined): Value | undefined => value && (map.get(value) ?? value);
  for (const node of norm.nodes) {
    const [a, b] = node.inputs;
    const output = node.outputs[0]!;
    const affine = isOp(node, 'Mul') ? norm.scale : isOp(node, 'Add') ? norm.bias : undefined;
    if (affine && (a === affine || b === affine)) map.set(output, at(a === affine ? b : a)!);
    else {
      const copy = copyNode(node, bareInputs(edit, norm, node, types, at)).producer!;
      node.outputs.forEach((value, index) => map.set(value, copy.outputs[index]!));
    }
  }
  return map.get(norm.output)!;
}

function bareInputs(
  edit: Edit,
  norm: NormSite,
  node: Node,
  types: Types,
  at: (value: Value | undefined) => Value | undefined,
): readonly (Value | undefined)[] {
  const inputs = node.inputs.map((value) => {
    if (!value || (value !== norm.scale && value !== norm.bias)) return at(value);
    if (value === norm.bias && isOp(node, 'LayerNormalization')) return undefined;
    const { dtype = 'float32', shape = [] } = types.tensor(value) ?? {};
    const count = (shape as readonly number[]).reduce((size, dim) => size * dim, 1);
    const elements = new Float64Array(count).fill(value === norm.scale ? 1 : 0);
    return edit.constant(
      value === norm.scale ? 'ones' : 'zeros',
      Tensor.from(fromFloat64(dtype, shape as readonly number[], elements)),
    );
  });
  const last = inputs.findLastIndex((value) => value !== undefined);
  return inputs.slice(0, last + 1);
}
