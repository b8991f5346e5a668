import { constantOf, type Edit, floatAttr, fromFloat64, isFloat, isOp, type Node, Tensor, type Value } from '#core';
import type { NodeRule } from '../_shared/node-rules.js';

/** What an operator cuts its input to; an absent bound does not cut. */
interface Bounds {
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** The bounds of Relu or Clip where they are constant. */
function boundsOf(node: Node): Bounds | undefined {
  if (node.opType === 'Relu') return { low: 0, high: undefined };
  if ((node.graph.opset('') ?? 0) < 11) {
    const isGiven = ['min', 'max'].every((name) => node.attrs.get(name)?.type === 'FLOAT');
    return isGiven ? { low: floatAttr(node, 'min'), high: floatAttr(node, 'max') } : undefined;
  }
  const [low, high] = [1, 2].map((index) => node.inputs[index]);
  const [a, b] = [low, high].map((bound) => (bound ? (constantOf(bound)?.scalar() ?? Number.NaN) : undefined));
  return Number.isNaN(a) || Number.isNaN(b) ? undefined : { low: a, high: b };
}

/** By the standard the maximum wins where it is below the minimum. */
function cut(value: number, { low = -Infinity, high = Infinity }: Bounds): number {
  return Math.min(Math.max(value, low), high);
}

/** What `outer` leaves of what `inner` leaves: bounds of the inner one are cut by the outer one. */
function mergeBounds(inner: Bounds, outer: Bounds): Bounds {
  const low = inner.low === undefined ? outer.low : cut(inner.low, outer);
  const high = inner.high === undefined ? outer.high : cut(inner.high, outer);
  return { low, high };
}

/** Two operators in a row that cut. */
export const clipChain: NodeRule = {
  name: 'clip-chain',
  summary: 'Relu and Clip in a row become one Clip or Relu',
  ops: ['Relu', 'Clip'],
  plan(node, cx) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, 'Relu', 'Clip')) return undefined;
    const [first, second] = [boundsOf(inner), boundsOf(node)];
    const dtype = cx.types.dtype(node.outputs[0]!);
    if (!first || !second || !dtype || (!isFloat(dtype) && (node.graph.opset('') ?? 0) < 12)) return undefined;
    if (dtype === 'int64' || dtype === 'uint64') return undefined; // bounds beyond 2^53 would be rounded
    const bounds = mergeBounds(first, second);
    return (edit) => edit.replace(node.outputs[0]!, addClip(edit, inner.inputs[0]!, bounds, dtype));
  },
};

function addClip(edit: Edit, data: Value, { low, high }: Bounds, dtype: Tensor['dtype']): Value {
  if (low === 0 && high === undefined && isFloat(dtype)) return edit.node('Relu', [data]);
  if ((edit.graph.opset('') ?? 0) < 11)
    return edit.node('Clip', [data], { min: low ?? -Infinity, max: high ?? Infinity });
  const bound = (value: number | undefined): Value | undefined =>
    value === undefined ? undefined : edit.constant('', Tensor.from(fromFloat64(dtype, [], [value])));
  return edit.node('Clip', [data, bound(low), bound(high)]);
}
