import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Model } from '../../src/ir/model.js';
import { bindingLadder } from '../../src/numerics/sizes.js';
import { emptiableSymbols, type Feeds, makeFeeds, planInputs } from '../../src/numerics/inputs.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { sampleModel } from '../../src/numerics/sample.js';
import { inferTypes } from '../../src/shape/types.js';
import { toFloat64 } from '../../src/tensor/array.js';
import { bytesOf, graphOf } from '../support/model.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

/** Feeds for the first sizes of the ladder. */
function feedsOf(model: Model, seed = 0): Feeds {
  const plan = planInputs(model, inferTypes(model));
  return makeFeeds(plan, bindingLadder(plan).next().value ?? new Map(), seed);
}

const numbers = (feeds: Feeds, name: string): readonly number[] => [...toFloat64(feeds[name]!)];

async function samplesOf(model: Model, count = 3): Promise<readonly ReadonlyMap<string, number>[]> {
  const session = await runtime.open(bytesOf(model), { optimization: 'disabled' });
  const { samples } = await sampleModel(session, planInputs(model, inferTypes(model)), { count });
  await session.release();
  return samples.map(({ binding }) => binding);
}

describe('values that the readers accept', () => {
  test('indices reach the last row of the table and not beyond, also behind a Cast and an offset', () => {
    const text = `(int32[batch, n] ids) => (float[batch, n, 4] Y)
      <float[11, 4] table = ["location": "fill:normal", "seed": "1"], int64 two = {2}>
      { wide = Cast <to = 7> (ids) shifted = Add (wide, two) Y = Gather (table, shifted) }`;
    const ids = numbers(feedsOf(graphOf(text)), 'ids');
    expect(Math.min(...ids)).toBe(0);
    expect(Math.max(...ids)).toBe(8);
  });

  test('indices follow the size of another input', () => {
    const text = `(float[n, 4] X, int64[m] at) => (float[m, 4] Y) { Y = Gather <axis = 0> (X, at) }`;
    const feeds = feedsOf(graphOf(text));
    expect(Math.max(...numbers(feeds, 'at'))).toBeLessThan(feeds['X']!.shape[0]!);
  });

  test('a mask holds zeros and ones, and at least a one in every row', () => {
    const text = `(float[batch, n] X, int64[batch, n] mask) => (float[batch, n] Y)
      <float one = {1}, float large = {-10000}>
      { m = Cast <to = 1> (mask) i = Sub (one, m) l = Mul (i, large) s = Add (X, l) Y = Softmax (s) }`;
    const feeds = feedsOf(graphOf(text));
    const [rows, width] = feeds['mask']!.shape as [number, number];
    const mask = numbers(feeds, 'mask');
    expect(new Set(mask)).toEqual(new Set([0, 1]));
    for (let row = 0; row < rows; row++) expect(mask.slice(row * width, (row + 1) * width)).toContain(1);
  });

  test.each([
    ['Log', (x: number) => x > 0],
    ['Sqrt', (x: number) => x > 0],
    ['Reciprocal', (x: number) => x !== 0],
    ['Acos', (x: number) => Math.abs(x) < 1],
    ['Acosh', (x: number) => x >= 0.1],
  ])('%s', (op, holds) => {
    const values = numbers(feedsOf(graphOf(`(float[64] X) => (float[64] Y) { Y = ${op} (X) }`)), 'X');
    expect(values.every(holds)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(32);
  });

  test('a divisor is not zero, of integers neither', () => {
    for (const type of ['float', 'int64']) {
      const text = `(${type}[64] X, ${type}[64] D) => (${type}[64] Y) { Y = Div (X, D) }`;
      expect(numbers(feedsOf(graphOf(text)), 'D')).not.toContain(0);
    }
  });

  test('images lie in [0, 1], sound in [-1, 1]', () => {
    const image = `(float[1, 1, h, w] X) => (float[1, 1, a, b] Y)
      <float[1, 1, 3, 3] W = ["location": "fill:normal", "seed": "1"]> { Y = Conv (X, W) }`;
    const sound = `(float[1, 1, t] X) => (float[1, 1, u] Y)
      <float[1, 1, 3] W = ["location": "fill:normal", "seed": "1"]> { Y = Conv (X, W) }`;
    const [pixels, wave] = [image, sound].map((text) => numbers(feedsOf(graphOf(text)), 'X'));
    expect(Math.min(...pixels!)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...pixels!)).toBeLessThanOrEqual(1);
    expect(Math.min(...wave!)).toBeLessThan(0);
    expect(Math.max(...wave!)).toBeLessThanOrEqual(1);
  });

  test('a control value takes each constant that it is compared with, then what lies beside it', () => {
    const text = `(float[4] X, int64 rate) => (float[4] Y) <int64 a = {16000}, int64 b = {8000}>
      { p = Equal (rate, a) q = Equal (rate, b) s = Where (p, X, X) Y = Where (q, X, s) }`;
    const model = graphOf(text);
    const taken = (...seeds: number[]) => new Set(seeds.map((seed) => numbers(feedsOf(model, seed), 'rate')[0]));
    expect(taken(0, 1)).toEqual(new Set([16000, 8000]));
    expect(taken(2, 3, 4, 5)).toEqual(new Set([16001, 15999, 8001, 7999]));
  });

  test('lengths do not exceed the sequence, the first one reaches its end', () => {
    const text = `(float[t, b, 3] X, int32[b] lengths) => (float[t, b, 3] Y)
      { l = Cast <to = 7> (lengths) Y = ReverseSequence <time_axis = 0, batch_axis = 1> (X, l) }`;
    const feeds = feedsOf(graphOf(text));
    const lengths = numbers(feeds, 'lengths');
    expect(Math.max(...lengths)).toBe(feeds['X']!.shape[0]);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
  });

  test('equal arguments give equal feeds, other seeds other ones', () => {
    const model = graphOf('(float[n, 4] X) => (float[n, 4] Y) { Y = Relu (X) }');
    expect(feedsOf(model, 1)).toEqual(feedsOf(model, 1));
    expect(feedsOf(model, 1)).not.toEqual(feedsOf(model, 2));
  });
});

describe('sizes', () => {
  test('inputs that share a symbol share the size; samples differ in it', async () => {
    const text = `(float[batch, n] A, float[batch, n] B) => (float[batch, n] Y) { Y = Add (A, B) }`;
    const bindings = await samplesOf(graphOf(text));
    expect(new Set(bindings.map((binding) => binding.get('batch')))).toEqual(new Set([1, 3]));
    expect(new Set(bindings.map((binding) => binding.get('n'))).size).toBeGreaterThan(1);
  });

  test('a size that only one value of fits is found', async () => {
    const text = `(float[batch, n] X) => (float[batch, 4, 19] Y)
      <int64[3] shape = {0, 4, 19}> { Y = Reshape (X, shape) }`;
    const [binding] = await samplesOf(graphOf(text), 1);
    expect(binding?.get('n')).toBe(76);
  });

  test('an image that halves five times and is joined with itself needs a multiple of 32', async () => {
    const down = Array.from(
      { length: 5 },
      (_, i) => `d${i + 1} = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (d${i})`,
    );
    const text = `(float[b, 1, h, w] d0) => (float[b, 2, p, q] Y) <float[4] s = {1, 1, 32, 32}>
      { ${down.join(' ')} u = Resize <mode = "nearest"> (d5, , s) Y = Concat <axis = 1> (d0, u) }`;
    const [binding] = await samplesOf(graphOf(text), 1);
    expect(binding!.get('h')! % 32).toBe(0);
  });

  test('a cache may be empty, and is once', async () => {
    const text = `(float[b, 2, past, 4] K, float[b, 2, n, 4] X) => (float[b, 2, all, 4] Y) { Y = Concat <axis = 2> (K, X) }`;
    const model = graphOf(text);
    expect(emptiableSymbols(model, inferTypes(model))).toContain('past');
    const bindings = await samplesOf(model, 4);
    expect(bindings.map((binding) => binding.get('past'))).toContain(0);
    expect(bindings[0]!.get('past')).toBe(3);
  });
});
