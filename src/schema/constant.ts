import type { Attributes } from '../ir/attribute.js';
import type { Value } from '../ir/value.js';
import { Tensor } from '../tensor/tensor.js';
import { isOp } from './read.js';

/**
 * The tensor that a value always has: an initializer, or the output of a `Constant` node. `undefined` for everything else; a graph
 * input with a default is not constant, since the caller may override it.
 */
export function constantOf(value: Value | undefined): Tensor | undefined {
  if (!value) return undefined;
  return value.constant ?? (isOp(value.producer, 'Constant') ? constantNode(value) : undefined);
}

const memo = new WeakMap<Value, Tensor>();

function constantNode(value: Value): Tensor | undefined {
  const known = memo.get(value);
  if (known) return known;
  const tensor = constantAttribute(value.producer!.attrs);
  if (tensor) memo.set(value, tensor);
  return tensor;
}

/** The tensor that the attributes of a Constant node (versions 1 to 25) give; `sparse_value` and references to attributes are left alone. */
export function constantAttribute(attrs: Attributes): Tensor | undefined {
  for (const [name, attr] of attrs) {
    if (name === 'value' && attr.type === 'TENSOR') return attr.value;
    if (name === 'value_int' && attr.type === 'INT') return Tensor.int64([], [attr.value]);
    if (name === 'value_ints' && attr.type === 'INTS') return Tensor.int64([attr.value.length], attr.value);
    if (name === 'value_float' && attr.type === 'FLOAT') return Tensor.float32([], [attr.value]);
    if (name === 'value_floats' && attr.type === 'FLOATS') return Tensor.float32([attr.value.length], attr.value);
    if (name === 'value_string' && attr.type === 'STRING') return new Tensor('string', [], { strings: [attr.value] });
    if (name === 'value_strings' && attr.type === 'STRINGS') {
      return new Tensor('string', [attr.value.length], { strings: attr.value });
    }
  }
  return undefined;
}
