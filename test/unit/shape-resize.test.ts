import { describe, expect, test } from '@jest/globals';
import { floorDiv, mul, symbol } from '../../src/dim/dim.js';
import { scaledSize } from '../../src/shape/families/resize.js';
import { infer, type InferCase, testCases } from '../support/infer.js';

const X = 'float[n, 3, h, w] x';

describe('Resize', () => {
  const cases: readonly InferCase[] = [
    [
      'scales: floor(size * scale)',
      X,
      's = Constant<value_floats = [1.0, 1.0, 2.0, 0.5]>()\ny = Resize(x, "", s)',
      { s: 'float32[4]', y: 'float32[n, 3, 2*h, floor(w/2)]' },
    ],
    [
      'a scale that is no dyadic fraction, of a number',
      'float[10] x',
      's = Constant<value_floats = [0.6]>()\ny = Resize(x, "", s)',
      { s: 'float32[1]', y: 'float32[6]' },
    ],
    [
      'of an expression: unknown',
      'float[n] x',
      's = Constant<value_floats = [0.6]>()\ny = Resize(x, "", s)',
      { s: 'float32[1]', y: 'float32[u0]' },
    ],
    [
      'sizes',
      X,
      's = Constant<value_ints = [1, 3, 7, 9]>()\ny = Resize(x, "", "", s)',
      { s: 'int64[4]', y: 'float32[1, 3, 7, 9]' },
    ],
    [
      'sizes computed from another shape; empty scales are none',
      `${X}, float[n, 3, a, b] z`,
      `e = Constant<value = float[0] {}>()
       s = Shape(z)
       y = Resize(x, e, e, s)`,
      { e: 'float32[0]', s: 'int64[4]', y: 'float32[n, 3, a, b]' },
      13,
    ],
    [
      'axes',
      X,
      's = Constant<value_ints = [5]>()\ny = Resize<axes = [-1]>(x, "", "", s)',
      { s: 'int64[1]', y: 'float32[n, 3, h, 5]' },
      18,
    ],
    [
      'not_larger takes the smaller ratio: min(6/4, 6/3) * 4 and * 3, rounded',
      'float[4, 3] x',
      's = Constant<value_ints = [6, 6]>()\ny = Resize<keep_aspect_ratio_policy = "not_larger">(x, "", "", s)',
      { s: 'int64[2]', y: 'float32[6, 5]' },
    ],
    [
      'not_smaller takes the larger one',
      'float[4, 3] x',
      's = Constant<value_ints = [6, 6]>()\ny = Resize<keep_aspect_ratio_policy = "not_smaller">(x, "", "", s)',
      { s: 'int64[2]', y: 'float32[8, 6]' },
    ],
    [
      'unknown scales keep the rank, and what `axes` leaves alone',
      `${X}, float[1] s`,
      'y = Resize<axes = [2]>(x, "", s)',
      { y: 'float32[n, 3, u0, w]' },
    ],
    [
      'version 10 has scales second',
      X,
      's = Constant<value = float[4] {1, 1, 3, 3}>()\ny = Resize(x, s)',
      { s: 'float32[4]', y: 'float32[n, 3, 3*h, 3*w]' },
      10,
    ],
    [
      'Upsample 7 has an attribute',
      X,
      'y = Upsample<scales = [1.0, 1.0, 2.0, 2.0]>(x)',
      { y: 'float32[n, 3, 2*h, 2*w]' },
      7,
    ],
    [
      'Upsample 9 an input',
      X,
      's = Constant<value = float[4] {1, 1, 2, 4}>()\ny = Upsample(x, s)',
      { s: 'float32[4]', y: 'float32[n, 3, 2*h, 4*w]' },
      9,
    ],
    [
      'Upsample 1 has two attributes',
      X,
      'y = Upsample<height_scale = 2.0, width_scale = 3.0>(x)',
      { y: 'float32[n, 3, 2*h, 3*w]' },
      1,
    ],
  ];
  testCases(cases);

  test('scales are dyadic fractions or left alone', () => {
    const n = symbol('n');
    expect(scaledSize(n, 1.25)).toEqual(floorDiv(mul(n, 5), 4));
    expect(scaledSize(n, 1 / 3)).toBeNull();
    expect(scaledSize(7, 1 / 3)).toBe(2);
  });

  test('the product is rounded to float32 before the floor: 25 * float32(0.04) is 1', () => {
    expect(infer('float[25] x', 's = Constant<value_floats = [0.04]>()\ny = Resize(x, "", s)').types['y']).toBe(
      'float32[1]',
    );
  });
});

describe('sampling and cropping', () => {
  const cases: readonly InferCase[] = [
    ['GridSample', `${X}, float[n, a, b, 2] g`, 'y = GridSample(x, g)', { y: 'float32[n, 3, a, b]' }],
    [
      'GridSample in space',
      'float[n, 3, d, h, w] x, float[n, a, b, c, 3] g',
      'y = GridSample(x, g)',
      { y: 'float32[n, 3, a, b, c]' },
    ],
    [
      'AffineGrid',
      'float[n, 2, 3] t',
      's = Constant<value_ints = [5, 3, 7, 9]>()\ny = AffineGrid(t, s)',
      { s: 'int64[4]', y: 'float32[5, 7, 9, 2]' },
    ],
    [
      'AffineGrid of an unknown size',
      'float[n, 3, 4] t, int64[5] s',
      'y = AffineGrid(t, s)',
      { y: 'float32[n, u0, u1, u2, 3]' },
    ],
    [
      'CenterCropPad',
      X,
      's = Constant<value_ints = [7, 9]>()\ny = CenterCropPad<axes = [2, 3]>(x, s)',
      { s: 'int64[2]', y: 'float32[n, 3, 7, 9]' },
    ],
    [
      'Col2Im divides the channels by the block',
      'float[n, 24, l] x',
      'i = Constant<value_ints = [8, 9]>()\nb = Constant<value_ints = [2, 3]>()\ny = Col2Im(x, i, b)',
      { i: 'int64[2]', b: 'int64[2]', y: 'float32[n, 4, 8, 9]' },
    ],
    [
      'ImageDecoder',
      'uint8[n] x',
      'y = ImageDecoder(x)\nz = ImageDecoder<pixel_format = "Grayscale">(x)',
      { y: 'uint8[u0, u1, 3]', z: 'uint8[u2, u3, 1]' },
    ],
  ];
  testCases(cases);
});
