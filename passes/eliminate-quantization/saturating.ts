import { constantOf, floatAttr, isOp, type Node, type PassContext, type Value } from '#core';
import { onlyReader } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { type Quantization, quantizationOf } from './quantization.js';

const LIMITS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['int8', [-128, 127]],
  ['uint8', [0, 255]],
  ['int16', [-32768, 32767]],
  ['uint16', [0, 65535]],
]);

const RULE = 'saturating-before-quantize';

/** Integers end where the activation would cut: quantizing cuts there by itself. */
export const saturating: NodeRule = {
  name: RULE,
  summary: 'Relu and Clip in front of a QuantizeLinear whose integers end no later',
  semantics: 'equivalent', // what becomes of NaN is not defined
  ops: ['QuantizeLinear'],
  plan(node, cx) {
    const value = node.inputs[0];
    const cut = value?.producer;
    if (!isOp(cut, 'Relu', 'Clip') || cut.graph !== node.graph || !cut.inputs[0]) return undefined;
    const bounds = boundsOf(cut);
    const quantization = quantizationOf(node, cx.types);
    const reason = misfit(bounds, quantization) ?? (onlyReader(value!) ? undefined : 'something else reads it');
    if (reason !== undefined) return decline(cx, node, reason);
    return (edit) => edit.graph.setInput(node, 0, cut.inputs[0]!);
  },
};

function decline(cx: PassContext, node: Node, reason: string): undefined {
  cx.decline(RULE, node, reason, 2);
  return undefined;
}

function boundsOf(node: Node): readonly [number, number] | undefined {
  if (node.opType === 'Relu') return [0, Infinity];
  if ((node.graph.opset('') ?? 0) < 11)
    return [floatAttr(node, 'min') ?? -Infinity, floatAttr(node, 'max') ?? Infinity];
  const bound = (value: Value | undefined, open: number): number | undefined =>
    value ? constantOf(value)?.scalar() : open;
  const [low, high] = [bound(node.inputs[1], -Infinity), bound(node.inputs[2], Infinity)];
  return low === undefined || high === undefined || !(low <= high) ? undefined : [low, high];
}

/** Whether both bounds are rounded to the ends of the integers, or beyond. */
function misfit(
  bounds: readonly [number, number] | undefined,
  quantization: Quantization | undefined,
): string | undefined {
  if (!bounds) return 'the bounds are not constant';
  const limits = quantization && LIMITS.get(quantization.dtype);
  if (!quantization || !limits) return 'scale or zero point is not constant, or other integers come out';
  const reaches = quantization.scales.every((scale, at) => {
    const zero = quantization.zeros[at]!;
    const [low, high] = bounds.map((bound) => roundHalfEven(Math.fround(bound / scale)) + zero) as [number, number];
    return scale > 0 && Number.isFinite(scale) && low <= limits[0] && high >= limits[1];
  });
  return reaches ? undefined : 'the integers reach beyond the bounds';
}

function roundHalfEven(number: number): number {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 === 0 ? floor : floor + 1;
}
