import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emitText, loadText, optimize, optimizePipeline } from 'resonnx';
import { checkFixtures } from 'resonnx/testing';
import { preferProducts } from './index.js';

test('fixtures', async () => {
  const checks = await checkFixtures(preferProducts, new URL('./fixtures/', import.meta.url).pathname);
  assert.deepEqual(
    checks.map(({ name }) => name),
    ['divided.onnxtxt', 'keep.divided-by-three.onnxtxt', 'keep.integers.onnxtxt'],
  );
  for (const { name, problems } of checks) assert.deepEqual(problems, [], name);
});

test('behind the passes of the package', async () => {
  const text =
    '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) <float t = {2}> { y = Div(x, t) }';
  const { model } = await optimize(loadText(text), { pipeline: optimizePipeline.run(preferProducts) });
  assert.match(emitText(model), /Mul/);
});
