import {
  constantOf,
  elementCount,
  fromFloat64,
  intAttr,
  intsAttr,
  isFloat,
  type Node,
  type NumericArray,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { broadcast, concatenate } from './arrays.js';
import { knownInts } from './facts.js';
import { transposeArray } from './layout-alias.js';

/** Above this many operators a static value is not followed. */
const MOST_NODES = 64;

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Log: Math.log,
  Tanh: Math.tanh,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Softplus: (x) => Math.log1p(Math.exp(x)),
};

const BINARY: Readonly<Record<string, (x: number, y: number) => number>> = {
  Add: (x, y) => x + y,
  Sub: (x, y) => x - y,
  Mul: (x, y) => x * y,
  Div: (x, y) => x / y,
  Pow: (x, y) => x ** y,
};

/**
 * The elements of a floating point value that is computed from constants alone by operators that lay elements out anew or compute
 * each by itself; float64 wherever something is computed. `undefined` for all else.
 */
export function staticArray(value: Value, types: Types): NumericArray | undefined {
  const constant = constantOf(value) ?? types.fact(value).tensor;
  if (constant) return constant.dtype === 'string' ? undefined : constant.array();
  const order = staticNodes(value);
  if (!order) return undefined;
  const known = new Map<Value, NumericArray>();
  const read = (input: Value | undefined): NumericArray | undefined =>
    input && (known.get(input) ?? (constantOf(input) ?? types.fact(input).tensor)?.array());
  for (const node of order) {
    const result = evaluate(node, read, types);
    if (!result) return undefined;
    known.set(node.outputs[0]!, result);
  }
  return known.get(value);
}

/** Nodes above a value, producers first; `undefined` when there are many, or something else than constants above them. */
function staticNodes(value: Value): readonly Node[] | undefined {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { readonly node: Node; readonly close: boolean }[] = [];
  const visit = (of: Value): boolean => {
    if (constantOf(of)) return true;
    const node = of.producer;
    if (!node || node.domain !== '' || node.bodies.length > 0 || of !== node.outputs[0]) return false;
    if (!done.has(node)) stack.push({ node, close: false });
    return true;
  };
  if (!visit(value)) return undefined;
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { node, close } = item;
    if (close) order.push(node);
    if (close || done.has(node)) continue;
    done.add(node);
    if (done.size > MOST_NODES) return undefined;
    stack.push({ node, close: true });
    for (const input of elementInputs(node)) if (!visit(input)) return undefined;
  }
  return order;
}

/** Operators that take the shape or the dtype alone from their other inputs; those are known from the types of the output. */
const FIRST_ONLY = new Set(['CastLike', 'Expand', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** The inputs that the elements of a node's output are made of. */
function elementInputs(node: Node): readonly Value[] {
  const inputs = FIRST_ONLY.has(node.opType) ? node.inputs.slice(0, 1) : node.inputs;
  return inputs.filter((input) => input !== undefined);
}

type Read = (value: Value | undefined) => NumericArray | undefined;

function evaluate(node: Node, read: Read, types: Types): NumericArray | undefined {
  const x = read(node.inputs[0]);
  if (!x || x.dtype === 'string') return undefined;
  const unary = UNARY[node.opType];
  if (unary) return { dtype: 'float64', shape: x.shape, data: toFloat64(x).map(unary) };
  const binary = BINARY[node.opType];
  const y = binary && read(node.inputs[1]);
  if (binary) return y && combine(binary, x, y);
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
      return x;
    case 'Cast':
    case 'CastLike':
      return castTo(node, x, types);
    case 'Transpose':
      return transposeArray(x, intsAttr(node, 'perm') ?? x.shape.map((_, i) => x.shape.length - 1 - i));
    case 'Concat': {
      const parts = node.inputs.map(read);
      return parts.every((part) => part !== undefined) ? concatenate(parts, intAttr(node, 'axis') ?? 0) : undefined;
    }
    case 'Expand':
      return expand(node, x, types);
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return relabel(node, x, types);
    default:
      return undefined;
  }
}

/** Only casts between floating point types: what stays exact, or is rounded as the model rounds it. */
function castTo(node: Node, x: NumericArray, types: Types): NumericArray | undefined {
  const dtype = types.dtype(node.outputs[0]!);
  return dtype && isFloat(dtype) && isFloat(x.dtype) ? fromFloat64(dtype, x.shape, toFloat64(x)) : undefined;
}

function combine(f: (x: number, y: number) => number, x: NumericArray, y: NumericArray): NumericArray | undefined {
  const rank = Math.max(x.shape.length, y.shape.length);
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [p, q] = [x.shape[axis - rank + x.shape.length] ?? 1, y.shape[axis - rank + y.shape.length] ?? 1];
    return p === 1 ? q : p;
  });
  const [a, b] = [x, y].map((array) =>
    toFloat64(broadcast({ ...array, dtype: 'float64', data: toFloat64(array) }, shape)),
  );
  return { dtype: 'float64', shape, data: a!.map((element, i) => f(element, b![i]!)) };
}

function expand(node: Node, x: NumericArray, types: Types): NumericArray | undefined {
  const shape = types.shape(node.outputs[0]!);
  return shape?.every((dim) => typeof dim === 'number') ? broadcast(x, shape as readonly number[]) : undefined;
}

/** The same elements under the shape that the output has. */
function relabel(node: Node, x: NumericArray, types: Types): NumericArray | undefined {
  const shape = types.shape(node.outputs[0]!) ?? reshapeTarget(node, types);
  const known = shape?.every((dim) => typeof dim === 'number') ? (shape as readonly number[]) : undefined;
  return known && elementCount(known) === elementCount(x.shape) ? { ...x, shape: known } : undefined;
}

function reshapeTarget(node: Node, types: Types): readonly number[] | undefined {
  const axes = node.opType === 'Reshape' ? knownInts(types, node.inputs[1]) : undefined;
  return axes?.every((dim) => dim > 0) ? axes : undefined;
}
