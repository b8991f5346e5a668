import type { Attribute, Attributes } from '../ir/attribute.js';
import type { Tensor } from '../tensor/tensor.js';
import { contentKey } from './content.js';

/** The same text for attributes with the same names, kinds and bits only, whatever their order. Bodies count by their message. */
export function attributesKey(attrs: Attributes): string {
  return [...attrs]
    .map(([name, attr]) => `${name}=${attributeKey(attr)}`)
    .sort()
    .join(';');
}

/** Floats by their bits: −0 is not +0, and a NaN is itself. */
function attributeKey(attr: Attribute): string {
  switch (attr.type) {
    case 'FLOAT':
      return `f${bits([attr.value])}`;
    case 'FLOATS':
      return `F${bits(attr.value)}`;
    case 'STRING':
      return `s${attr.value.join()}`;
    case 'STRINGS':
      return `S${attr.value.map((text) => text.join()).join('/')}`;
    case 'TENSOR':
      return `t${contentKey(attr.value)}`;
    case 'TENSORS':
      return `T${attr.value.map((tensor: Tensor) => contentKey(tensor)).join('/')}`;
    case 'INT':
    case 'REFERENCE':
      return `${attr.type}${attr.value}`;
    case 'INTS':
      return `I${attr.value.join()}`;
    default:
      return `${attr.type}${JSON.stringify(attr.proto, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`;
  }
}

const bits = (values: readonly number[]): string => new Uint32Array(Float32Array.from(values).buffer).join();
