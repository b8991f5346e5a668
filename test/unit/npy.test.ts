import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { zipSync } from 'fflate';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { fromFloat64, type NumericArray, toFloat64, zeros } from '../../src/tensor/array.js';
import { DTYPES, type DType } from '../../src/tensor/dtype.js';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/tensor/npy.js';

const encoder = new TextEncoder();

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/numpy/${name}`, import.meta.url));
}

/** A `.npy` file of format 1.0 with this header and these elements, written by hand. */
function npy(header: string, elements: readonly number[] = []): Uint8Array {
  const text = encoder.encode(header);
  return Uint8Array.from([
    0x93,
    ...encoder.encode('NUMPY'),
    1,
    0,
    text.length & 255,
    text.length >> 8,
    ...text,
    ...elements,
  ]);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ResonnxError) return `${error.code} ${error.diagnostics[0]!.message}`;
    throw error;
  }
  return 'nothing thrown';
}

describe.each(['stored.npz', 'deflated.npz'])('what numpy wrote, %s', (name) => {
  const arrays = readNpz(fixture(name), name);
  const get = (key: string): NumericArray => arrays.get(key)!;

  test.each(['int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64'] as const)('%s', (dtype) => {
    expect(get(dtype).dtype).toBe(dtype);
    expect(get(dtype).shape).toEqual([2, 3]);
    expect([...toFloat64(get(dtype))]).toEqual([-2, -1, 0, 1, 2, 3]);
  });

  test.each(['uint8', 'uint16', 'uint32', 'uint64'] as const)('%s', (dtype) => {
    expect(get(dtype)).toEqual(fromFloat64(dtype, [2, 3], [0, 1, 2, 3, 4, 5]));
  });

  test('bool, complex, bfloat16, 64-bit extremes', () => {
    expect(get('bool')).toEqual(fromFloat64('bool', [2, 3], [0, 1, 0, 1, 0, 1]));
    for (const dtype of ['complex64', 'complex128'] as const) {
      expect(get(dtype)).toEqual(fromFloat64(dtype, [2, 3], [-2, 0, -1, 0, 0, 0, 1, 0, 2, 0, 3, 0]));
    }
    expect(get('bfloat16')).toEqual(fromFloat64('bfloat16', [3], [1, -2.5, Infinity]));
    expect([...get('extremes').data]).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
  });

  test('big-endian elements and Fortran order come out little-endian in C order', () => {
    expect(get('big_endian')).toEqual(fromFloat64('int32', [2, 3], [1, 2, 3, 4, 5, 6]));
    expect(get('big_endian_complex')).toEqual(fromFloat64('complex64', [1], [1, 2]));
    const counting = Array.from({ length: 24 }, (_, i) => i);
    expect(get('fortran')).toEqual(fromFloat64('float32', [2, 3, 4], counting));
    expect(get('fortran_complex')).toEqual(fromFloat64('complex128', [2, 2], [0, 0, 1, 1, 2, 2, 3, 3]));
  });

  test('scalars, no elements, strings, names with a slash', () => {
    expect(get('scalar')).toEqual(fromFloat64('int64', [], [7]));
    expect(get('empty')).toEqual(zeros('float32', [2, 0, 3]));
    expect(get('unicode')).toEqual({ dtype: 'string', shape: [2, 2], data: ['a', '🦊é', '', 'long text'] });
    expect(get('bytes')).toEqual({ dtype: 'string', shape: [2], data: ['ab', ''] });
    expect(get('with/slash').shape).toEqual([1]);
  });

  test('the same arrays come back after writing, and two writings are equal', () => {
    const bytes = writeNpz(arrays);
    expect(readNpz(bytes)).toEqual(arrays);
    expect(writeNpz(arrays)).toEqual(bytes);
  });
});

describe('written arrays', () => {
  test('header as numpy.save writes it, elements at a multiple of 64 bytes', () => {
    const bytes = writeNpy(fromFloat64('float32', [3], [1, 2, 3]));
    expect(bytes.length).toBe(128 + 12);
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    expect(new TextDecoder('latin1').decode(bytes.subarray(10, 128))).toBe(header.padEnd(117) + '\n');
  });

  test.each(['float8e4m3fn', 'float4e2m1', 'int4'] as const)('%s has no NumPy name', (dtype) => {
    expect(codeOf(() => writeNpy(zeros(dtype, [2])))).toBe(`npy/unsupported-dtype dtype ${dtype} has no counterpart`);
  });

  test('every other dtype survives with any rank', () => {
    const named = (Object.keys(DTYPES) as DType[]).filter((d) => DTYPES[d].bits >= 8 && !d.startsWith('float8'));
    for (const dtype of named) {
      for (const shape of [[], [0], [3], [2, 1, 2]])
        expect(readNpy(writeNpy(zeros(dtype, shape)))).toEqual(zeros(dtype, shape));
    }
  });
});

describe('what cannot be read', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'npy/malformed this is not a NumPy array (wrong first bytes)'],
    ['text', encoder.encode('hello, this is text'), 'npy/malformed this is not a NumPy array (wrong first bytes)'],
    ['a later format', Uint8Array.from([...npy('').subarray(0, 6), 9, 0, 0, 0]), 'npy/malformed format 9 is unknown'],
    ['a cut header', npy('{').subarray(0, 10), 'npy/malformed the header is cut'],
    ['a header without a shape', npy("{'descr': '<f4'}"), "npy/malformed the header cannot be read: {'descr': '<f4'}"],
    [
      'pickled objects',
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
      'npy/unsupported-dtype dtype |O has no counterpart',
    ],
    [
      'records',
      npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}"),
      'npy/unsupported-dtype dtype a record has no counterpart',
    ],
    [
      'strings of no length and a huge count',
      npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}"),
      'npy/unsupported-dtype dtype <U0 has no counterpart',
    ],
    [
      'too few elements',
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", [0, 0, 0]),
      'npy/length the array takes 8 bytes by its dtype and shape, the file has 3',
    ],
    [
      'a shape beyond memory',
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
      'npy/length the array takes 73786976294838210000 bytes by its dtype and shape, the file has 0',
    ],
  ])('%s', (_, bytes, message) => {
    expect(codeOf(() => readNpy(bytes))).toBe(message);
  });

  test('an archive that is none, or is empty', () => {
    expect(codeOf(() => readNpz(new Uint8Array(100)))).toMatch(/^npz\/malformed this is not a ZIP archive/);
    expect(codeOf(() => readNpz(zipSync({ 'notes.txt': encoder.encode('x') })))).toMatch(/^npz\/empty/);
  });

  test('any one damaged byte is noticed or harmless; any cut is noticed', () => {
    const whole = writeNpz([['a', fromFloat64('float32', [4], [1, 2, 3, 4])]]);
    const arrays = readNpz(whole);
    let noticed = 0;
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at]! ^= 0x55;
      try {
        expect([...readNpz(damaged).values()]).toEqual([...arrays.values()]);
      } catch (error) {
        if (!(error instanceof ResonnxError)) throw error;
        noticed++;
      }
      expect(codeOf(() => readNpz(whole.subarray(0, at)))).toMatch(/^np[yz]\//);
    }
    expect(noticed).toBeGreaterThan(whole.length / 2);
  });

  test('a claim of more than deflate can give is refused before memory is taken', () => {
    const bytes = zipSync({ 'a.npy': writeNpy(zeros('float32', [4])) });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const directory = view.getUint32(bytes.length - 6, true);
    view.setUint32(directory + 24, 0xfffffffe, true);
    expect(codeOf(() => readNpz(bytes))).toMatch(/^npz\/malformed \d+ bytes cannot unpack to 4294967294$/);
  });

  test('encrypted entries and other compression methods are refused', () => {
    const bytes = zipSync({ 'a.npy': writeNpy(zeros('float32', [4])) });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const directory = view.getUint32(bytes.length - 6, true);
    view.setUint16(directory + 10, 12, true);
    expect(codeOf(() => readNpz(bytes))).toBe('npz/malformed compression method 12 is not supported');
    view.setUint16(directory + 8, 1, true);
    expect(codeOf(() => readNpz(bytes))).toBe('npz/malformed the entry is encrypted');
  });
});
