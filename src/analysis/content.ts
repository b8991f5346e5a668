import { sha256 } from '@noble/hashes/sha2.js';
import type { Tensor } from '../tensor/tensor.js';

const memo = new WeakMap<Tensor, string>();

/** The same text for tensors of the same dtype, shape and bits only: −0 is not +0, NaNs are compared by their bits. Reads the tensor. */
export function contentKey(tensor: Tensor): string {
  let key = memo.get(tensor);
  if (key === undefined) {
    key = `${tensor.dtype}[${tensor.shape.join()}]${hash(tensor)}`;
    memo.set(tensor, key);
  }
  return key;
}

function hash(tensor: Tensor): string {
  if (tensor.dtype === 'string') return JSON.stringify(tensor.strings().map((text) => [...text]));
  const bytes = tensor.bytes();
  return hex(bytes.length <= 32 ? bytes : sha256(bytes));
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
