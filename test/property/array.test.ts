import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  elementCount,
  fromFloat64,
  fromRawBytes,
  integerRange,
  isTyped,
  toFloat64,
  toRawBytes,
  zeros,
} from '../../src/tensor/array.js';
import { byteLength, DTYPES, type DType } from '../../src/tensor/dtype.js';

const RAW = (Object.keys(DTYPES) as DType[]).filter((dtype) => dtype !== 'string');
const shapes = fc.array(fc.nat({ max: 5 }), { maxLength: 4 });

describe.each(RAW)('%s', (dtype) => {
  test('raw bytes go in and come out the same, at every alignment', () => {
    fc.assert(
      fc.property(shapes, fc.nat({ max: 8 }), fc.infiniteStream(fc.nat({ max: 255 })), (shape, offset, stream) => {
        const count = elementCount(shape);
        const length = byteLength(dtype, count);
        const buffer = new Uint8Array(length + offset);
        for (let i = 0; i < buffer.length; i++) buffer[i] = stream.next().value;
        const bytes = buffer.subarray(offset);
        // Padding bits after an odd number of small elements are zero.
        const used = (DTYPES[dtype].bits * count) % 8;
        if (used) bytes[length - 1]! &= 2 ** used - 1;
        const array = fromRawBytes(dtype, shape, bytes);
        expect(array.shape).toEqual(shape);
        expect(toRawBytes(array)).toEqual(bytes);
      }),
    );
  });

  test('a Buffer at an odd offset is read like any bytes', () => {
    const length = byteLength(dtype, 3);
    const pooled = Buffer.alloc(length + 1, 1).subarray(1);
    const plain = new Uint8Array(length).fill(1);
    expect(toRawBytes(fromRawBytes(dtype, [3], pooled))).toEqual(toRawBytes(fromRawBytes(dtype, [3], plain)));
  });

  test('numbers that the type holds survive float64', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 4, maxLength: 4 }), (values) => {
        // 1 and 2 are powers of two: every type but bool and int2 holds both; float8e8m0 holds nothing else.
        const held = dtype === 'bool' || dtype === 'int2' ? values : values.map((v) => v + 1);
        const shape = DTYPES[dtype].kind === 'complex' ? [2] : [4];
        expect([...toFloat64(fromFloat64(dtype, shape, held))]).toEqual(held);
      }),
    );
  });
});

test.each([
  ['int4', [-8, -1, 7, 3, 5], [0xf8, 0x37, 0x05]],
  ['uint4', [8, 15, 7], [0xf8, 0x07]],
  ['int2', [-2, -1, 0, 1, -2], [0b01_00_11_10, 0b10]],
  ['uint2', [3, 2, 1, 0], [0b00_01_10_11]],
  ['float4e2m1', [0.5, -6, 3], [0xf1, 0x05]],
  ['int64', [-2], [0xfe, 255, 255, 255, 255, 255, 255, 255]],
  ['bfloat16', [1, -2], [0x80, 0x3f, 0x00, 0xc0]],
  ['float16', [1, -2], [0x00, 0x3c, 0x00, 0xc0]],
  ['bool', [2, 0, NaN], [1, 0, 1]],
] as const)('%s %j is packed little-endian, first element lowest', (dtype, values, bytes) => {
  const array = fromFloat64(dtype, [values.length], values);
  expect([...toRawBytes(array)]).toEqual(bytes);
  expect(toFloat64(fromRawBytes(dtype, [values.length], Uint8Array.from(bytes)))).toEqual(toFloat64(array));
});

test.each(RAW.filter((dtype) => integerRange(dtype)))('%s clamps to its range and truncates', (dtype) => {
  const { low, high } = integerRange(dtype)!;
  const { data } = fromFloat64(dtype, [6], [-Infinity, Infinity, NaN, 0.99, -0.99, 1]);
  expect(isTyped(data) && Array.from(data, BigInt)).toEqual([low, high, 0n, 0n, 0n, 1n]);
});

test('integers beyond 2^53 are exact as elements and rounded as float64', () => {
  const bytes = new Uint8Array(new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]).buffer);
  const array = fromRawBytes('int64', [3], bytes);
  expect([...array.data]).toEqual([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]);
  expect([...toFloat64(array)]).toEqual([2 ** 63, -(2 ** 63), 2 ** 53]);
});

test('zeros of a scalar, of no elements, of strings', () => {
  expect(zeros('float32', []).data).toEqual(new Float32Array(1));
  expect(zeros('int64', [2, 0]).data).toEqual(new BigInt64Array(0));
  expect(zeros('complex64', [2]).data).toEqual(new Float32Array(4));
  expect(zeros('string', [2]).data).toEqual(['', '']);
});

test('a length that contradicts the shape is a defect', () => {
  expect(() => fromRawBytes('float32', [2], new Uint8Array(7))).toThrow('float32[2] takes 8 bytes, not 7');
  expect(() => fromFloat64('float32', [2], [1])).toThrow('takes 2 numbers, not 1');
});
