import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { bothOf } from '../support/runtime-shapes.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 2 }),
  })
  .chain((each) => {
    const pad = fc.integer({ min: 0, max: each.kernel - 1 });
    const outputPadding = fc.integer({ min: 0, max: each.stride - 1 });
    return fc.record({ begin: pad, end: pad, outputPadding }).map((more) => ({ ...each, ...more }));
  });

const attributes = fc
  .tuple(axis, axis)
  .map(([a, b]) =>
    [
      `kernel_shape = [${a.kernel}, ${b.kernel}], strides = [${a.stride}, ${b.stride}]`,
      `dilations = [${a.dilation}, ${b.dilation}], pads = [${a.begin}, ${b.begin}, ${a.end}, ${b.end}]`,
    ].join(', '),
  );

test('pools of random windows have the sizes that onnxruntime gives', async () => {
  const op = fc.constantFrom('MaxPool', 'AveragePool', 'LpPool');
  await fc.assert(
    fc.asyncProperty(
      op,
      attributes,
      fc.constantFrom(0, 1),
      fc.constantFrom(19, 22),
      async (type, list, ceil, opset) => {
        const node = `y = ${type}<${list}, ceil_mode = ${ceil}>(x)`;
        const [inferred, real] = await bothOf(runtime, 'float[b, 3, h, w] x', node, {}, opset);
        expect(inferred).toEqual(real);
      },
    ),
    { numRuns: 60 },
  );
});

test('convolutions of random windows have the sizes that onnxruntime gives', async () => {
  const op = fc.constantFrom('Conv', 'ConvTranspose');
  await fc.assert(
    fc.asyncProperty(op, attributes, fc.constantFrom(11, 22), async (type, list, opset) => {
      const kernel = /\[(.*?)\]/.exec(list)?.[1] ?? '';
      const inputs = `float[b, 3, h, w] x, float[3, 3, ${kernel}] k`;
      const [inferred, real] = await bothOf(runtime, inputs, `y = ${type}<${list}>(x, k)`, {}, opset);
      expect(inferred).toEqual(real);
    }),
    { numRuns: 60 },
  );
});

test('transposed convolutions add the output padding as onnxruntime does', async () => {
  await fc.assert(
    fc.asyncProperty(axis, async ({ kernel, stride, dilation, begin, end, outputPadding }) => {
      const list = `strides = [${stride}], dilations = [${dilation}], pads = [${begin}, ${end}], output_padding = [${outputPadding}]`;
      const inputs = `float[b, 3, h] x, float[3, 3, ${kernel}] k`;
      const [inferred, real] = await bothOf(runtime, inputs, `y = ConvTranspose<${list}>(x, k)`, {}, 22);
      expect(inferred).toEqual(real);
    }),
    { numRuns: 40 },
  );
});
