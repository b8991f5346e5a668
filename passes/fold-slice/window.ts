import {
  type AttributeValue,
  hasReference,
  intAttr,
  intsAttr,
  isOp,
  isProven,
  type Node,
  type PassContext,
  stringAttr,
  type Types,
  type Value,
} from '#core';
import { onlyReader } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { isPointwise } from '../_shared/pointwise.js';
import { cutEnds, type Ends } from './cuts.js';

/** Elementwise operators between the windows and the Slice that are looked through. */
const MAX_CHAIN = 4;

/** Window operators: pads of all but ConvTranspose add positions, pads of ConvTranspose take them away. */
const WINDOWS = new Set(['Conv', 'ConvInteger', 'ConvTranspose', 'QLinearConv', 'MaxPool', 'AveragePool']);

const RULE = 'slice-of-window';

/** A Slice that cuts positions off which exist by padding alone, as causal convolutions of PyTorch do. */
export const sliceOfWindow: NodeRule = {
  name: RULE,
  summary: 'Conv and pools pad less, and ConvTranspose more, where a Slice behind them cuts positions off',
  semantics: 'equivalent', // kernels add up in blocks that depend on the number of positions
  ops: ['Slice'],
  plan(node, cx) {
    const found = windowBefore(node, cx.types);
    const cuts = found && cutEnds(node, cx.types);
    if (!found || !cuts) return undefined;
    const pads = remaining(found.window, cuts, node, cx.types);
    if (typeof pads === 'string') return decline(cx, node, pads);
    return (edit) => {
      const attrs = new Map<string, AttributeValue>(found.window.attrs);
      attrs.delete('auto_pad');
      attrs.set('pads', { type: 'INTS', value: pads.map(BigInt) });
      let value = edit.node(found.window.opType, found.window.inputs, attrs, { name: found.window.name });
      for (const each of found.chain.toReversed())
        value = edit.node(each.opType, [value, ...each.inputs.slice(1)], each.attrs, { name: each.name });
      edit.replace(node.outputs[0]!, value);
    };
  },
};

function decline(cx: PassContext, node: Node, reason: string): undefined {
  cx.decline(RULE, node, reason, 2);
  return undefined;
}

/** The windows in front of a Slice, and what lies between, last first, each read once. */
function windowBefore(
  slice: Node,
  types: Types,
): { readonly window: Node; readonly chain: readonly Node[] } | undefined {
  const chain: Node[] = [];
  let value: Value | undefined = slice.inputs[0];
  for (let steps = 0; value && steps <= MAX_CHAIN && onlyReader(value); steps++) {
    const node: Node | undefined = value.producer;
    if (!node || node.graph !== slice.graph) return undefined;
    if (node.domain === '' && WINDOWS.has(node.opType))
      return node.outputs.length === 1 && !hasReference(node) ? { window: node, chain } : undefined;
    if (!isAlong(node, types)) return undefined;
    chain.push(node);
    value = node.inputs[0];
  }
  return undefined;
}

/** Elementwise operators, and quantization by one scale or one for each channel. */
function isAlong(node: Node, types: Types): boolean {
  if (isPointwise(node, types)) return true;
  if (!isOp(node, 'QuantizeLinear', 'DequantizeLinear')) return false;
  const rank = types.shape(node.inputs[1]!)?.length;
  return rank === 0 || (rank === 1 && intAttr(node, 'axis') === 1);
}

/** The pads without the positions that are cut off; a reason when there are not so many, or nothing might be left. */
function remaining(window: Node, cuts: readonly Ends[], slice: Node, types: Types): readonly number[] | string {
  const shape = types.shape(window.outputs[0]!);
  const weight = types.shape(window.inputs[isOp(window, 'QLinearConv') ? 3 : 1] ?? window.inputs[0]!);
  const rank = shape?.length ?? 0;
  const spatial = Math.max(0, rank - 2);
  const auto = stringAttr(window, 'auto_pad') ?? 'NOTSET';
  if (auto !== 'NOTSET' && auto !== 'VALID') return `auto_pad is ${auto}`;
  if (intAttr(window, 'ceil_mode') === 1) return 'ceil_mode makes windows that end outside';
  if (window.attrs.has('output_shape')) return 'the size of the result is given';
  if (cuts.some(({ axis }) => axis < 2)) return 'it cuts other axes than those of positions';
  const ones = Array<number>(spatial).fill(1);
  const strides = intsAttr(window, 'strides') ?? ones;
  const dilations = intsAttr(window, 'dilations') ?? ones;
  const kernel = intsAttr(window, 'kernel_shape') ?? weight?.slice(2);
  const pads = [...(intsAttr(window, 'pads') ?? [...ones, ...ones].fill(0))];
  if (pads.length !== 2 * spatial || kernel?.length !== spatial) return 'the windows are not known';
  const isTransposed = isOp(window, 'ConvTranspose');
  for (const { axis, begin, end } of cuts) {
    const [at, size] = [axis - 2, kernel[axis - 2] ?? null];
    const step = isTransposed ? -1 : (strides[at] ?? 1);
    pads[at]! -= begin * step;
    pads[at + spatial]! -= end * step;
    if (pads[at]! < 0 || pads[at + spatial]! < 0) return 'it cuts more than the padding makes';
    const isFilled = isProven(types.shape(slice.outputs[0]!)?.[axis] ?? null, '>=', 1);
    if (isFilled) continue;
    // One position of the input, which runtimes demand, is enough for one window.
    const reach = typeof size === 'number' ? (dilations[at] ?? 1) * (size - 1) : Number.NaN;
    const padded = pads[at]! + pads[at + spatial]!;
    if (!(isTransposed ? padded <= reach : padded >= reach)) return 'there may be nothing left';
  }
  return pads;
}
