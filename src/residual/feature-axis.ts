import { intsOf, type Op, shapeOf, type Val, type View } from './view.js';

/** Most operations that are looked at for a hint at the layout. */
const MOST_OPS = 32;

/**
 * Whether an axis of a value holds features: it is the one that the next convolution, product or norm takes for channels. Where nothing
 * tells, axis 1 or the last one of four and more, else the last one.
 */
export function isFeatureAxis(view: View, val: Val, axis: number): boolean {
  const rank = shapeOf(view, val)?.length;
  const start = axis < 0 && rank !== undefined ? axis + rank : axis;
  const queue: { readonly val: Val; readonly axis: number }[] = [{ val, axis: start }];
  for (let at = 0; at < queue.length && at < MOST_OPS; at++) {
    const item = queue[at]!;
    for (const use of item.val.uses) {
      const feature = channelAxis(view, use, item.val);
      if (feature !== undefined) return feature === item.axis || (item.axis === -1 && feature === (rank ?? 0) - 1);
      const next = through(use, item.axis);
      const output = use.outputs[0];
      if (next !== undefined && output) queue.push({ val: output, axis: next });
    }
  }
  const before = axisBefore(view, val);
  if (before !== undefined) return before === start;
  if (rank === undefined) return axis === 1 || axis === -1;
  return start === rank - 1 || (rank >= 4 && start === 1);
}

/** The axis that the last convolution or product before a value gave features; `undefined` where layout changed since. */
function axisBefore(view: View, val: Val): number | undefined {
  const queue: Val[] = [val];
  for (let at = 0; at < queue.length && at < MOST_OPS; at++) {
    const op = queue[at]?.op;
    if (!op || op.type === 'Transpose') continue;
    const input = op.inputs[0];
    const feature = input && channelAxis(view, op, input);
    if (feature !== undefined) return feature;
    if (through(op, 0) !== undefined) for (const each of op.inputs) if (each && !each.constant) queue.push(each);
  }
  return undefined;
}

const CHANNELS_FIRST: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'ConvInteger',
  'BatchNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
]);
const CHANNELS_LAST: ReadonlySet<string> = new Set([
  'Gemm',
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'LSTM',
  'GRU',
  'RNN',
]);

/** The axis that an operation takes for channels in this operand. */
function channelAxis(view: View, op: Op, val: Val): number | undefined {
  if (CHANNELS_FIRST.has(op.type) && op.inputs[0] === val) return 1;
  const rank = shapeOf(view, val)?.length;
  if (rank === undefined) return undefined;
  if (CHANNELS_LAST.has(op.type) && op.inputs[0] === val) return rank - 1;
  if (op.type === 'MatMul' && op.inputs[0] === val && op.inputs[1]?.constant) return rank - 1;
  if (op.type === 'Norm' && op.norm?.axes?.length === 1) return op.norm.axes[0];
  return undefined;
}

/** The same axis after an operation; `undefined` where it can't be followed. */
function through(op: Op, axis: number): number | undefined {
  if (op.type === 'Transpose') {
    const to = intsOf(op, 'perm')?.indexOf(axis);
    return to === undefined || to < 0 ? undefined : to;
  }
  switch (op.kind) {
    case 'pointwise':
    case 'add':
    case 'mul':
    case 'div':
    case 'norm':
    case 'concat':
    case 'resize':
    case 'phi':
      return axis;
    case 'move':
      return op.type === 'Gather' ? undefined : axis;
    default:
      return undefined;
  }
}
