import { ResonnxError } from '../diagnostics/diagnostic.js';
import { Model } from '../ir/model.js';
import { importModel } from '../onnx/import.js';
import { decodeModel } from '../proto/model.js';
import { inferTypes } from '../shape/types.js';
import type { NumericArray } from '../tensor/array.js';
import { FLOAT64, type ModelSource, type Port, type Runtime, RuntimeRefusal, type Session } from './runtime.js';
import { type EvaluateOptions, evaluateModel, roundedOutputs, uncoveredOperators } from '../evaluate/evaluate.js';

/** What {@link createFloat64Runtime} may spend on one run, in operations on elements (a multiply-add is one). */
export const RUN_LIMIT = 2 ** 26;

/**
 * The evaluator behind the port of runtimes: what one model gives is computed in float64 and rounded once, to the dtypes of its outputs.
 * It refuses operators that it does not cover, models in files, and runs of more than `limit` operations. `round` rounds after every
 * operator, as other runtimes do.
 */
export function createFloat64Runtime(limit = RUN_LIMIT, round = false): Runtime {
  return {
    name: FLOAT64,
    version: '1',
    async open(source) {
      return new EvaluatedSession(readModel(source), { limit, round });
    },
    async close() {},
  };
}

function readModel(source: ModelSource): Model {
  const model = source instanceof Model ? source : importBytes(source);
  const [uncovered] = uncoveredOperators(model);
  if (uncovered !== undefined) throw new RuntimeRefusal('open', `NOT_IMPLEMENTED: ${uncovered} is not evaluated`);
  return model;
}

function importBytes(source: Exclude<ModelSource, Model>): Model {
  if (!(source instanceof Uint8Array)) throw new RuntimeRefusal('open', 'models in files are not evaluated');
  try {
    return importModel(decodeModel(source));
  } catch (cause) {
    if (cause instanceof ResonnxError) throw new RuntimeRefusal('open', cause.message);
    throw cause;
  }
}

class EvaluatedSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #model: Model;
  readonly #options: EvaluateOptions;

  constructor(model: Model, options: EvaluateOptions) {
    this.#model = model;
    this.#options = options;
    const types = inferTypes(model);
    const port = ({ name, value }: Model['graph']['outputs'][number]): Port => {
      const { dtype } = types.tensor(value) ?? {};
      return dtype ? { name, dtype } : { name };
    };
    this.inputs = model.graph.inputs.filter(({ value }) => value.def.kind === 'input').map(port);
    this.outputs = model.graph.outputs.map(port);
  }

  async run(
    feeds: Readonly<Record<string, NumericArray>>,
    outputs?: readonly string[],
  ): Promise<Readonly<Record<string, NumericArray>>> {
    const result = evaluateModel(this.#model, feeds, this.#options);
    if (result.kind === 'too-large') {
      throw new RuntimeRefusal('run', `more than ${result.limit} operations are not evaluated`);
    }
    // Sizes may be to blame for what is invalid, but not for what is not covered.
    const kind = result.kind === 'invalid' ? 'run' : 'open';
    if (result.kind !== 'values') throw new RuntimeRefusal(kind, `${result.op}: ${result.why}`);
    const all = roundedOutputs(result.outputs);
    return outputs ? Object.fromEntries(outputs.map((name) => [name, all[name]!])) : all;
  }

  async release(): Promise<void> {}
}
