import { DTYPES, isFloat, isInteger } from '../tensor/dtype.js';
import { encodeFloat, isSmallFloat } from '../tensor/half.js';
import type { Tensor } from '../tensor/tensor.js';

/** Constants above this are not read to see whether they are a number repeated. Bytes. */
const MAX_BYTES = 1 << 20;

/** Whether all elements of a constant are `value` in its own dtype, or within `ulps` steps of it. Never for empty tensors and strings. */
export function isUniformly(tensor: Tensor, value: number, ulps: number): boolean {
  const { dtype, size } = tensor;
  if (size < 1 || dtype === 'string' || dtype === 'bool' || dtype.startsWith('complex')) return false;
  if (tensor.byteLength > MAX_BYTES) return false;
  if (isInteger(dtype) && !Number.isInteger(value)) return false;
  return tensor.floats().every(stepper(tensor, value, ulps));
}

/** Whether one element is near enough. */
function stepper(tensor: Tensor, value: number, ulps: number): (element: number) => boolean {
  const { dtype } = tensor;
  if (!isFloat(dtype)) return (element) => element === value;
  if (dtype === 'float64' && ulps === 0) {
    return (element) => Object.is(element, value) || Object.is(element, Math.fround(value));
  }
  const order = isSmallFloat(dtype)
    ? (number: number) => signedOrder(encodeFloat(dtype, number), DTYPES[dtype].bits)
    : float32Order;
  const wanted = order(value);
  // A number beyond the range of the dtype is not its infinity.
  const finite = Number.isFinite(value);
  return (element) => Math.abs(order(element) - wanted) <= ulps && Number.isFinite(element) === finite;
}

const word = new DataView(new ArrayBuffer(4));

function float32Order(value: number): number {
  word.setFloat32(0, value);
  return signedOrder(word.getUint32(0), 32);
}

/** Codes of a float as integers in the order of the numbers, neighbours one apart; −0 is just below 0. */
function signedOrder(code: number, bits: number): number {
  const sign = 2 ** (bits - 1);
  return code >= sign ? sign - 1 - code : code;
}
