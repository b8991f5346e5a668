import { hasReference, type Node, type Pass, type PassContext, type Value } from '#core';
import { onlyReader } from '../_shared/facts.js';
import { nodeRules, type NodeRule } from '../_shared/node-rules.js';
import { haveSameScale, isSafe, type Quantization, quantizationOf } from './quantization.js';
import { saturating } from './saturating.js';

/** Operators that move elements of any type. */
const MOVES = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Gather'];

/** Moves between the two that are looked through. */
const MAX_CHAIN = 4;

const RULE = 'quantize-of-dequantized';

/** (x − z) · s / s + z rounds to x for all integers of up to 16 bits. */
const requantized: NodeRule = {
  name: RULE,
  summary: 'QuantizeLinear of what DequantizeLinear gave by the same scale is left out, also behind moves of elements',
  ops: ['QuantizeLinear'],
  plan(node, cx) {
    const found = dequantizeBefore(node);
    if (!found || hasReference(node)) return undefined;
    const [from, to] = [quantizationOf(found.dequantize, cx.types), quantizationOf(node, cx.types)];
    const reason = from && to ? misfit(from, to, found.chain.length > 0) : 'scale or zero point is not constant';
    if (reason !== undefined) return decline(cx, node, reason, 2 + found.chain.length);
    return (edit) => {
      let value = found.dequantize.inputs[0]!;
      for (const each of found.chain.toReversed())
        value = edit.node(each.opType, [value, ...each.inputs.slice(1)], each.attrs, { name: each.name });
      edit.replace(node.outputs[0]!, value);
    };
  },
};

function decline(cx: PassContext, node: Node, reason: string, matched: number): undefined {
  cx.decline(RULE, node, reason, matched);
  return undefined;
}

function dequantizeBefore(node: Node): { readonly dequantize: Node; readonly chain: readonly Node[] } | undefined {
  const chain: Node[] = [];
  let value: Value | undefined = node.inputs[0];
  for (let steps = 0; value && steps <= MAX_CHAIN; steps++) {
    const at: Node | undefined = value.producer;
    if (!at || at.graph !== node.graph || hasReference(at)) return undefined;
    if (at.domain === '' && at.opType === 'DequantizeLinear') return { dequantize: at, chain };
    if (!MOVES.includes(at.opType) || at.domain !== '' || !onlyReader(value)) return undefined;
    chain.push(at);
    value = at.inputs[0];
  }
  return undefined;
}

function misfit(from: Quantization, to: Quantization, isMoved: boolean): string | undefined {
  if (from.dtype !== to.dtype) return `${from.dtype} becomes ${to.dtype}`;
  if (!haveSameScale(from, to)) return 'scales or zero points differ';
  if (isMoved && (from.scales.length > 1 || !from.dtype.endsWith('int8')))
    return 'the scale is not one of 8 bits for all';
  return isSafe(from) ? undefined : 'integers of this type and scale do not come back';
}

/** Quantization that is undone, or that does again what was done. */
export const eliminateQuantization: Pass = nodeRules({
  name: 'eliminate-quantization',
  summary: 'quantizing what was dequantized alike, and activations that quantizing does by itself, are left out',
  semantics: 'exact',
  rules: [requantized, saturating],
});
