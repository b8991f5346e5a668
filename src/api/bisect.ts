import { createInstalledRuntime } from '#platform';
import { optimizePipeline } from '../../passes/presets.js';
import type { Model } from '../ir/model.js';
import { createEvaluator } from '../numerics/evaluator.js';
import { planModel } from '../numerics/plan.js';
import { type Refuted, RegionVerifier } from '../numerics/region-verify.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import type { Runtime } from '../numerics/runtime.js';
import { Reference } from '../numerics/whole.js';
import type { OpsetPolicy, Target } from '../pass/pass.js';
import type { Pipeline } from '../pass/pipeline.js';
import { findFirstBad } from '../support/bisect.js';
import { Attempts, type Candidate } from './attempt.js';
import { reproducerText } from './defect.js';
import { choosePasses } from './optimize.js';
import { findParting, type Parting } from './parting.js';

/** Options of {@link bisect}. */
export interface BisectOptions {
  /** Instead of the optimizing pipeline. */
  readonly pipeline?: Pipeline;
  readonly skip?: readonly string[];
  readonly only?: readonly string[];
  readonly target?: Target;
  readonly opset?: OpsetPolicy;
  readonly seed?: number;
  readonly runtime?: Runtime;
  readonly onProgress?: (what: string) => void;
}

/** The rewrite that breaks the model, or the value at which two versions part; the object of `bisect --json`. */
export interface BisectReport {
  readonly schema: 'resonnx/bisect@1';
  readonly found: boolean;
  /** Rewrites of the whole pipeline; 0 when two models were given. */
  readonly rewrites: number;
  /** Times that two models, or all regions, were compared. */
  readonly runs: number;
  readonly rewrite?: { readonly number: number; readonly pass: string; readonly rule: string; readonly at: string };
  readonly value?: Parting;
  readonly why?: string;
}

/** What {@link bisect} gives. */
export interface Bisected {
  readonly report: BisectReport;
  /** The smallest model on which the pass at fault shows it, as text with its `# pipeline:` line. */
  readonly reproducer?: string;
}

/**
 * Finds the rewrite of the pipeline that breaks a model, or with `other` the first value at which two versions of it part.
 * @throws ResonnxError `runtime/missing`
 */
export async function bisect(model: Model, other: Model | undefined, options: BisectOptions = {}): Promise<Bisected> {
  const runtime = options.runtime ?? createInstalledRuntime();
  try {
    if (!other) return await new PipelineBisection(model, runtime, options).run();
    const parting = await findParting(runtime, model, other, options);
    return { report: { schema: 'resonnx/bisect@1', rewrites: 0, ...parting } };
  } finally {
    if (!options.runtime) await runtime.close();
  }
}

class PipelineBisection {
  readonly #model: Model;
  readonly #runtime: Runtime;
  readonly #options: BisectOptions;
  readonly #attempts: Attempts;
  readonly #pipeline: Pipeline;

  constructor(model: Model, runtime: Runtime, options: BisectOptions) {
    const { target, opset } = options;
    this.#model = model;
    this.#runtime = runtime;
    this.#options = options;
    this.#pipeline = choosePasses(options.pipeline ?? optimizePipeline, options);
    this.#attempts = new Attempts(model, {
      evaluator: createEvaluator(() => runtime),
      ...(target && { target }),
      ...(opset !== undefined && { opset }),
    });
  }

  async run(): Promise<Bisected> {
    const candidate = await this.#attempts.run({ pipeline: this.#pipeline, denied: new Set(), book: true });
    const reference = await this.#reference();
    const hint = 'why' in reference ? {} : { hint: reference.samples[0]!.binding };
    const verifier = new RegionVerifier(this.#runtime, { seed: this.#options.seed, ...hint });
    this.#options.onProgress?.('verifying every rewrite by itself');
    const { refuted } = await verifier.check(candidate.book!);
    const [worst] = [...refuted].sort((a, b) => a.record.number - b.record.number);
    if (worst) return this.#report(candidate, worst, 1);
    if ('why' in reference) return this.#nothing(candidate, 1, `the whole cannot be run: ${reference.why}`);
    return this.#search(candidate, reference);
  }

  #reference(): Promise<Reference | { readonly why: string }> {
    const { form, plan } = planModel(this.#model);
    const { seed } = this.#options;
    return Reference.prepare(this.#runtime, {
      model: form,
      plan,
      ...(seed !== undefined && { seed }),
    });
  }

  async #search(candidate: Candidate, reference: Reference): Promise<Bisected> {
    const whole = await reference.compare(runtimeForm(candidate.model));
    if (whole.status === 'match') return this.#nothing(candidate, 2);
    const { first, asked } = await findFirstBad(candidate.rewrites, async (limit) => {
      this.#options.onProgress?.(`comparing with the first ${limit} of ${candidate.rewrites} rewrites`);
      const attempt = await this.#attempts.run({ pipeline: this.#pipeline, denied: new Set(), limit });
      return (await reference.compare(runtimeForm(attempt.model))).status === 'match';
    });
    const why = whole.why ?? 'differs';
    if (first === 0) return this.#nothing(candidate, asked + 2, `the unchanged model ${why}`);
    return this.#report(candidate, { record: candidate.records[first - 1]!, why }, asked + 2);
  }

  #nothing({ rewrites }: Candidate, runs: number, why?: string): Bisected {
    const report = { schema: 'resonnx/bisect@1' as const, found: false, rewrites, runs };
    return { report: why === undefined ? report : { ...report, why } };
  }

  #report({ rewrites, book }: Candidate, { record, why, region }: Refuted, runs: number): Bisected {
    const { number, pass, rule, at } = record;
    const cut = region ?? book?.regions.find((each) => each.record.number === number);
    return {
      report: { schema: 'resonnx/bisect@1', found: true, rewrites, runs, rewrite: { number, pass, rule, at }, why },
      ...(cut && { reproducer: reproducerText(cut.before, [pass]) }),
    };
  }
}
