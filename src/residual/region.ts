import { isWeighted } from './chain.js';
import { dataInputs, intOf, intsOf, type Op, orderOf, parameterOf, scalarOf, tensorOf, type Val } from './view.js';

/** What lies between two values, counted. */
export interface RegionStats {
  readonly mixes: number;
  readonly weighted: number;
  readonly nonlinear: number;
  readonly pools: number;
  readonly shrinks: boolean;
  readonly grows: boolean;
  readonly attends: boolean;
  readonly routes: boolean;
  /** Whether it goes to frequencies, as Fourier networks do. */
  readonly transforms: boolean;
}

/** The operations on some way from `from` to `to`, in order; `blocked` values are not passed. O(operations between them). */
export function between(from: Val, to: Val, blocked: (val: Val) => boolean = () => false): Op[] {
  const least = orderOf(from);
  const seen = new Set<Op>();
  const stack: Val[] = [to];
  for (let val = stack.pop(); val; val = stack.pop()) {
    const { op } = val;
    if (val === from || !op || op.order <= least || seen.has(op) || blocked(val)) continue;
    seen.add(op);
    for (const input of op.inputs) if (input && (!input.constant || from.constant)) stack.push(input);
  }
  const reached = new Set<Val>([from]);
  const found: Op[] = [];
  for (const op of [...seen].sort((a, b) => a.order - b.order)) {
    if (!op.inputs.some((val) => val !== undefined && reached.has(val))) continue;
    found.push(op);
    for (const val of op.outputs) reached.add(val);
  }
  return found;
}

const ROUTERS: ReadonlySet<string> = new Set(['TopK', 'MoE', 'QMoE', 'ArgMax', 'NonZero']);
const LINEAR_POINTWISE: ReadonlySet<string> = new Set(['Neg', 'Where', 'Cast']);

/** Counts what a region does. O(operations). */
export function statsOf(ops: readonly Op[]): RegionStats {
  const stats = { mixes: 0, weighted: 0, nonlinear: 0, pools: 0 };
  const does = { shrinks: false, grows: false, attends: false, routes: false, transforms: false };
  for (const op of ops) {
    if (op.kind === 'mix') stats.mixes++;
    if (isWeighted(op)) stats.weighted++;
    if (isNonlinear(op)) stats.nonlinear++;
    if (op.kind === 'pool') stats.pools++;
    does.shrinks ||= shrinks(op);
    does.grows ||= grows(op);
    does.attends ||= op.kind === 'softmax' || op.type.includes('Attention');
    does.routes ||= ROUTERS.has(op.type);
    does.transforms ||= op.type === 'DFT' || op.type === 'STFT';
  }
  return { ...stats, ...does };
}

/** Whether a region transforms its input enough to be a branch: it mixes positions or channels, or pools. */
export function isBranch(stats: RegionStats): boolean {
  return stats.mixes + stats.pools > 0;
}

/** Whether a region gathers what neighbours hold and does nothing else: it has no weights, attends to nothing, pools nothing. */
export function isAggregation(stats: RegionStats): boolean {
  return stats.weighted === 0 && stats.pools === 0 && !stats.transforms && !stats.attends;
}

/** Whether a region is a branch beside a skip with weights: it has several layers. */
export function isTransformed(stats: RegionStats): boolean {
  return stats.nonlinear > 0 && (stats.weighted >= 2 || (stats.weighted >= 1 && stats.mixes >= 2));
}

function isNonlinear(op: Op): boolean {
  switch (op.kind) {
    case 'pointwise':
      return !LINEAR_POINTWISE.has(op.type);
    case 'softmax':
      return true;
    case 'mul':
    case 'div':
      return dataInputs(op).length > 1;
    case 'mix':
      return !isWeighted(op) || /LSTM|GRU|RNN|Attention|MoE/.test(op.type);
    default:
      return false;
  }
}

/** Whether an operation is a convolution that does not mix all channels. */
export function isGrouped(op: Op): boolean {
  return op.type === 'Conv' && (intOf(op, 'group') ?? 1) > 1;
}

/** Whether an operation makes its input smaller by stepping over positions. */
export function shrinks(op: Op): boolean {
  if (op.type === 'ConvTranspose') return false;
  if (op.type === 'Slice')
    return (
      tensorOf(parameterOf(op, 4))
        ?.ints()
        .some((step) => step > 1n) ?? false
    );
  if (op.type === 'SpaceToDepth') return true;
  return (op.kind === 'mix' || op.kind === 'pool') && (intsOf(op, 'strides')?.some((stride) => stride > 1) ?? false);
}

/** Whether an operation makes its input larger by filling in positions. */
export function grows(op: Op): boolean {
  if (op.type === 'ConvTranspose') return intsOf(op, 'strides')?.some((stride) => stride > 1) ?? false;
  return op.kind === 'resize' && scalarOf(op.inputs[2]) !== 1;
}
