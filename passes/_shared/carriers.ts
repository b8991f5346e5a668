import {
  type Dim,
  equal,
  intAttr,
  isFloat,
  isStatic,
  type Node,
  product,
  type Shape,
  stringAttr,
  trainingMode,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis } from './facts.js';
import { permutationOf } from './permutation.js';

/** An input that hands features on: its index, and its axis that holds them; no axis where it is the same for every feature. */
export interface Edge {
  readonly index: number;
  readonly axis: number | undefined;
}

/**
 * How an operator without weights hands features on: `move` only where they stand, `mean` averages over positions, `sum` adds up
 * operands, `choose` picks among operands by position, `scale` multiplies every feature of a position by one number. All are linear in
 * the features and the same for each; all but `sum` and `scale` also hand on a shift.
 */
export interface Carrier {
  readonly kind: 'move' | 'mean' | 'sum' | 'choose' | 'scale';
  readonly edges: readonly Edge[];
}

/** The carrier that makes a value whose features lie on `axis`; `undefined` when its producer is none. */
export function carrierOf(value: Value, axis: number, types: Types): Carrier | undefined {
  const node = value.producer;
  const shape = types.shape(value);
  if (!node || node.domain !== '' || node.bodies.length > 0 || !shape) return undefined;
  const move = (at: number | undefined): Carrier | undefined =>
    at === undefined ? undefined : { kind: 'move', edges: [{ index: 0, axis: at }] };
  switch (node.opType) {
    case 'Identity':
      return move(axis);
    case 'Dropout':
      return value === node.outputs[0] && trainingMode(node) === 'inference' ? move(axis) : undefined;
    case 'Cast':
    case 'CastLike':
      return isFloat(types.dtype(node.inputs[0]!) ?? 'bool') && isFloat(types.dtype(value) ?? 'bool')
        ? move(axis)
        : undefined;
    case 'Transpose':
      return move(permutationOf(node, types)?.[axis]);
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return move(sameAxis(shape, axis, types.shape(node.inputs[0]!)));
    case 'Slice':
    case 'Split':
    case 'Expand':
      return move(keptAxis(node, shape, axis, types));
    case 'Gather':
      return isStatic(node.inputs[0]!) ? undefined : move(gatherAxis(node, axis, types));
    default:
      return mixing(node, shape, axis, types);
  }
}

function mixing(node: Node, shape: Shape, axis: number, types: Types): Carrier | undefined {
  const edge = (index: number): Edge => ({ index, axis: operandAxis(node.inputs[index]!, shape, axis, types) });
  const all = (): readonly Edge[] => node.inputs.map((_, index) => edge(index));
  switch (node.opType) {
    case 'Add':
    case 'Sub':
    case 'Sum':
      return { kind: 'sum', edges: all() };
    case 'Mul':
    case 'Div': {
      const [a, b] = [edge(0), edge(1)];
      if (b.axis === undefined && a.axis !== undefined) return { kind: 'scale', edges: [a] };
      return node.opType === 'Mul' && a.axis === undefined && b.axis !== undefined
        ? { kind: 'scale', edges: [b] }
        : undefined;
    }
    case 'Neg':
      return { kind: 'scale', edges: [{ index: 0, axis }] };
    case 'Where':
      return edge(0).axis === undefined ? { kind: 'choose', edges: [edge(1), edge(2)] } : undefined;
    case 'Concat':
      return normalAxis(intAttr(node, 'axis'), shape.length) === axis ? undefined : { kind: 'choose', edges: all() };
    case 'ReduceMean':
      return reduced(node, shape, axis, types);
    case 'GlobalAveragePool':
      return axis === 1 ? { kind: 'mean', edges: [{ index: 0, axis }] } : undefined;
    case 'AveragePool':
      return axis === 1 && isUnpadded(node) ? { kind: 'mean', edges: [{ index: 0, axis }] } : undefined;
    default:
      return undefined;
  }
}

/** Whether a convolution or pool reads nothing beyond the edge of its input. */
export function isUnpadded(node: Node): boolean {
  const pads = node.attrs.get('pads');
  const none = pads?.type !== 'INTS' || pads.value.every((pad) => pad === 0n);
  const auto = stringAttr(node, 'auto_pad') ?? 'NOTSET';
  return none && (auto === 'NOTSET' || auto === 'VALID') && (intAttr(node, 'ceil_mode') ?? 0) === 0;
}

/** The axis of an operand that is spread over the output's `axis`; `undefined` where the operand is the same all along it. */
export function operandAxis(operand: Value, shape: Shape, axis: number, types: Types): number | undefined {
  const own = types.shape(operand);
  if (!own) return axis;
  const at = axis - (shape.length - own.length);
  return at < 0 || (own[at] === 1 && shape[axis] !== 1) ? undefined : at;
}

/** The axis of `from` that a Reshape hands on as `axis` of `to`: as long, and with as many elements behind it. */
function sameAxis(to: Shape, axis: number, from: Shape | undefined): number | undefined {
  const size = to[axis] ?? null;
  if (!from || size === null) return undefined;
  const behind = product(to.slice(axis + 1));
  const at = from.findIndex((dim, i) => isEqual(dim, size) && isEqual(product(from.slice(i + 1)), behind));
  return at < 0 ? undefined : at;
}

function isEqual(a: Dim, b: Dim): boolean {
  return a !== null && (a === b || equal(a, b));
}

/** The axis itself where the operator is proven to leave it whole. */
function keptAxis(node: Node, shape: Shape, axis: number, types: Types): number | undefined {
  const from = types.shape(node.inputs[0]!);
  const at = from && axis - (shape.length - from.length);
  if (!from || at === undefined || at < 0 || !isEqual(from[at] ?? null, shape[axis] ?? null)) return undefined;
  if (node.opType === 'Slice') {
    const [axes, steps] = [knownInts(types, node.inputs[3]), knownInts(types, node.inputs[4])];
    const touches = !axes || axes.some((each) => normalAxis(each, from.length) === at);
    if (touches && node.inputs[4] && !steps?.every((step) => step > 0)) return undefined;
  }
  return at;
}

function gatherAxis(node: Node, axis: number, types: Types): number | undefined {
  const [from, indices] = [types.shape(node.inputs[0]!), types.shape(node.inputs[1]!)];
  const along = from && normalAxis(intAttr(node, 'axis') ?? 0, from.length);
  if (!from || !indices || along === undefined) return undefined;
  if (axis < along) return axis;
  return axis >= along + indices.length ? axis - indices.length + 1 : undefined;
}

/** A mean over other axes than that of the features. */
function reduced(node: Node, shape: Shape, axis: number, types: Types): Carrier | undefined {
  const rank = types.shape(node.inputs[0]!)?.length;
  const given = node.attrs.get('axes');
  const axes = given?.type === 'INTS' ? given.value.map(Number) : knownInts(types, node.inputs[1]);
  if (rank === undefined || !axes || axes.length === 0) return undefined;
  const gone = new Set(axes.map((each) => normalAxis(each, rank)));
  const keeps = (intAttr(node, 'keepdims') ?? 1) === 1;
  const left = Array.from({ length: rank }, (_, at) => at).filter((at) => keeps || !gone.has(at));
  const at = left[axis];
  return shape.length === left.length && at !== undefined && !gone.has(at)
    ? { kind: 'mean', edges: [{ index: 0, axis: at }] }
    : undefined;
}

/** Where the features of input `index`, on `axis`, lie on an output of the node; `undefined` when the node is no carrier of them. */
export function carriedAxis(
  { index, axis }: { readonly index: number; readonly axis: number },
  output: Value,
  types: Types,
): { readonly carrier: Carrier; readonly axis: number } | undefined {
  const rank = types.shape(output)?.length ?? 0;
  for (let at = 0; at < rank; at++) {
    const carrier = carrierOf(output, at, types);
    if (carrier?.edges.some((edge) => edge.index === index && edge.axis === axis)) return { carrier, axis: at };
  }
  return undefined;
}
