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

/** Places of a tensor that {@link contentSample} looks at, and bytes at each. */
const SAMPLES = 16;
const SAMPLE_BYTES = 8;

/** Equal for tensors that {@link contentKey} finds equal, and seldom for others: some bytes of the tensor, at little cost. */
export function contentSample(tensor: Tensor): string {
  const head = `${tensor.dtype}[${tensor.shape.join()}]`;
  if (tensor.dtype === 'string') return head;
  const bytes = tensor.bytes();
  const parts: string[] = [head];
  for (let i = 0; i < SAMPLES; i++) {
    const at = Math.floor((bytes.length * i) / SAMPLES);
    parts.push(hex(bytes.subarray(at, at + SAMPLE_BYTES)));
  }
  return parts.join('');
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
