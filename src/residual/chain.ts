import { type DType, isFloat } from '../tensor/dtype.js';
import { isAligned, isWindowed, padded, rolled, selectsOne, sequencePart } from './moves.js';
import type { Pointwise } from './pointwise.js';
import { isGuard } from './pointwise.js';
import type { Step } from './site.js';
import { isBroadcast } from './stretch.js';
import {
  dataInputs,
  dtypeOf,
  type Op,
  onlyDataInput,
  orderOf,
  shapeOf,
  tensorOf,
  type Val,
  type View,
} from './view.js';

/** Longest way that is followed back from an operand. */
const MOST_STEPS = 40;
/** Operations with weights that a skip may have: ghost modules have two. */
const MOST_WEIGHTS = 2;

/** What following values back needs to know. */
export interface ChainContext {
  readonly view: View;
  readonly pointwise: Pointwise;
  /** Whether a value is a merge that was found: nothing is followed beyond. */
  isMerge(val: Val): boolean;
}

/** The values that `val` comes from through linear operations with one operand, nearest first, `val` itself included. */
export function chainOf(cx: ChainContext, val: Val): Step[] {
  const steps: Step[] = [];
  let step: Step | undefined = {
    val,
    sign: 1,
    coefficients: [],
    gates: [],
    norms: 0,
    weights: [],
    moves: [],
    selected: false,
  };
  while (step && steps.length < MOST_STEPS) {
    steps.push(step);
    step = cx.isMerge(step.val) ? undefined : stepBack(cx, step);
  }
  return steps;
}

/** The value that `val` is a plain copy of: scaled by parameters, masked, normalized or laid out anew, but neither gated nor moved. */
export function copyOf(cx: ChainContext, val: Val): Val | undefined {
  const step = stepBack(cx, {
    val,
    sign: 1,
    coefficients: [],
    gates: [],
    norms: 0,
    weights: [],
    moves: [],
    selected: false,
  });
  return step && isPlain(step) && step.gates.length === 0 ? step.val : undefined;
}

/** Whether a step keeps the value up to scale, gate, norm and layout. */
export function isPlain(step: Step): boolean {
  return step.weights.length === 0 && step.moves.length === 0;
}

function stepBack(cx: ChainContext, step: Step): Step | undefined {
  const { op } = step.val;
  if (!op) return undefined;
  const to = (val: Val | undefined, change: Partial<Step> = {}): Step | undefined => val && { ...step, ...change, val };
  const only = onlyDataInput(op);
  switch (op.kind) {
    case 'layout':
      return to(op.inputs[0]);
    case 'phi':
      return to(latest(op));
    case 'mul':
    case 'div':
      return product(cx, op, step, to);
    case 'add':
      return only && dataInputs(op).length === 1 && !isScaledActivation(cx, only)
        ? to(only, { sign: signOf(op, only, step.sign) })
        : undefined;
    case 'norm':
      return to(only, { norms: step.norms + 1 });
    case 'mix':
      return only && isWeighted(op) && isLinearMix(op) && step.weights.length < MOST_WEIGHTS
        ? to(only, { weights: [...step.weights, op] })
        : undefined;
    case 'concat':
      return to(rolled(op) ?? sequencePart(cx.view, op, step)) ?? to(padded(op), { moves: [...step.moves, op] });
    case 'reduce':
      return isWindowed(op) ? to(only, { moves: [...step.moves, op] }) : undefined;
    case 'pool':
    case 'move':
    case 'resize':
      if (selectsOne(cx.view, op)) return to(only, { selected: true });
      return isAligned(cx.view, op) ? to(only) : to(only, { moves: [...step.moves, op] });
    case 'pointwise':
      return pointwiseStep(cx, op, step, to);
    default:
      return undefined;
  }
}

type Make = (val: Val | undefined, change?: Partial<Step>) => Step | undefined;

function signOf(op: Op, operand: Val, sign: 1 | -1): 1 | -1 {
  return op.signs?.[op.inputs.indexOf(operand)] === -1 ? (-sign as 1 | -1) : sign;
}

/** Whether a value is an activation times a number; with a shift after it both belong to the activation (StarReLU, arXiv:2210.13452, eq. 2). */
function isScaledActivation({ pointwise }: ChainContext, val: Val): boolean {
  const { op } = val;
  if (op?.kind !== 'mul') return false;
  const factor = op.inputs.find((each) => each?.constant);
  const activation = onlyDataInput(op)?.op;
  const last = activation?.outputs[0];
  return (
    tensorOf(factor)?.size === 1 &&
    activation?.kind === 'pointwise' &&
    last !== undefined &&
    pointwise.isActivation(last)
  );
}

/** The input of an If's join that comes last. */
function latest(op: Op): Val | undefined {
  return op.inputs.reduce((best, val) => (val && (!best || orderOf(val) > orderOf(best)) ? val : best), undefined);
}

function pointwiseStep(cx: ChainContext, op: Op, step: Step, to: Make): Step | undefined {
  if (op.type === 'Neg') return to(op.inputs[0], { sign: -step.sign as 1 | -1 });
  if (isGuard(op) || (isCutOff(op) && op.inputs[0]?.op?.kind === 'mix')) return to(op.inputs[0]);
  const normed = step.weights.length === 1 && step.norms === 0 ? preactivated(cx, step.val) : undefined;
  if (normed) return to(normed, { norms: 1, weights: [...step.weights, op] });
  if (op.type !== 'Where') return undefined;
  const values = op.inputs.slice(1).filter((val): val is Val => val !== undefined && !val.constant);
  const [condition] = op.inputs;
  const [value] = values;
  return values.length === 1 && value && condition && isMask(cx, condition, value) ? to(value) : undefined;
}

/** Whether an activation is the bound that a quantization sets: the sums around it are still one, and weights before it linear. */
export function isCutOff(op: Op): boolean {
  return op.type === 'Relu' && op.node.opType === 'QuantizeLinear';
}

/** What a norm and an activation before weights on a skip read: full pre-activation with a norm of its own (arXiv:1707.01629, figure 2). */
function preactivated({ pointwise }: ChainContext, val: Val): Val | undefined {
  const norm = pointwise.isActivation(val) ? pointwise.source(val)?.of.op : undefined;
  return norm?.kind === 'norm' ? norm.inputs[0] : undefined;
}

/** A factor that is a parameter, a mask, or a gate. */
function product(cx: ChainContext, op: Op, step: Step, to: Make): Step | undefined {
  const [a, b] = op.inputs;
  if (!a || !b) return undefined;
  if (op.kind === 'div') return b.constant ? to(a, { coefficients: [...step.coefficients, b] }) : undefined;
  if (a.constant !== b.constant) {
    const [x, factor] = a.constant ? [b, a] : [a, b];
    if (isInteger(x)) return to(x);
    if (isState(cx, factor, x)) return to(factor, { gates: [...step.gates, x] });
    return to(x, { coefficients: [...step.coefficients, factor] });
  }
  if (a.constant || a === b) return undefined;
  for (const [x, factor] of [
    [a, b],
    [b, a],
  ] as const)
    if (isMask(cx, factor, x)) return to(x);
  const gate = pickGate(cx, a, b);
  if (!gate) return undefined;
  return to(gate === a ? b : a, { gates: [...step.gates, gate] });
}

/** Whether a value is a product of integers, with a bias perhaps: what it is multiplied with are the scales of quantization. */
function isInteger(val: Val): boolean {
  const { op } = val;
  const product = op?.kind === 'add' ? onlyDataInput(op)?.op : op;
  return product?.node.opType.endsWith('Integer') ?? false;
}

/** Whether a constant factor is a state that starts as a constant, and the other one its gate. */
function isState({ view }: ChainContext, factor: Val, gate: Val): boolean {
  const [own, all] = [shapeOf(view, factor), shapeOf(view, gate)];
  const full = own !== undefined && own.length > 1 && String(own) === String(all);
  return full && tensorOf(factor)?.size !== 1 && isBounded(gate) > 0;
}

/** Which of two factors that depend on data gates the other: the one that is broadcast, or bounded. */
export function pickGate(cx: ChainContext, a: Val, b: Val): Val | undefined {
  const [sa, sb] = [isBroadcast(cx.view, a, b), isBroadcast(cx.view, b, a)];
  if (sa !== sb) return sa ? a : b;
  const [ba, bb] = [isBounded(a), isBounded(b)];
  if (ba === bb) return undefined;
  const gate = ba > bb ? a : b;
  const value = gate === a ? b : a;
  return rootOf(cx, gate) === rootOf(cx, value) ? undefined : gate;
}

/** The value that another follows from element by element: a product of two such is an activation (GELU). */
function rootOf({ pointwise }: ChainContext, val: Val): Val {
  return pointwise.source(val)?.of ?? val;
}

const SIGMOIDS: ReadonlySet<string> = new Set(['Sigmoid', 'HardSigmoid', 'Softmax']);

/** 2 for what lies between 0 and 1 by construction, also after `1 − x`; 1 for Tanh; 0 for anything else. */
function isBounded(val: Val): number {
  let at = val;
  for (let step = 0; step < 8; step++) {
    const { op } = at;
    if (!op) return 0;
    if (SIGMOIDS.has(op.type)) return 2;
    if (op.type === 'Tanh') return 1;
    const data = dataInputs(op);
    const passes =
      op.kind === 'layout' ||
      op.kind === 'move' ||
      op.kind === 'resize' ||
      op.kind === 'add' ||
      op.kind === 'mul' ||
      op.kind === 'div';
    const x = data.length === 1 ? data[0] : undefined;
    if (op.type === 'Clip' && !isGuard(op)) return 2;
    if (!passes || !x) return 0;
    at = x;
  }
  return 0;
}

const COMPARISONS: ReadonlySet<string> = new Set([
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual',
  'Equal',
  'Not',
  'And',
  'Or',
  'Xor',
  'IsNaN',
  'IsInf',
]);

/**
 * Whether a factor tells apart elements that count and elements that do not: it comes from a comparison, or it is fed as it is and has
 * fewer axes or another type than what it multiplies.
 */
export function isMask({ view }: ChainContext, val: Val, other: Val): boolean {
  let at = val;
  for (let step = 0; step < 24; step++) {
    const { op } = at;
    if (op?.kind === 'mix') return false;
    const dtype = dtypeOf(view, at);
    if (dtype !== undefined && !isFloat(dtype) && !(op && isQuantized(dtype))) return true;
    if (!op) return isBroadcast(view, val, other);
    if (COMPARISONS.has(op.type)) return true;
    const passes = op.kind === 'layout' || op.kind === 'move' || op.kind === 'concat' || op.kind === 'add';
    const only = onlyDataInput(op);
    const looksUp = op.type.startsWith('Gather') && op.inputs[0]?.constant;
    if (!only || looksUp || !(passes || op.kind === 'mul' || op.type === 'Cast' || op.type === 'Where')) return false;
    at = only;
  }
  return false;
}

/** Whether what operations give in a type may stand for floats. */
function isQuantized(dtype: DType): boolean {
  return dtype === 'int8' || dtype === 'uint8';
}

/** Whether the operation has weights of its own. */
export function isWeighted(op: Op): boolean {
  return (
    (op.kind === 'mix' && op.inputs.some((val, index) => val?.constant && index > 0 && !isSmall(val))) || isOpaque(op)
  );
}

function isSmall(val: Val): boolean {
  return val.op === undefined && val.value?.constant?.size === 1;
}

function isOpaque(op: Op): boolean {
  const scatters = op.type.startsWith('Scatter');
  return op.kind === 'mix' && !scatters && op.inputs[0]?.constant === true && dataInputs(op).length > 0;
}

const NONLINEAR_MIXES = /Attention|LSTM|GRU|RNN|MoE|GatedDelta|Mamba/;

/** Whether a weighted operation is linear in its data. */
export function isLinearMix(op: Op): boolean {
  return !NONLINEAR_MIXES.test(op.type);
}
