import { equal } from '../dim/dim.js';
import { Moments, type Form } from './moments.js';
import type { Norm, NormKind } from './norm-kind.js';
import { hasOneUse, type Op, relink, scalarOf, shapeOf, tensorOf, type Val, type View } from './view.js';

/**
 * Replaces every norm that is spelled with several operations by one `norm` operation, parameters included: layer, RMS, batch, group,
 * instance and L2 norms over their moments, DyT, and affines that stand alone. What no longer matters leaves the view. O(operations).
 */
export function foldNorms(view: View): View {
  const moments = new Moments(view);
  for (const op of view.ops) {
    if (op.kind === 'norm') settle(view, op, moments);
    else if (!op.outputs[0]?.constant) foldOp(view, op, moments.see(op));
  }
  return { ...view, ops: relink(view.ops, view.outputs) };
}

function foldOp(view: View, op: Op, form: Form | undefined): void {
  if (form?.kind === 'normal') return becomeNorm(op, form.of, decomposed(view, op, form));
  if (op.kind !== 'mul' && op.kind !== 'add') return;
  const split = splitParameter(op);
  if (!split || (op.kind === 'add' && op.signs?.includes(-1))) return;
  if (extend(view, op, split)) return;
  if (op.kind === 'mul') foldPointwiseNorm(op, split);
  else foldAffine(op, split);
}

/** An operation on a value and a parameter. */
interface Split {
  readonly x: Val;
  readonly parameter: Val;
}

function splitParameter(op: Op): Split | undefined {
  const [a, b] = op.inputs;
  if (op.inputs.length !== 2 || !a || !b || a.constant === b.constant) return undefined;
  return a.constant ? { x: b, parameter: a } : { x: a, parameter: b };
}

function becomeNorm(op: Op, x: Val, norm: Norm): void {
  op.kind = 'norm';
  op.type = 'Norm';
  op.inputs = [x];
  op.norm = norm;
  x.uses.push(op);
}

function decomposed(view: View, op: Op, form: Extract<Form, { kind: 'normal' }>): Norm {
  const { by, of } = form;
  return {
    kind: kindOf(view, of, by),
    spelling: 'decomposed',
    axis: by.axes?.[0],
    axes: by.axes,
    epsilon: by.epsilon,
    parameters: by.gain,
    ops: [op],
  };
}

type Deviation = Extract<Form, { kind: 'normal' }>['by'];

function kindOf(view: View, x: Val, by: Deviation): NormKind {
  const shape = shapeOf(view, x);
  if (!by.centered) return by.sum ? 'l2' : 'rms';
  const axes = by.axes;
  if (!axes || !shape) return 'layer';
  if (axes.includes(0)) return 'batch';
  if (coversTail(axes, shape.length) && x.op?.kind === 'layout') return groupKind(view, x, 3) ?? 'layer';
  const spatial = shape.length >= 4 && axes.length === shape.length - 2;
  return spatial && (!axes.includes(1) || !axes.includes(shape.length - 1)) ? 'instance' : 'layer';
}

function coversTail(axes: readonly number[], rank: number): boolean {
  return rank >= 3 && axes.length === rank - 2 && axes.every((axis, index) => axis === index + 2);
}

/**
 * A value reshaped from `[N, C, …]` to `[N, G, …]` and normalized over all but the first two axes is a group norm: an instance norm when
 * G is C. `undefined` when the value is no such thing.
 */
function groupKind(view: View, x: Val, leastRank: number): NormKind | undefined {
  const source = x.op?.inputs[0];
  const [from, to] = [source && shapeOf(view, source), shapeOf(view, x)];
  if (!from || !to || from.length < leastRank || x.op?.type !== 'Reshape') return undefined;
  const groups = to[1];
  const channels = from[1];
  if (typeof groups !== 'number' || !equal(to[0] ?? null, from[0] ?? null)) return undefined;
  if (typeof channels === 'number' && channels % groups !== 0) return undefined;
  return groups > 1 && groups === from[1] ? 'instance' : 'group';
}

/**
 * An RMS norm of a value that its mean was taken off is a layer norm. An InstanceNormalization over a reshaped value carries no
 * parameters of its own: they come after the value is shaped back.
 */
function settle(view: View, op: Op, moments: Moments): void {
  const x = op.inputs[0];
  const form = moments.get(x);
  if (op.norm?.kind === 'rms' && form?.kind === 'centered') {
    becomeNorm(op, form.of, { ...op.norm, kind: 'layer' });
    return;
  }
  if (op.type !== 'InstanceNormalization' || !op.norm || x?.op?.kind !== 'layout') return;
  const shape = shapeOf(view, x);
  const size = op.norm.parameters[0] && tensorOf(op.norm.parameters[0])?.size;
  const kind = groupKind(view, x, 2) ?? (size !== undefined && shape === undefined ? 'group' : op.norm.kind);
  op.norm = { ...op.norm, kind, parameters: [] };
}

/** Scale and shift that follow a norm without them belong to it, also when the value is shaped back before. */
function extend(view: View, op: Op, { x, parameter }: Split): boolean {
  const base = normBelow(x, op.kind);
  const norm = base?.norm;
  if (!base || !norm || norm.kind === 'affine') return false;
  if (op.kind === 'mul' && norm.kind === 'l2' && norm.parameters.length === 0 && isRootOfSize(view, base, parameter)) {
    becomeNorm(op, base.inputs[0] as Val, { ...norm, kind: 'rms', ops: [...norm.ops, op] });
    return true;
  }
  const wanted = op.kind === 'mul' ? 0 : 1;
  if (norm.parameters.length !== wanted || norm.spelling === 'LRN') return false;
  if ((tensorOf(parameter)?.size ?? 2) === 1 && norm.kind !== 'instance' && norm.kind !== 'group') return false;
  becomeNorm(op, base.inputs[0] as Val, {
    ...norm,
    kind: norm.kind === 'instance' && hasSeveralPerGroup(view, base, parameter) ? 'group' : norm.kind,
    parameters: [...norm.parameters, parameter],
    ops: [...norm.ops, op],
  });
  return true;
}

/** Whether a parameter has several elements for each of the channels that a norm takes by themselves: these are groups. */
function hasSeveralPerGroup(view: View, base: Op, parameter: Val): boolean {
  const groups = shapeOf(view, base.inputs[0] as Val)?.[1];
  const size = tensorOf(parameter)?.size ?? 0;
  return typeof groups === 'number' && groups > 1 && size > groups && size % groups === 0;
}

/** The norm that a value comes from, when nothing but operations with parameters of that kind read it. */
function normBelow(x: Val, kind: Op['kind']): Op | undefined {
  let at: Val = x;
  for (let step = 0; step < 8; step++) {
    const { op } = at;
    const alone = hasOneUse(at) || (at.uses.every((use) => use.kind === kind || use.kind === 'norm') && !at.isOutput);
    if (!op || !alone) return undefined;
    if (op.kind === 'norm') return op;
    if (op.kind !== 'layout' || !op.inputs[0]) return undefined;
    at = op.inputs[0];
  }
  return undefined;
}

/** Whether a parameter is the root of the number of normalized elements, which makes a root mean square of a length. */
function isRootOfSize(view: View, base: Op, parameter: Val): boolean {
  const value = scalarOf(parameter);
  const shape = shapeOf(view, base.inputs[0] as Val);
  const last = shape?.[base.norm?.axis ?? -1] ?? shape?.at(-1);
  return value !== undefined && typeof last === 'number' && Math.abs(value * value - last) < 0.01 * last;
}

/** `tanh(alpha · x) · gamma + beta` (DyT, arXiv:2503.10622), and the same with Erf. */
function foldPointwiseNorm(op: Op, { x, parameter }: Split): void {
  const squash = x.op;
  if (squash?.type !== 'Tanh' && squash?.type !== 'Erf') return;
  if (!hasOneUse(x) || !isChannelVector(parameter)) return;
  let inner = squash.inputs[0];
  if (inner?.op?.kind === 'add' && hasOneUse(inner)) inner = splitParameter(inner.op)?.x;
  const scaled = inner?.op?.kind === 'mul' && hasOneUse(inner) ? splitParameter(inner.op) : undefined;
  if (!scaled || tensorOf(scaled.parameter)?.size !== 1) return;
  const parameters = [parameter];
  const shape = { axis: -1, axes: undefined, epsilon: undefined };
  becomeNorm(op, scaled.x, { kind: 'dyt', spelling: 'decomposed', ...shape, parameters, ops: [squash, op] });
}

/** A scale and a shift per channel where no norm is left to take them. */
function foldAffine(op: Op, { x, parameter }: Split): void {
  const scaled = withoutUnit(x);
  const scale = scaled.op?.kind === 'mul' && hasOneUse(scaled) ? splitParameter(scaled.op) : undefined;
  if (!scale || !isChannelVector(parameter) || !isChannelVector(scale.parameter)) return;
  if (scale.x.op?.node.opType.endsWith('Integer') || parameter.uses.some((use) => use.kind !== 'add')) return;
  const parameters = [scale.parameter, parameter];
  const shape = { axis: -1, axes: undefined, epsilon: undefined };
  becomeNorm(op, scale.x, { kind: 'affine', spelling: 'decomposed', ...shape, parameters, ops: [scaled.op as Op, op] });
}

/** A value before it is multiplied with the number 1, as `addcmul` is exported. */
function withoutUnit(x: Val): Val {
  const split = x.op?.kind === 'mul' && hasOneUse(x) ? splitParameter(x.op) : undefined;
  return split && scalarOf(split.parameter) === 1 ? split.x : x;
}

/** Whether a parameter has one value per channel: one axis longer than 1. */
function isChannelVector(val: Val): boolean {
  return tensorOf(val)?.shape.filter((dim) => dim > 1).length === 1;
}
