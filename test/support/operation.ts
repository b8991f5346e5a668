import { expect } from '@jest/globals';
import { emitBytes } from '../../src/api/emit-bytes.js';
import { rewrite, type RewriteOptions } from '../../src/api/rewrite.js';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import type { Model } from '../../src/ir/model.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { type NumericArray, toFloat64 } from '../../src/tensor/array.js';
import { modelOf, textOf } from './model.js';

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NumericArray>>;

/** A float32 array; `values` repeats over the shape. */
export function floats(shape: readonly number[], values: ArrayLike<number>): NumericArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => values[i % values.length]!) };
}

/** Numbers that look random and are the same everywhere: rows of different scale, one of them constant. */
export function probe(shape: readonly number[], scale = 1): NumericArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const columns = shape.at(-1) ?? 1;
  const data = Float32Array.from({ length: size }, (_, i) => {
    const row = Math.floor(i / columns);
    return scale * (row % 3 === 2 ? 0.5 : Math.sin(1 + i * 1.7) * 2 ** (row % 3) + Math.cos(i * 0.37));
  });
  return { dtype: 'float32', shape, data };
}

/** What an operation made of a model, and how both compute. */
export interface CarriedOut {
  readonly model: Model;
  readonly text: string;
  /** How often the operator stands in the rewritten model. */
  count(opType: string): number;
  /** Outputs of the rewritten model. */
  run(feeds: Arrays): Promise<Arrays>;
  /** Outputs of the model before. */
  runBefore(feeds: Arrays): Promise<Arrays>;
}

/** Carries out a recipe on a model in ONNX text; the original must stay as it was. */
export async function carryOut(
  runtime: Runtime,
  text: string,
  recipe: object,
  options: Omit<RewriteOptions, 'parameters'> & { readonly parameters?: Arrays } = {},
): Promise<CarriedOut> {
  const before = modelOf(text);
  const printed = textOf(before);
  const { parameters = {}, ...rest } = options;
  const { model, report } = await rewrite(before, recipe, {
    allow: ['changes-function'],
    runtime,
    ...rest,
    parameters: new Map(Object.entries(parameters)),
  });
  expect(textOf(before)).toBe(printed);
  expect(report.operations.map(({ verification }) => verification.status)).toEqual(
    report.operations.map(() => 'verified'),
  );
  const runOf = async (of: Model, feeds: Arrays): Promise<Arrays> => {
    const session = await runtime.open(emitBytes(of), { optimization: 'disabled' });
    try {
      return await session.run(feeds);
    } finally {
      await session.release();
    }
  };
  return {
    model,
    text: textOf(model),
    count: (opType) => [...model.graph.nodes.values()].filter((node) => node.opType === opType).length,
    run: (feeds) => runOf(model, feeds),
    runBefore: (feeds) => runOf(before, feeds),
  };
}

/** Runs both models and demands the same outputs, up to rounding. */
export async function expectSame(done: CarriedOut, feeds: Arrays, tolerance = 2e-5): Promise<void> {
  const [before, after] = [await done.runBefore(feeds), await done.run(feeds)];
  for (const [name, array] of Object.entries(before)) expectClose(after[name]!, toFloat64(array), tolerance);
}

/** Demands these numbers, relative to the largest of them. */
export function expectClose(actual: NumericArray, expected: ArrayLike<number>, tolerance = 1e-5): void {
  const found = toFloat64(actual);
  expect(found.length).toBe(expected.length);
  let [largest, error] = [1e-6, 0];
  for (let i = 0; i < found.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    error = Math.max(error, Math.abs(found[i]! - expected[i]!));
  }
  expect(error / largest).toBeLessThanOrEqual(tolerance);
}

/** The message with which a recipe is refused; the model must stay as it was. */
export async function refusalOf(
  runtime: Runtime,
  text: string,
  recipe: object,
  options: Omit<RewriteOptions, 'parameters'> & { readonly parameters?: Arrays } = {},
): Promise<string> {
  const model = modelOf(text);
  const printed = textOf(model);
  const { parameters = {}, ...rest } = options;
  try {
    await rewrite(model, recipe, {
      allow: ['changes-function'],
      runtime,
      ...rest,
      parameters: new Map(Object.entries(parameters)),
    });
  } catch (cause) {
    expect(textOf(model)).toBe(printed);
    if (cause instanceof ResonnxError)
      return cause.diagnostics.map(({ code, message }) => `${code}: ${message}`).join('\n');
    throw cause;
  }
  throw new Error('the recipe was not refused');
}
