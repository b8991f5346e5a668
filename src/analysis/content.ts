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

const samples = new WeakMap<Tensor, string>();

/** Equal for tensors that {@link contentKey} finds equal, and seldom for others: some bytes of the tensor, at little cost. */
export function contentSample(tensor: Tensor): string {
  let sample = samples.get(tensor);
  if (sample === undefined) {
    sample = `${tensor.dtype}[${tensor.shape.join()}]${tensor.dtype === 'string' ? '' : sampleOf(tensor)}`;
    samples.set(tensor, sample);
  }
  return sample;
}

/** Tensors in a file are read as a whole up to this size; of larger ones only the samples are. */
const WHOLE = 1 << 14;

/** Some bytes, spread over the tensor. */
function sampleOf(tensor: Tensor): string {
  const { data } = tensor;
  const isRange = typeof data === 'object' && 'source' in data && data.length > WHOLE;
  const bytes = isRange ? undefined : tensor.bytes();
  const size = isRange ? data.length : bytes!.length;
  const parts: string[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const at = Math.floor((size * i) / SAMPLES);
    const length = Math.min(SAMPLE_BYTES, size - at);
    const part = isRange ? data.source.read(data.offset + at, length) : bytes!.subarray(at, at + length);
    parts.push(String.fromCharCode(...part));
  }
  return parts.join('');
}

function hash(tensor: Tensor): string {
  if (tensor.dtype === 'string') return JSON.stringify(tensor.strings().map((text) => [...text]));
  const bytes = tensor.bytes();
  return hex(bytes.length <= 32 ? bytes : sha256(bytes));
}

const DIGITS = '0123456789abcdef';

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS[byte >> 4]! + DIGITS[byte & 15]!;
  return text;
}
