import {
  intsAttr,
  isOp,
  type Node,
  recipeCodes,
  ResonnxError,
  pathOf,
  Tensor,
  type Types,
  type Value,
  fromFloat64,
} from '#core';
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
  const rank = shape?.length ?? 0;
  const own = affineAxis(norm, rank, types);
  const axis = movedBack(norm, own);
  const size = shape?.[axis];
  if (!shape || typeof size !== 'number') return refuseNorm(norm, 'the number of features is not known');
  const vector = (value: Value, what: string): Float64Array =>
    featureVector({ types }, value, own, rank, size) ??
    refuseNorm(norm, `its ${what} is not one constant number per feature`);
  const bias = norm.bias && vector(norm.bias, 'bias');
  return {
    axis,
    size,
    scale: norm.scale ? vector(norm.scale, 'scale') : new Float64Array(size).fill(1),
    bias: bias?.some((element) => element !== 0) ? bias : undefined,
  };
}

/** The axis along which scale and bias lie where they are applied. */
function affineAxis({ nodes, scale, bias }: NormSite, rank: number, types: Types): number {
  if (nodes.some((node) => isOp(node, ...BY_CHANNEL))) return 1;
  const parameter = scale ?? bias;
  const shape = (parameter && types.shape(parameter)) ?? [];
  const [long, ...others] = shape.flatMap((dim, at) => (dim === 1 ? [] : [at]));
  return long === undefined || others.length > 0 ? rank - 1 : rank - shape.length + long;
}

/** The axis of the norm's output where the norm itself has this one: another behind a Transpose. */
function movedBack({ output: { producer } }: NormSite, axis: number): number {
  const perm = isOp(producer, 'Transpose') ? intsAttr(producer, 'perm') : undefined;
  return perm ? perm.indexOf(axis) : axis;
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
