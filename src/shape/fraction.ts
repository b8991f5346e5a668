import { ceilDiv, type Dim, floorDiv, isProven, mul } from '../dim/dim.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { intAttr, isOp } from '../schema/read.js';
import { DTYPES } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import type { NodeContext } from './context.js';
import { isStatic, MAX_ELEMENTS } from './fact.js';

/** An element that need not be whole. */
interface Fraction {
  readonly numerator: Dim;
  readonly denominator: Dim;
}

export type Rounding = 'floor' | 'ceil' | 'truncate';

/** Largest power of two by which a constant is multiplied to become whole: finer ones round in float32. */
const FINEST = 2 ** 10;

/** Operators that are followed backwards at most. */
const MAX_STEPS = 16;

/**
 * Follows elements through a rounding of one division, or of one product with a constant such as 0.5, of whole numbers in floating
 * point. Both are exact there below 2^22, which sizes are taken to be; longer chains are not, and stay unknown.
 */
export function roundElements(cx: NodeContext, rounding: Rounding): void {
  const shape = cx.outputShape(0);
  const [value] = cx.node.inputs;
  if (!value || !isStatic(shape) || cx.elements(0)) return;
  const count = shape.reduce((size, dim) => size * dim, 1);
  if (count > MAX_ELEMENTS) return;
  const found = Array.from({ length: count }, (_, at) => round(fractionOf(cx, value, at), rounding));
  cx.outputElements(0, shape, found);
}

function round(fraction: Fraction | undefined, rounding: Rounding): Dim {
  if (!fraction || !isProven(fraction.denominator, '>=', 0)) return null;
  const { numerator, denominator } = fraction;
  if (rounding === 'ceil') return ceilDiv(numerator, denominator);
  return rounding === 'floor' || isProven(numerator, '>=', 0) ? floorDiv(numerator, denominator) : null;
}

function fractionOf(cx: NodeContext, start: Value, index: number): Fraction | undefined {
  let [value, at]: [Value, number] = [start, index];
  for (let step = 0; step < MAX_STEPS; step++) {
    const whole = cx.factOf(value).elements?.elements[at];
    if (whole !== undefined && whole !== null) return { numerator: whole, denominator: 1 };
    const node = value.producer;
    if (!node) return undefined;
    if (isOp(node, 'Div')) return quotient(cx, node, at);
    if (isOp(node, 'Mul')) return scaledElement(cx, node, at);
    const before = sourceOf(cx, node, at);
    if (!before) return undefined;
    [value, at] = before;
  }
  return undefined;
}

const MOVES: ReadonlySet<string> = new Set(['Identity', 'Unsqueeze', 'Squeeze', 'Reshape', 'Flatten']);

/** Whether the node converts to float32 or float64. */
function isCastToFloat(node: Node): boolean {
  const to = node.opType === 'Cast' ? intAttr(node, 'to') : undefined;
  return to === DTYPES.float32.onnx || to === DTYPES.float64.onnx;
}

/** Where an element that is only moved comes from. */
function sourceOf(cx: NodeContext, node: Node, at: number): [Value, number] | undefined {
  const [first] = node.inputs;
  if (!first || node.domain !== '') return undefined;
  if (MOVES.has(node.opType) || isCastToFloat(node)) return [first, at];
  if (node.opType === 'Concat' && intAttr(node, 'axis') === 0) {
    let rest = at;
    for (const input of node.inputs) {
      const size = input && sizeOf(cx, input);
      if (size === undefined) return undefined;
      if (rest < size) return [input!, rest];
      rest -= size;
    }
  }
  if (node.opType !== 'Gather' || !node.inputs[1]) return undefined;
  const position = cx.factOf(node.inputs[1]).elements?.elements[at];
  const length = sizeOf(cx, first);
  if (typeof position !== 'number' || length === undefined || rankOf(cx, first) !== 1) return undefined;
  return [first, position < 0 ? position + length : position];
}

function rankOf(cx: NodeContext, value: Value): number | undefined {
  const { type } = cx.factOf(value);
  return type?.kind === 'tensor' ? type.shape?.length : undefined;
}

function sizeOf(cx: NodeContext, value: Value): number | undefined {
  const { type } = cx.factOf(value);
  const shape = type?.kind === 'tensor' ? type.shape : undefined;
  return isStatic(shape) ? shape.reduce((size, dim) => size * dim, 1) : undefined;
}

/** The index in an operand that has one element, or as many as the result. */
function indexIn(cx: NodeContext, node: Node, input: number, at: number): number | undefined {
  const [operand, result] = [node.inputs[input], node.outputs[0]];
  const size = operand && sizeOf(cx, operand);
  if (size === 1) return 0;
  return result && size === sizeOf(cx, result) ? at : undefined;
}

function wholeAt(cx: NodeContext, node: Node, input: number, at: number): Dim {
  const index = indexIn(cx, node, input, at);
  const operand = node.inputs[input];
  return index === undefined || !operand ? null : (cx.factOf(operand).elements?.elements[index] ?? null);
}

function quotient(cx: NodeContext, node: Node, at: number): Fraction | undefined {
  const [numerator, denominator] = [wholeAt(cx, node, 0, at), wholeAt(cx, node, 1, at)];
  return numerator === null || denominator === null ? undefined : { numerator, denominator };
}

function scaledElement(cx: NodeContext, node: Node, at: number): Fraction | undefined {
  for (const [whole, factor] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const size = wholeAt(cx, node, whole, at);
    const index = indexIn(cx, node, factor, at);
    const tensor = constantOf(node.inputs[factor]);
    if (size === null || index === undefined || !tensor) continue;
    return timesFloat(size, tensor, index);
  }
  return undefined;
}

function timesFloat(size: Dim, tensor: Tensor, index: number): Fraction | undefined {
  const factor = tensor.size <= MAX_ELEMENTS && tensor.dtype !== 'string' ? tensor.floats()[index] : undefined;
  if (factor === undefined) return undefined;
  for (let denominator = 1; denominator <= FINEST; denominator *= 2) {
    const numerator = factor * denominator;
    if (Number.isSafeInteger(numerator)) return { numerator: mul(size, numerator), denominator };
  }
  return undefined;
}
