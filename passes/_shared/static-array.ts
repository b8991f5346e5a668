import {
  constantOf,
  type Dim,
  evaluateNodes,
  fromFloat64,
  isCast,
  isElementwise,
  isFloat,
  isLayout,
  isOp,
  type Node,
  type NumericArray,
  Tensor,
  toFloat64,
  toNumeric,
  type Types,
  type Value,
  zeros,
} from '#core';

/** Above this many operators a static value is not followed. */
const MOST_NODES = 64;

/** Operations on elements beyond which a static value is not computed. */
const LIMIT = 2 ** 28;

/**
 * The elements of a value that is computed from constants alone by operators that lay elements out anew or compute each by itself: in its
 * dtype where that holds them, else float64. `undefined` for all else.
 */
export function staticArray(value: Value, types: Types): NumericArray | undefined {
  const constant = constantOf(value) ?? types.fact(value).tensor;
  if (constant) return constant.dtype === 'string' ? undefined : constant.array();
  const order = staticNodes(value);
  if (!order) return undefined;
  const given = new Map(order.flatMap((node) => fromOutput(node, types)));
  const read = (input: Value): NumericArray | undefined =>
    (constantOf(input) ?? types.fact(input).tensor)?.array() ?? knownElements(input, types) ?? given.get(input);
  const computed = evaluateNodes(order, read, LIMIT)?.get(value);
  if (!computed || computed.dtype === 'string') return undefined;
  const rounded = toNumeric(computed);
  if (!isFloat(computed.dtype)) return rounded;
  const { shape, data } = computed;
  const isHeld = toFloat64(rounded).every((element, i) => Object.is(element, data[i]));
  return isHeld ? rounded : { dtype: 'float64', shape, data: data as Float64Array };
}

/** Whether a node computes each element by itself, or gives elements of its operands as they are. */
function isFollowed(node: Node): boolean {
  return isElementwise(node) || isLayout(node) || isCast(node) || isOp(node, 'Concat', 'Dropout', 'Expand');
}

/** Nodes above a value, producers first; `undefined` when there are many, or something else than constants above them. */
function staticNodes(value: Value): readonly Node[] | undefined {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { readonly node: Node; readonly close: boolean }[] = [];
  const visit = (of: Value): boolean => {
    if (constantOf(of)) return true;
    const node = of.producer;
    if (!node || node.domain !== '' || !isFollowed(node) || of !== node.outputs[0]) return false;
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

/** What the type of a node's output says of an operand that gives shape or dtype alone. */
function fromOutput(node: Node, types: Types): readonly (readonly [Value, NumericArray])[] {
  const operand = node.inputs[1];
  const { dtype, shape } = types.tensor(node.outputs[0]!) ?? {};
  if (!operand) return [];
  if (node.opType === 'CastLike') return dtype && dtype !== 'string' ? [[operand, zeros(dtype, [0])]] : [];
  if (node.opType !== 'Expand' && node.opType !== 'Reshape') return [];
  return shape && isKnown(shape) ? [[operand, Tensor.int64([shape.length], shape).array()]] : [];
}

/** The elements of a small integer tensor that inference knows. */
function knownElements(value: Value, types: Types): NumericArray | undefined {
  const known = types.elements(value);
  return known && isKnown(known.elements) ? fromFloat64(known.dtype, known.shape, known.elements) : undefined;
}

function isKnown(dims: readonly Dim[]): dims is readonly number[] {
  return dims.every((dim) => typeof dim === 'number');
}

/** The inputs that the elements of a node's output are made of. */
function elementInputs(node: Node): readonly Value[] {
  const inputs = FIRST_ONLY.has(node.opType) ? node.inputs.slice(0, 1) : node.inputs;
  return inputs.filter((input) => input !== undefined);
}
