import { type Dim, divideExact, equal, mod, mul, product } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Shape } from '../ir/type.js';
import { intAttr, schemaOf } from '../schema/read.js';
import { broadcastShapes } from '../shape/broadcast.js';
import { showShape } from '../shape/fact.js';
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

const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    'Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow ' +
    'Sub Sum Where Xor com.microsoft.BiasGelu com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization'
  ).split(' '),
);

/** How many leading inputs of an operator meet elementwise; all by default. */
const OPERANDS: ReadonlyMap<string, number> = new Map([
  ['com.microsoft.SkipLayerNormalization', 2],
  ['com.microsoft.SkipSimplifiedLayerNormalization', 2],
]);

/** The places of a model where sizes meet, in every graph, with what is proven of each. O(nodes). */
export function alignments(model: Model, types: Types): readonly Alignment[] {
  const found: Alignment[] = [];
  for (const graph of model.graphs()) {
    for (const node of graph.findTopo() ?? []) found.push(...alignmentsOf(node, types));
  }
  return found;
}

/** The places where sizes meet at one node. */
export function alignmentsOf(node: Node, types: Types): readonly Alignment[] {
  if (ELEMENTWISE.has(node.op)) return elementwise(node, types);
  const align = OTHERS[node.op];
  return align ? align(new Meeting(node, types)) : [];
}

/** Every operand against what those before it broadcast to. */
function elementwise(node: Node, types: Types): Alignment[] {
  const meeting = new Meeting(node, types);
  const count = Math.min(OPERANDS.get(node.op) ?? node.inputs.length, node.inputs.length);
  const found: Alignment[] = [];
  let before = meeting.shape(0);
  for (let index = 1; index < count; index++) {
    if (!node.inputs[index]) continue;
    const shape = isLegacy(node) ? legacyOperand(meeting, before, meeting.shape(index)) : meeting.shape(index);
    const { axes, verdict } = alignShapes(before, shape, meeting.isFresh);
    found.push(make(node, 'elementwise', [0, index], axes, verdict));
    before = before && shape && (broadcastShapes([before, shape]) ?? before);
  }
  return found;
}

/** Whether operands meet by the rules of before opset 7: the second is stretched as attributes `axis` and `broadcast` say. */
function isLegacy(node: Node): boolean {
  const since = schemaOf(node)?.since ?? 7;
  return since < 7 && node.domain === '';
}

/** The second operand with axes of size 1 behind it, so that it stands where `axis` puts it; the slope of PRelu stands at axis 1. */
function legacyOperand(meeting: Meeting, first: Shape | undefined, second: Shape | undefined): Shape | undefined {
  const given = meeting.node.opType === 'PRelu' ? 1 : meeting.int('axis');
  if (!first || !second || given === undefined) return second;
  const axis = given < 0 ? given + first.length : given;
  const behind = first.length - axis - second.length;
  return behind > 0 ? [...second, ...Array<Dim>(behind).fill(1)] : second;
}

function make(
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
class Meeting {
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

type Align = (meeting: Meeting) => Alignment[];

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
  const [total, unit] = [product(left), product(right)];
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

const OTHERS: Readonly<Record<string, Align | undefined>> = {
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

/** One line that says what meets and what is proven: `[b, s, 768] and [1, s, 768]: proven to broadcast`. */
export function describeAlignment(alignment: Alignment, types: Types): string {
  return `${describeOperands(alignment, types)}: ${VERDICTS[alignment.verdict]}${conditionOf(alignment)}`;
}

/** The shapes that meet: `[b, s, 768] and [1, s, 768]`. */
export function describeOperands({ node, inputs }: Alignment, types: Types): string {
  const [left, right] = inputs.map((index) => {
    const value = node.inputs[index];
    const shape = value && types.shape(value);
    return shape ? showShape(shape) : 'unknown';
  });
  return `${left} and ${right}`;
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  equal: 'proven equal',
  broadcast: 'proven to broadcast',
  conditional: 'right where',
  unknown: 'not proven',
  wrong: 'proven wrong',
};

function conditionOf({ verdict, equations }: Alignment): string {
  if (equations.length === 0) return '';
  const list = equations.join(' and ');
  return verdict === 'conditional' ? ` ${list}` : `: ${verdict === 'wrong' ? 'never ' : ''}${list}`;
}
