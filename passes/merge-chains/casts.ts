import { type DType, DTYPES, intAttr, isFloat, isInteger, isOp, type Node } from '#core';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';

/** Bits that integers of a type need besides the sign, and whether they have one. */
function integerBits(dtype: DType): { readonly bits: number; readonly signed: boolean } | undefined {
  if (dtype === 'bool') return { bits: 1, signed: false };
  if (!isInteger(dtype)) return undefined;
  const signed = DTYPES[dtype].kind === 'int';
  return { bits: DTYPES[dtype].bits - (signed ? 1 : 0), signed };
}

/** Bits of the significand, hidden one included, of floats that hold all smaller integers; and what each float type can widen to. */
const SIGNIFICAND: Partial<Record<DType, number>> = { float64: 53, float32: 24, float16: 11, bfloat16: 8 };
const WIDER: Partial<Record<DType, readonly DType[]>> = {
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

/** Whether every value of `from` is kept by a Cast to `to`. */
export function isLossless(from: DType, to: DType): boolean {
  if (from === to) return true;
  const bits = integerBits(from);
  if (bits) {
    const target = integerBits(to);
    if (target) return to !== 'bool' && target.bits >= bits.bits && (target.signed || !bits.signed);
    return (SIGNIFICAND[to] ?? 0) >= bits.bits;
  }
  return isFloat(from) && (WIDER[from]?.includes(to) ?? false);
}

/** Cast of Cast, where the first one loses nothing. */
export const castChain: NodeRule = {
  name: 'cast-chain',
  summary: 'Cast of a Cast that loses nothing becomes one Cast, or nothing',
  ops: ['Cast'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, 'Cast')) return undefined;
    const [from, middle, to] = [inner.inputs[0]!, inner.outputs[0]!, node.outputs[0]!].map((value) =>
      types.dtype(value),
    );
    if (!from || !middle || !to || !isLossless(from, middle) || isText(to)) return undefined;
    if (from === to) return passThrough(node, inner.inputs[0]);
    return (edit) => edit.replace(node.outputs[0]!, edit.node('Cast', [inner.inputs[0]], castAttributes(node, to)));
  },
};

/** The text of a number depends on its type. */
const isText = (dtype: DType): boolean => dtype === 'string';

function castAttributes(node: Node, to: DType): Record<string, number | undefined> {
  return { to: DTYPES[to].onnx, ...(node.attrs.has('saturate') && { saturate: intAttr(node, 'saturate') }) };
}
