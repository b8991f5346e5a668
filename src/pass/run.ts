import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { checkWellFormed } from '../analysis/wellformed.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { Rewriter } from '../rewrite/rewriter.js';
import type { RewriteRecord } from '../rewrite/record.js';
import { inferTypes, type Types } from '../shape/types.js';
import {
  defaultOptions,
  type Declined,
  type Evaluator,
  type OpsetPolicy,
  type Pass,
  type PassContext,
  type Target,
} from './pass.js';
import type { Pipeline, Step } from './pipeline.js';

/** A pass whatever its options. */
// The context is contravariant in the options; a pass gets its own options back, which `Pipeline.run` put beside it.
export type AnyPass = Pick<Pass, 'name' | 'summary' | 'semantics' | 'equivalentRules' | 'rules'> & {
  readonly options?: Pass['options'];
  run(model: Model, context: PassContext<never>): void | Promise<void>;
};

/** One run of one pass. */
export interface PassRun {
  readonly pass: AnyPass;
  readonly rewrites: number;
  readonly ms: number;
}

/** Observers and limits of a run of a pipeline. */
export interface RunOptions {
  readonly target?: Target;
  /** `auto` when absent. */
  readonly opset?: OpsetPolicy;
  readonly maxGrowth?: number;
  readonly evaluator?: Evaluator;
  readonly signal?: AbortSignal;
  /** Types at the start; made when absent. */
  readonly types?: Types;
  /** Clock in milliseconds; absent means that no times are taken. */
  readonly clock?: () => number;
  /** Checks all invariants of the IR after every pass that changed something. */
  readonly verifyEach?: boolean;
  readonly accept?: (record: RewriteRecord, pass: AnyPass) => boolean;
  readonly onRewrite?: (record: RewriteRecord, pass: AnyPass) => void;
  readonly onDeclined?: (declined: Declined) => void;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly beforePass?: (pass: AnyPass) => void;
  /** After a pass; returning `false` ends the pipeline there. */
  readonly afterPass?: (run: PassRun, model: Model) => boolean | void;
}

/** What a run of a pipeline did. */
export interface RunResult {
  readonly passes: readonly PassRun[];
  readonly rewrites: number;
}

class Stopped extends Error {}

/**
 * Runs a pipeline over a model, in place.
 * @throws the abort reason when `signal` is aborted; InvariantError when a pass breaks the IR and `verifyEach` is set
 */
export async function runPipeline(model: Model, pipeline: Pipeline, options: RunOptions = {}): Promise<RunResult> {
  const runner = new Runner(model, options);
  try {
    await runner.steps(pipeline.steps);
  } catch (stop) {
    if (!(stop instanceof Stopped)) throw stop;
  }
  return { passes: runner.runs, rewrites: runner.rewriter.count };
}

class Runner {
  readonly runs: PassRun[] = [];
  readonly rewriter: Rewriter;
  readonly #model: Model;
  readonly #options: RunOptions;
  readonly #types: Types;
  /** Version of the model at which a pass last found nothing to do. */
  readonly #idle = new Map<AnyPass, number>();
  readonly #startBytes: number;
  #weighed: { readonly version: number; readonly bytes: number };
  #pass: AnyPass | undefined;

  constructor(model: Model, options: RunOptions) {
    this.#model = model;
    this.#options = options;
    this.#startBytes = weigh(model);
    this.#weighed = { version: model.version, bytes: this.#startBytes };
    this.#types = options.types ?? inferTypes(model, { provenOnly: true });
    const { accept, onRewrite } = options;
    this.rewriter = new Rewriter(model, {
      ...(accept && { accept: (record) => accept(record, this.#pass!) }),
      ...(onRewrite && { onRewrite: (record) => onRewrite(record, this.#pass!) }),
    });
  }

  async steps(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'pass') await this.#run(step.pass, step.options);
      else {
        for (let round = 0; round < step.max; round++) {
          const before = this.rewriter.count;
          await this.#round(step.steps);
          if (this.rewriter.count === before) break;
        }
      }
    }
  }

  /** A pass that changed nothing need not look again at a model that is still the same. */
  async #round(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'pass' && this.#idle.get(step.pass) === this.#model.version) continue;
      const before = this.rewriter.count;
      await this.steps([step]);
      if (step.kind === 'pass' && this.rewriter.count === before) this.#idle.set(step.pass, this.#model.version);
    }
  }

  async #run(pass: AnyPass, options: object): Promise<void> {
    const { clock, signal, verifyEach, beforePass, afterPass } = this.#options;
    signal?.throwIfAborted();
    this.#pass = pass;
    beforePass?.(pass);
    const before = this.rewriter.count;
    const start = clock?.() ?? 0;
    await pass.run(this.#model, this.#context(pass, options) as PassContext<never>);
    const run = { pass, rewrites: this.rewriter.count - before, ms: (clock?.() ?? 0) - start };
    this.runs.push(run);
    if (verifyEach && run.rewrites > 0) checkWellFormed(this.#model);
    if (afterPass?.(run, this.#model) === false) throw new Stopped();
  }

  #weigh(): number {
    const { version } = this.#model;
    if (this.#weighed.version !== version) this.#weighed = { version, bytes: weigh(this.#model) };
    return this.#weighed.bytes;
  }

  #context(pass: AnyPass, options: object): PassContext {
    const { target, opset, maxGrowth, evaluator, signal, onDeclined, onDiagnostic } = this.#options;
    return {
      options: { ...defaultOptions(pass as Pass), ...options },
      types: this.#types,
      target: target ?? 'standard',
      opset: opset ?? 'auto',
      maxGrowth: (maxGrowth ?? 0) + Math.max(0, this.#startBytes - this.#weigh()),
      evaluator,
      signal,
      rewrite: (rule, root, edit) => this.rewriter.apply(pass.name, rule, root, edit),
      explains: onDeclined !== undefined,
      decline: (rule, node, reason, matched = 0) => onDeclined?.({ pass: pass.name, rule, node, reason, matched }),
      report: (diagnostic) => onDiagnostic?.(diagnostic),
    };
  }
}

/** Bytes of a node without names and attributes, as it is written. */
const NODE_BYTES = 16;

/** What a model takes when it is written, near enough to say what earlier passes have saved: its tensors and its nodes. */
function weigh(model: Model): number {
  let bytes = 0;
  for (const graph of model.graphs()) bytes += NODE_BYTES * graph.nodes.size + tensorBytes(graph);
  return bytes;
}

function tensorBytes(graph: Graph): number {
  let bytes = 0;
  for (const value of graph.initializers) bytes += value.constant?.byteLength ?? 0;
  for (const slot of graph.inputs) bytes += slot.fallback?.byteLength ?? 0;
  for (const { attrs } of graph.nodes.values()) {
    for (const attr of attrs.values()) {
      if (attr.type === 'TENSOR') bytes += attr.value.byteLength;
      else if (attr.type === 'TENSORS') for (const tensor of attr.value) bytes += tensor.byteLength;
    }
  }
  return bytes;
}
