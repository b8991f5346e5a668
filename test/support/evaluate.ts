import { expect } from '@jest/globals';
import { bindingLadder } from '../../src/numerics/sizes.js';
import { makeFeeds, planInputs } from '../../src/numerics/inputs.js';
import { evaluateModel, type Evaluation, roundedOutputs } from '../../src/evaluate/evaluate.js';
import { judge } from '../../src/numerics/judge.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { derivedTolerance } from '../../src/numerics/tolerance.js';
import { inferTypes } from '../../src/shape/types.js';
import { fromFloat64, type NumericArray, toFloat64 } from '../../src/tensor/array.js';
import type { DType } from '../../src/tensor/dtype.js';
import { bytesOf, graphOf } from './model.js';

export type Given = Readonly<Record<string, NumericArray>>;

/** An array from nested literals is spelt as its shape and its elements in order. */
export function array(dtype: DType, shape: readonly number[], values: readonly number[]): NumericArray {
  return fromFloat64(dtype, shape, values);
}

/** What the evaluator makes of a graph in ONNX text. */
export function evaluated(body: string, feeds: Given = {}, opset = 24): Evaluation {
  return evaluateModel(graphOf(body, opset), feeds, { limit: 2 ** 22 });
}

/** The outputs of a graph as numbers by name, unrounded. Fails the test where there are none. */
export function outputsOf(body: string, feeds: Given = {}, opset = 24): Readonly<Record<string, NumericArray>> {
  const result = evaluated(body, feeds, opset);
  if (result.kind !== 'values') throw new Error(JSON.stringify(result));
  return roundedOutputs(result.outputs);
}

/** Shape and elements of output Y. */
export function resultOf(body: string, feeds: Given = {}, opset = 24): readonly [readonly number[], number[]] {
  const { Y } = outputsOf(body, feeds, opset);
  return [Y!.shape, [...toFloat64(Y!)]];
}

/**
 * Runs a graph in onnxruntime and in the evaluator on made inputs and asks for agreement: integers in every element, floats within the
 * bound that follows from dtype and the longest sum.
 */
export async function expectAgreement(
  runtime: Runtime,
  body: string,
  { opset = 21, reduction = 64, seeds = [1, 2, 3], feeds: given }: AgreementOptions = {},
): Promise<void> {
  const model = graphOf(body, opset);
  const plan = planInputs(model, inferTypes(model));
  const session = await runtime.open(bytesOf(model), { optimization: 'disabled' });
  try {
    for (const seed of seeds) {
      const feeds = given ?? makeFeeds(plan, bindingLadder(plan).next().value ?? new Map(), seed);
      const result = evaluateModel(model, feeds, { limit: 2 ** 22 });
      if (result.kind !== 'values') throw new Error(JSON.stringify(result));
      const [wanted, found] = [roundedOutputs(result.outputs), await session.run(feeds)];
      for (const [name, expected] of Object.entries(wanted)) {
        const { dtype } = expected;
        const floor = derivedTolerance({ dtype, reduction, depth: model.graph.nodes.size, scale: 1 }).relative;
        const { why } = judge([{ expected, actual: found[name], noise: [] }], floor);
        expect({ name, why }).toEqual({ name, why: undefined });
      }
    }
  } finally {
    await session.release();
  }
}

interface AgreementOptions {
  readonly opset?: number;
  readonly reduction?: number;
  readonly seeds?: readonly number[];
  readonly feeds?: Given;
}
