import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { isOp } from '../schema/read.js';
import type { Types } from '../shape/types.js';
import { isFloat } from '../tensor/dtype.js';

/** Operators that hand a mask on as it is, from their first input. */
const PASSING: ReadonlySet<string> = new Set([
  'Cast',
  'Expand',
  'Identity',
  'Reshape',
  'Slice',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/** Inputs of operators that take a mask of their own. */
const MASKS: Readonly<Record<string, number>> = {
  Attention: 3,
  'com.microsoft.MultiHeadAttention': 5,
};

/**
 * Names of the inputs of the graph that hide positions from a Softmax: what it takes when nothing else is known of that, what is added
 * to it (float), what chooses it (bool, the condition of a Where), or the mask of an attention operator. Of two inputs that are added,
 * the mask is the one that is repeated.
 */
export function maskInputs(model: Model, types: Types): ReadonlySet<string> {
  const names = new Map(model.graph.inputs.map((slot) => [slot.value, slot.name]));
  const found = new Set<string>();
  for (const node of model.graph.nodes.values()) {
    const at = MASKS[node.op];
    const own = at === undefined ? undefined : node.inputs[at];
    const masks = isOp(node, 'Softmax') ? masksOf(node, types) : own ? [source(own)] : [];
    for (const value of masks) {
      const name = names.get(value);
      if (name !== undefined) found.add(name);
    }
  }
  return found;
}

/** Values that are added on the way to a Softmax, or that choose there. */
function masksOf(softmax: Node, types: Types): readonly Value[] {
  const found: Value[] = [];
  const stack: (Value | undefined)[] = [softmax.inputs[0]];
  const scores = softmax.inputs[0] && source(softmax.inputs[0]);
  if (scores && !scores.producer) found.push(scores);
  for (let value = stack.pop(); value; value = stack.pop()) {
    const at = source(value);
    const node = at.producer;
    if (node?.op === 'Where') {
      const [condition, ...choices] = node.inputs;
      if (condition) found.push(source(condition));
      stack.push(...choices);
    } else if (node?.op === 'Add') {
      const terms = node.inputs.map((input) => input && source(input));
      for (const [i, term] of terms.entries()) {
        if (!term) continue;
        if (term.producer) stack.push(term);
        else if (isMask(term, terms[1 - i], types)) found.push(term);
      }
    }
  }
  return found;
}

/** A float that is added to something computed here, or to an input that has more elements. */
function isMask(term: Value, other: Value | undefined, types: Types): boolean {
  const dtype = types.dtype(term);
  if (!dtype || !isFloat(dtype)) return false;
  if (other?.producer) return true;
  const [own, theirs] = [types.shape(term), other && types.shape(other)];
  if (!own || !theirs) return false;
  return own.length < theirs.length || own.some((dim, axis) => dim === 1 && theirs[axis] !== 1);
}

/** The value before operators that hand it on. */
function source(value: Value): Value {
  let at = value;
  for (let node = at.producer; node?.domain === '' && PASSING.has(node.opType); node = at.producer) {
    const [input] = node.inputs;
    if (!input) break;
    at = input;
  }
  return at;
}
