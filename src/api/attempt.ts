import { checkWellFormed, interfaceOf } from '../analysis/wellformed.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import type { RegionBook } from '../numerics/region-verify.js';
import { type Declined, type Evaluator, type OpsetPolicy, semanticsOf, type Target } from '../pass/pass.js';
import type { Pipeline } from '../pass/pipeline.js';
import { type AnyPass, type PassRun, type RunOptions, type RunResult, runPipeline } from '../pass/run.js';
import type { RewriteRecord } from '../rewrite/record.js';
import { inferTypes } from '../shape/types.js';
import { invariant } from '../support/invariant.js';
import { fingerprint } from './fingerprint.js';

/** One result of a pipeline. */
export interface Candidate {
  readonly model: Model;
  readonly runs: readonly PassRun[];
  readonly rewrites: number;
  readonly records: readonly RewriteRecord[];
  /** The rewrites cut out, when they are to be verified. */
  readonly book?: RegionBook;
}

/** What passes are given, and who watches them. */
export interface AttemptOptions {
  readonly evaluator?: Evaluator;
  readonly target?: Target;
  readonly opset?: OpsetPolicy;
  readonly maxGrowth?: number;
  readonly signal?: AbortSignal;
  readonly clock?: () => number;
  readonly verifyEach?: boolean;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly onDeclined?: (declined: Declined) => void;
  readonly onProgress?: (what: string) => void;
  readonly afterPass?: (run: PassRun, model: Model) => boolean | void;
}

/** One run of a pipeline among several. */
export interface Attempt {
  readonly pipeline: Pipeline;
  /** Fingerprints of rewrites that are not carried out. */
  readonly denied: ReadonlySet<string>;
  /** Only so many rewrites are carried out. */
  readonly limit?: number;
  /** Whether the rewrites are cut out for verification. */
  readonly book?: boolean;
  /** Only one run talks to the observers. */
  readonly observed?: boolean;
  readonly afterPass?: (run: PassRun, model: Model) => boolean | void;
}

/** Smaller models are minimized when a pass fails on them. */
const MINIMIZED_BELOW = 2000;

/** Runs pipelines on copies of one model, as often as it takes; the model itself is not changed. */
export class Attempts {
  readonly #original: Model;
  readonly #options: AttemptOptions;

  constructor(original: Model, options: AttemptOptions) {
    this.#original = original;
    this.#options = options;
  }

  /** A copy of the model as it came. */
  copy(): Model {
    const model = cloneModel(this.#original);
    model.source = this.#original.source;
    return model;
  }

  /** @throws PassDefect when a pass throws, or leaves a model behind that is not well-formed */
  async run(attempt: Attempt): Promise<Candidate> {
    const { pipeline, denied, limit = Infinity, observed, book: wanted } = attempt;
    const { onDiagnostic, onDeclined, onProgress, verifyEach, afterPass } = this.#options;
    const model = this.copy();
    const records: RewriteRecord[] = [];
    const types = inferTypes(model);
    const book = wanted ? (await import('../numerics/verifying.js')).openBook(model, types) : undefined;
    const watch = attempt.afterPass ?? (observed ? afterPass : undefined);
    const { passes, rewrites } = await this.#guarded(model, pipeline, {
      types,
      accept: (record) => record.number <= limit && (denied.size === 0 || !denied.has(fingerprint(record))),
      onRewrite: (record, pass) => {
        records.push(record);
        book?.add(record, semanticsOf(pass, record.rule));
      },
      ...(verifyEach !== undefined && { verifyEach }),
      ...(observed && onDiagnostic && { onDiagnostic }),
      ...(observed && onDeclined && { onDeclined }),
      ...(watch && { afterPass: watch }),
      ...(onProgress && { beforePass: (pass) => onProgress(pass.name) }),
    });
    return { model, runs: passes, rewrites, records, ...(book && { book }) };
  }

  #context(): RunOptions {
    const { evaluator, target, opset, maxGrowth, signal, clock } = this.#options;
    return {
      ...(evaluator && { evaluator }),
      ...(target && { target }),
      ...(opset !== undefined && { opset }),
      ...(maxGrowth !== undefined && { maxGrowth }),
      ...(signal && { signal }),
      ...(clock && { clock }),
    };
  }

  /** Runs the pipeline; a failure of a pass becomes a defect with a reproducer. */
  async #guarded(model: Model, pipeline: Pipeline, options: RunOptions): Promise<RunResult> {
    let begun: AnyPass[] = [];
    const full: RunOptions = {
      ...this.#context(),
      ...options,
      beforePass(pass) {
        begun.push(pass);
        options.beforePass?.(pass);
      },
    };
    try {
      const result = await runPipeline(model, pipeline, full);
      if (result.rewrites > 0) this.#check(model);
      return result;
    } catch (cause) {
      this.#options.signal?.throwIfAborted();
      if (cause instanceof ResonnxError) throw cause;
      if (!options.verifyEach) {
        const checked = begun.length;
        begun = [];
        const { types: _types, ...anew } = full;
        await runPipeline(this.copy(), pipeline, { ...anew, verifyEach: true }).catch(() => undefined);
        if (begun.length === 0) begun.length = checked;
      }
      throw await this.#defect(pipeline, begun, cause);
    }
  }

  #check(model: Model): void {
    checkWellFormed(model);
    invariant(interfaceOf(this.#original) === interfaceOf(model), 'V9: the interface of the model changed');
  }

  /** Brings the model to where the last pass that was begun found it. */
  async #defect(pipeline: Pipeline, begun: readonly AnyPass[], cause: unknown): Promise<unknown> {
    const pass = begun.at(-1);
    if (!pass) return cause;
    const [{ PassDefect, reproducerText }, { minimize }] = await Promise.all([
      import('./defect.js'),
      import('./minimize.js'),
    ]);
    const model = this.copy();
    let left = begun.length - 1;
    if (left > 0) {
      await runPipeline(model, pipeline, { ...this.#context(), afterPass: () => --left > 0 }).catch(() => undefined);
    }
    const small = model.graph.nodes.size < MINIMIZED_BELOW;
    const part = small ? await minimize(model, (each) => this.#fails(each, pipeline, pass)) : model;
    return new PassDefect(pass.name, reproducerText(part, [pass.name]), cause);
  }

  async #fails(model: Model, pipeline: Pipeline, pass: AnyPass): Promise<boolean> {
    try {
      const alone = pipeline.filter((each) => each.name === pass.name);
      const copy = cloneModel(model);
      await runPipeline(copy, alone, { ...this.#context(), verifyEach: true });
      return false;
    } catch {
      return true;
    }
  }
}
