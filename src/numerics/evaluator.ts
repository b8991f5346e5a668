import { extractModel } from '../ir/extract.js';
import type { Graph } from '../ir/graph.js';
import type { Value } from '../ir/value.js';
import type { Evaluator } from '../pass/pass.js';
import { Tensor } from '../tensor/tensor.js';
import { type Runtime, RuntimeRefusal, RuntimeTimeout } from './runtime.js';

/**
 * Computes values that depend on constants alone with a runtime, its optimizations off. All values of one call go through one session;
 * when the runtime refuses that, the list is halved until what it can compute is found.
 */
export function createEvaluator(runtime: () => Runtime | Promise<Runtime>): Evaluator {
  return {
    async evaluate(graph, values) {
      const found = new Map<Value, Tensor>();
      const stack: (readonly Value[])[] = [values];
      for (let batch = stack.pop(); batch; batch = stack.pop()) {
        const tensors = await evaluateBatch(await runtime(), graph, batch);
        if (tensors) batch.forEach((value, i) => found.set(value, tensors[i]!));
        else if (batch.length > 1) {
          const half = batch.length >> 1;
          stack.push(batch.slice(0, half), batch.slice(half));
        }
      }
      return values.map((value) => found.get(value));
    },
  };
}

async function evaluateBatch(
  runtime: Runtime,
  graph: Graph,
  values: readonly Value[],
): Promise<readonly Tensor[] | undefined> {
  const outputs = values.map((value, i) => ({ value, name: `out${i}`, type: undefined }));
  const model = extractModel(graph.model, { inputs: [], outputs });
  if (!model) return undefined;
  try {
    const session = await runtime.open(model, { optimization: 'disabled' });
    try {
      const results = await session.run({});
      return outputs.map(({ name }) => Tensor.from(results[name]!));
    } finally {
      await session.release();
    }
  } catch (cause) {
    if (cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout) return undefined;
    throw cause;
  }
}
