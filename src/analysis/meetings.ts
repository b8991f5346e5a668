import { type Dim, divideExact, equal, mod, mul, product, symbol, symbols } from '../dim/dim.js';
import type { Node } from '../ir/node.js';
import type { Shape } from '../ir/type.js';
import { intAttr } from '../schema/read.js';
import type { Types } from '../shape/types.js';
import { alignEqual, alignShapes, type AxisAlignment, type IsFresh, type Verdict, weakest } from './align-dims.js';

/** What meets: operands of an elementwise operator · the kept axes of Concat · the contracted axes of a product · channels · a norm's parameters · the elements of a Reshape. */
export type AlignmentKind = 'elementwise' | 'concat' | 'contraction' | 'channels' | 'scale' | 'reshape';

/** A place where an operator needs sizes of two of its inputs to agree. */
export interface Alignment {
  readonly node: Node;
  readonly kind: AlignmentKind;
  /** The two inputs of the node. */
  readonly inputs: readonly [number, number];
  readonly verdict: Verdict;
  readonly axes: readonly AxisAlignment[];
  /** What must hold beyond what is proven, over the model's input dims: `seq == 512`. */
  readonly equations: readonly string[];
}

/** An alignment with the equations of its axes. */
export function make(
  node: Node,
  kind: AlignmentKind,
  inputs: readonly [number, number],
  axes: readonly AxisAlignment[],
  verdict: Verdict,
): Alignment {
  const equations = [...new Set(axes.flatMap((axis) => axis.equation ?? []))];
  return { node, kind, inputs, verdict, axes, equations };
}

/** A node whose inputs meet. */
export class Meeting {
  readonly node: Node;
  readonly isFresh: IsFresh;
  readonly #types: Types;

  constructor(node: Node, types: Types) {
    this.node = node;
    this.isFresh = (name) => types.isFreshName(name);
    this.#types = types;
  }

  shape(index: number): Shape | undefined {
    const value = this.node.inputs[index];
    return value && this.#types.shape(value);
  }

  /** The followed elements of a vector. */
  list(index: number): readonly Dim[] | undefined {
    const value = this.node.inputs[index];
    return value && this.#types.elements(value)?.elements;
  }

  int(name: string): number | undefined {
    return intAttr(this.node, name);
  }

  /** Pairs of sizes that must be equal; each with the axis that it is reported under. */
  equal(
    kind: AlignmentKind,
    inputs: readonly [number, number],
    pairs: readonly (readonly [number, Dim, Dim])[],
  ): Alignment[] {
    const axes = pairs.map(([axis, left, right]) => ({ axis, ...alignEqual(left, right, this.isFresh) }));
    return [make(this.node, kind, inputs, axes, weakest(axes.map((each) => each.verdict)))];
  }

  unknown(kind: AlignmentKind, inputs: readonly [number, number]): Alignment[] {
    return [make(this.node, kind, inputs, [], 'unknown')];
  }
}

/** Finds the places at one node. */
export type Align = (meeting: Meeting) => Alignment[];

/** `[A, B]` contracted over A's last axis and B's last but one; leading axes broadcast. */
const matmul: Align = (meeting) => {
  const [a, b] = [meeting.shape(0), meeting.shape(1)];
  if (!a || !b || a.length === 0 || b.length === 0) return meeting.unknown('contraction', [0, 1]);
  const inner = b.at(b.length === 1 ? -1 : -2) ?? null;
  const found = meeting.equal('contraction', [0, 1], [[a.length - 1, a.at(-1) ?? null, inner]]);
  const [left, right] = [a.slice(0, -2), b.slice(0, -2)];
  if (left.length === 0 || right.length === 0) return found;
  const batch = alignShapes(left, right, meeting.isFresh);
  return [...found, make(meeting.node, 'elementwise', [0, 1], batch.axes, batch.verdict)];
};

/** Gemm: `A' [M, K]`, `B' [K, N]`, and `C` that broadcasts to `[M, N]`. */
const gemm: Align = (meeting) => {
  const [a, b, c] = [meeting.shape(0), meeting.shape(1), meeting.shape(2)];
  if (a?.length !== 2 || b?.length !== 2) return meeting.unknown('contraction', [0, 1]);
  const [transA, transB] = [meeting.int('transA') === 1, meeting.int('transB') === 1];
  const found = meeting.equal('contraction', [0, 1], [[1, a[transA ? 0 : 1] ?? null, b[transB ? 1 : 0] ?? null]]);
  if (!c) return found;
  const result = [a[transA ? 1 : 0] ?? null, b[transB ? 0 : 1] ?? null];
  const { axes, verdict } = alignShapes(result, c, meeting.isFresh);
  return [...found, make(meeting.node, 'elementwise', [0, 2], axes, verdict)];
};

/** Concat: all axes but the joined one. */
const concat: Align = (meeting) => {
  const first = meeting.shape(0);
  return meeting.node.inputs.slice(1).flatMap((_, at) => {
    const other = meeting.shape(at + 1);
    const inputs = [0, at + 1] as const;
    if (!first || !other || first.length !== other.length) return meeting.unknown('concat', inputs);
    const given = meeting.int('axis') ?? 0;
    const axis = given < 0 ? given + first.length : given;
    const pairs = first.flatMap((dim, i) => (i === axis ? [] : [[i, dim, other[i] ?? null] as const]));
    return meeting.equal('concat', inputs, pairs);
  });
};

/** Conv: `X [N, C, …]` and `W [M, C / group, …]`. */
const conv: Align = (meeting) => {
  const [x, w] = [meeting.shape(0), meeting.shape(1)];
  if (!x || !w) return meeting.unknown('channels', [0, 1]);
  return meeting.equal('channels', [0, 1], [[1, x[1] ?? null, mul(w[1] ?? null, meeting.int('group') ?? 1)]]);
};

/** ConvTranspose: `X [N, C, …]` and `W [C, M / group, …]`. */
const convTranspose: Align = (meeting) => {
  const [x, w] = [meeting.shape(0), meeting.shape(1)];
  if (!x || !w) return meeting.unknown('channels', [0, 1]);
  return meeting.equal('channels', [0, 1], [[1, x[1] ?? null, w[0] ?? null]]);
};

/** Parameters `[C]` of `X [N, C, …]`. */
const channelNorm: Align = (meeting) => {
  const [x, scale] = [meeting.shape(0), meeting.shape(1)];
  if (!x || scale?.length !== 1) return meeting.unknown('scale', [0, 1]);
  return meeting.equal('scale', [0, 1], [[1, x[1] ?? null, scale[0] ?? null]]);
};

/** Parameters that broadcast to the normalized axes `X.shape[axis:]`. */
const layerNorm: Align = (meeting) => {
  const [x, scale] = [meeting.shape(0), meeting.shape(1)];
  if (!x || !scale) return meeting.unknown('scale', [0, 1]);
  const axis = meeting.int('axis') ?? -1;
  const { axes, verdict } = alignShapes(x.slice(axis < 0 ? axis + x.length : axis), scale, meeting.isFresh);
  const offset = axis < 0 ? axis + x.length : axis;
  return [
    make(
      meeting.node,
      'scale',
      [0, 1],
      axes.map((each) => ({ ...each, axis: each.axis + offset })),
      verdict,
    ),
  ];
};

/** Reshape: as many elements as before; with a `-1`, a multiple of what the other sizes ask for. Sizes that are unknown are left alone. */
const reshape: Align = (meeting) => {
  const [from, target] = [meeting.shape(0), meeting.list(1)];
  if (!from || !target || target.includes(null)) return [];
  const copies = meeting.int('allowzero') !== 1;
  const sizes = target.map((dim, axis) => (dim === 0 && copies ? (from[axis] ?? null) : dim));
  const [left, right] = withoutCommon(
    from,
    sizes.filter((dim) => dim !== -1),
  );
  const [total, unit] = withoutFactors(product(left), product(right));
  if (!sizes.includes(-1)) return meeting.equal('reshape', [0, 1], [[0, total, unit]]);
  if (unit === 0 || unit === 1 || divideExact(total, unit) !== null) return [];
  return meeting.equal('reshape', [0, 1], [[sizes.indexOf(-1), mod(total, unit), 0]]);
};

/** Both lists of sizes without those that stand in each. */
function withoutCommon(left: readonly Dim[], right: readonly Dim[]): readonly [readonly Dim[], readonly Dim[]] {
  const rest = [...right];
  const kept = left.filter((dim) => {
    const at = rest.findIndex((other) => equal(dim, other));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [kept, rest];
}

/** Both sizes without the symbols that are factors of each: they are not 0. */
function withoutFactors(a: Dim, b: Dim): readonly [Dim, Dim] {
  let [left, right] = [a, b];
  for (const name of symbols(b)) {
    for (;;) {
      const [x, y] = [divideExact(left, symbol(name)), divideExact(right, symbol(name))];
      if (x === null || y === null || left === 0) break;
      [left, right] = [x, y];
    }
  }
  return [left, right];
}

/** Places of operators other than the elementwise ones, by `Node.op`. */
export const MEETINGS: Readonly<Record<string, Align | undefined>> = {
  BatchNormalization: channelNorm,
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  InstanceNormalization: channelNorm,
  LayerNormalization: layerNorm,
  MatMul: matmul,
  RMSNormalization: layerNorm,
  Reshape: reshape,
  SimplifiedLayerNormalization: layerNorm,
  'com.microsoft.FusedConv': conv,
};
