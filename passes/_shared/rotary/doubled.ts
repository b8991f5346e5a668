import { constantOf, type Edit, intAttr, intsAttr, isOp, type Node, type Tensor, type Types, type Value } from '#core';

/** Operators that work element by element, so that equal halves stay equal. */
const ELEMENTWISE = ['Cos', 'Sin', 'Cast', 'Identity', 'Neg'];

/** How a value `[..., 2 · h]` with equal halves along its last axis came to be. */
export interface Doubled {
  /** `[..., h]`: what is there twice, before the operators of `steps`; absent where only a constant is known to be doubled. */
  readonly half: Value | undefined;
  /** Operators that computed with it since, first to last. */
  readonly steps: readonly Node[];
}

/** Whether both halves of the last axis are equal, and how that is known. Axes of length 1 may have come and gone. */
export function readDoubled(value: Value, types: Types): Doubled | undefined {
  const size = types.shape(value)?.at(-1);
  const steps: Node[] = [];
  let at: Value | undefined = value;
  while (at && steps.length < 12) {
    const table = constantOf(at);
    if (table) return hasEqualHalves(table) ? { half: undefined, steps } : undefined;
    const node: Node | undefined = at.producer;
    if (!node || types.shape(at)?.at(-1) !== size || at.graph !== value.graph) return undefined;
    if (node.op === 'Concat')
      return isTwice(node, types) ? { half: node.inputs[0], steps: steps.reverse() } : undefined;
    const next = keptBy(node);
    if (!next) return undefined;
    steps.push(node);
    at = next;
  }
  return undefined;
}

/** The input whose rows a node keeps as rows of its output. */
function keptBy(node: Node): Value | undefined {
  const [first, second] = node.inputs;
  if (node.op === 'Mul') {
    if (constantOf(second)?.size === 1) return first;
    return constantOf(first)?.size === 1 ? second : undefined;
  }
  if (node.op === 'Transpose')
    return intsAttr(node, 'perm')?.at(-1) === (intsAttr(node, 'perm')?.length ?? 0) - 1 ? first : undefined;
  if (node.op === 'Gather') return intAttr(node, 'axis') === 0 ? first : undefined;
  return isOp(node, ...ELEMENTWISE, 'Unsqueeze', 'Squeeze', 'Reshape', 'Expand', 'Slice') ? first : undefined;
}

function isTwice(node: Node, types: Types): boolean {
  const [a, b, ...others] = node.inputs;
  const rank = types.shape(node.outputs[0]!)?.length;
  const axis = intAttr(node, 'axis');
  return others.length === 0 && a !== undefined && a === b && (axis === -1 || axis === (rank ?? 0) - 1);
}

/** Tables above this many elements are not looked into. */
const MOST = 1 << 22;

function hasEqualHalves(table: Tensor): boolean {
  const size = table.shape.at(-1) ?? 1;
  if (table.dtype === 'string' || size % 2 !== 0 || table.size > MOST) return false;
  const numbers = table.floats();
  const half = size / 2;
  return numbers.every((number, i) => i % size < half || number === numbers[i - half]);
}

/** The first half as `[batch, length, h]` where the steps can be done again on what was doubled; `undefined` where they cannot. */
export function rebuildHalf(edit: Edit, { half, steps }: Doubled, types: Types): Value | undefined {
  if (!half || types.shape(half)?.length !== 3) return undefined;
  if (!steps.every((node) => isOp(node, ...ELEMENTWISE, 'Mul', 'Unsqueeze'))) return undefined;
  let at = half;
  for (const node of steps) {
    if (node.op === 'Unsqueeze') continue;
    const kept = keptBy(node);
    at = edit.node(
      node.opType,
      node.inputs.map((input) => (input === kept ? at : input)),
      node.attrs,
    );
  }
  return at;
}
