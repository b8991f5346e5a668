import { Workbench } from '#platform';
import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import { emptiableSymbols, planInputs } from '../numerics/inputs.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import { RegionBook, type RegionOutcome, RegionVerifier } from '../numerics/region-verify.js';
import type { Runtime } from '../numerics/runtime.js';
import { Reference, type WholeComparison } from '../numerics/whole.js';
import type { Declined, Evaluator, OpsetPolicy, Target } from '../pass/pass.js';
import type { Pipeline } from '../pass/pipeline.js';
import { type PassRun, runPipeline } from '../pass/run.js';
import type { RewriteRecord } from '../rewrite/record.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { inferTypes } from '../shape/types.js';
import { measureModel } from './emit-bytes.js';
import { type Reverted, type Verification, wholeReport } from './report.js';
import { fingerprint } from './fingerprint.js';

/** One result of the pipeline. */
export interface Candidate {
  readonly model: Model;
  readonly runs: readonly PassRun[];
  readonly rewrites: number;
  readonly records: readonly RewriteRecord[];
  /** The rewrites cut out, when they are to be verified. */
  readonly book?: RegionBook;
}

/** What {@link Search} works with; see `OptimizeOptions`. */
export interface SearchOptions {
  /** Whether the original is just as it was read, so that its file can be run in its place. */
  readonly asRead: boolean;
  /** Bytes by which the result may be larger. */
  readonly growth: number;
  readonly runtime?: Runtime;
  readonly evaluator?: Evaluator;
  readonly target?: Target;
  readonly opset?: OpsetPolicy;
  readonly maxGrowth?: number;
  readonly verify?: boolean;
  readonly samples?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly clock?: () => number;
  readonly verifyEach?: boolean;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly onDeclined?: (declined: Declined) => void;
  readonly onProgress?: (what: string) => void;
  readonly afterPass?: (run: PassRun, model: Model) => boolean | void;
}

/** What {@link Search.run} settles on. */
export interface Found {
  readonly candidate: Candidate;
  readonly reverted: readonly Reverted[];
  readonly verification: Verification;
}

interface Fault {
  readonly record: RewriteRecord;
  readonly why: string;
}

/** Times that the pipeline is run again without what was refuted before the whole is given up. */
const ROUNDS = 16;

/** Runs a pipeline, verifies the result, and takes back what is wrong or too large until it is right. */
export class Search {
  readonly #original: Model;
  readonly #options: SearchOptions;
  readonly #denied = new Set<string>();
  readonly #reverted: Reverted[] = [];
  readonly #bench = new Workbench();
  #pipeline: Pipeline;

  constructor(original: Model, pipeline: Pipeline, options: SearchOptions) {
    this.#original = original;
    this.#pipeline = pipeline;
    this.#options = options;
  }

  /** Finds the largest part of the pipeline's work that stands. */
  async run(): Promise<Found> {
    try {
      return await this.#find();
    } finally {
      this.#bench.close();
    }
  }

  async #find(): Promise<Found> {
    const reference = this.#options.verify === false ? undefined : this.#prepare();
    reference?.catch(() => undefined); // it may fail before, or after, anyone waits for it
    let candidate = await this.#fitting(await this.#attempt(true));
    if (candidate.rewrites === 0) return this.#settle(candidate, { status: 'verified', method: 'unchanged' });
    const { runtime } = this.#options;
    if (!reference) return this.#settle(candidate, { status: 'skipped', method: 'none' });
    if (!runtime)
      return this.#giveUp('unverifiable', 'neither onnxruntime-node nor onnxruntime-web is installed or given');
    const { seed, onProgress } = this.#options;
    const prepared = await reference;
    const hint = 'why' in prepared ? {} : { hint: prepared.samples[0]!.binding };
    const verifier = new RegionVerifier(runtime, { seed, ...hint }, onProgress);
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = await verifier.check(candidate.book!);
      const wrong = await this.#faults(candidate, outcome, prepared);
      if (!Array.isArray(wrong)) return wrong;
      for (const { record, why } of wrong) this.#deny(record, why);
      candidate = await this.#fitting(await this.#attempt(false));
    }
    return this.#giveUp('reverted', 'too many rewrites were refuted');
  }

  /** What has to be taken back; or the end, when nothing has. */
  async #faults(
    candidate: Candidate,
    outcome: RegionOutcome,
    reference: Reference | { readonly why: string },
  ): Promise<Fault[] | Found> {
    if (outcome.refuted.length > 0) return [...outcome.refuted];
    if ('why' in reference) {
      if (candidate.rewrites > 0 && outcome.uncovered.length === 0) return this.#accept(candidate, outcome, reference);
      if (outcome.uncovered.length === candidate.rewrites) return this.#giveUp('unverifiable', reference.why);
      return outcome.uncovered.map(({ record, why }) => ({ record, why: `it cannot be verified: ${why}` }));
    }
    this.#options.onProgress?.('comparing with the original');
    const comparison = await reference.compare(this.#bench.asItIs(candidate.model));
    if (comparison.status === 'match') return this.#accept(candidate, outcome, reference, comparison);
    const record = await this.#culprit(reference, candidate);
    if (!record) return this.#giveUp('unverifiable', `the unchanged model ${comparison.why ?? 'differs from itself'}`);
    return [{ record, why: comparison.why ?? 'differs' }];
  }

  async #prepare(): Promise<Reference | { readonly why: string }> {
    const { runtime, samples, seed, asRead } = this.#options;
    if (!runtime) return { why: 'neither onnxruntime-node nor onnxruntime-web is installed or given' };
    const original = this.#original;
    const model = runtimeForm(original);
    const types = inferTypes(model);
    return Reference.prepare(runtime, {
      model,
      source: asRead ? this.#bench.asRead(original) : this.#bench.asItIs(original),
      plan: planInputs(model, types),
      ...(samples !== undefined && { samples }),
      ...(seed !== undefined && { seed }),
    });
  }

  /** Runs the pipeline on a copy, without what is denied; with `limit` only its first rewrites. */
  async #attempt(first: boolean, limit = Infinity): Promise<Candidate> {
    const { target, opset, maxGrowth, evaluator, signal, clock, verifyEach, onDiagnostic, onDeclined } = this.#options;
    const { onProgress, afterPass, verify } = this.#options;
    const model = cloneModel(this.#original);
    model.source = this.#original.source;
    const records: RewriteRecord[] = [];
    const types = inferTypes(model);
    const book = new RegionBook(model, types, emptiableSymbols(model, types));
    const { passes, rewrites } = await runPipeline(model, this.#pipeline, {
      accept: (record) => record.number <= limit && !this.#denied.has(fingerprint(record)),
      types,
      onRewrite: (record, pass) => {
        records.push(record);
        if (verify !== false && limit === Infinity) book.add(record, pass.semantics);
      },
      ...(target && { target }),
      ...(opset !== undefined && { opset }),
      ...(maxGrowth !== undefined && { maxGrowth }),
      ...(evaluator && { evaluator }),
      ...(signal && { signal }),
      ...(clock && { clock }),
      ...(verifyEach !== undefined && { verifyEach }),
      ...(first && onDiagnostic && { onDiagnostic }),
      ...(first && onDeclined && { onDeclined }),
      ...(first && afterPass && { afterPass }),
      ...(onProgress && { beforePass: (pass) => onProgress(pass.name) }),
    });
    return { model, runs: passes, rewrites, records, book };
  }

  /** Leaves out the passes that make the model grow too much, the worst first. */
  async #fitting(first: Candidate): Promise<Candidate> {
    let candidate = first;
    const allowed = measureModel(this.#original) + this.#options.growth;
    while (candidate.rewrites > 0) {
      const size = measureModel(candidate.model);
      if (size <= allowed) break;
      const worst = await this.#largestGrowth();
      this.#pipeline = this.#pipeline.filter((pass) => worst !== undefined && pass.name !== worst);
      this.#reverted.push({
        pass: worst ?? '*',
        site: 'main',
        why: `the model would grow by ${size - allowed} bytes more than allowed`,
      });
      candidate = await this.#attempt(false);
    }
    return candidate;
  }

  async #largestGrowth(): Promise<string | undefined> {
    const growth = new Map<string, number>();
    const model = cloneModel(this.#original);
    let size = measureModel(model);
    const { evaluator, target, opset, maxGrowth } = this.#options;
    await runPipeline(model, this.#pipeline, {
      accept: (record) => !this.#denied.has(fingerprint(record)),
      ...(evaluator && { evaluator }),
      ...(target && { target }),
      ...(opset !== undefined && { opset }),
      ...(maxGrowth !== undefined && { maxGrowth }),
      afterPass: ({ pass, rewrites }) => {
        if (rewrites === 0) return;
        const now = measureModel(model);
        growth.set(pass.name, (growth.get(pass.name) ?? 0) + now - size);
        size = now;
      },
    });
    const [worst] = [...growth].sort(([, a], [, b]) => b - a);
    return worst && worst[1] > 0 ? worst[0] : undefined;
  }

  /** The rewrite with which the result begins to differ; `undefined` when it differs without any. */
  async #culprit(reference: Reference, candidate: Candidate): Promise<RewriteRecord | undefined> {
    let [good, bad] = [-1, candidate.rewrites];
    let records = candidate.records;
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      this.#options.onProgress?.(`searching the rewrite at fault: ${good + 1} to ${bad}`);
      const attempt = await this.#attempt(false, middle);
      const { status } = await reference.compare(this.#bench.asItIs(attempt.model));
      if (status === 'match') good = middle;
      else {
        bad = middle;
        records = attempt.records;
      }
    }
    return bad === 0 ? undefined : records[bad - 1];
  }

  #deny(record: RewriteRecord, why: string): void {
    this.#denied.add(fingerprint(record));
    this.#reverted.push({ pass: record.pass, site: record.at, why: `${record.rule}: ${why}` });
  }

  #accept(
    candidate: Candidate,
    outcome: RegionOutcome,
    reference: Reference | { readonly why: string },
    comparison?: WholeComparison,
  ): Found {
    const regions = { regions: outcome.regions, distinctRegions: outcome.distinct };
    const taken = this.#reverted.length > 0 ? 'reverted' : undefined;
    if ('why' in reference || !comparison) {
      const why = 'why' in reference ? { why: `the whole cannot be run: ${reference.why}` } : {};
      return this.#settle(candidate, { status: taken ?? 'regions', method: 'regions', ...why, ...regions });
    }
    const whole = wholeReport(reference, comparison.outputs);
    const method = outcome.regions > 0 ? 'whole+regions' : 'whole';
    return this.#settle(candidate, { status: taken ?? 'verified', method, ...regions, ...whole });
  }

  /** The model as it came. */
  #giveUp(status: 'unverifiable' | 'reverted', why: string): Found {
    const model = cloneModel(this.#original);
    model.source = this.#original.source;
    return this.#settle({ model, runs: [], rewrites: 0, records: [] }, { status, method: 'none', why });
  }

  #settle(candidate: Candidate, partial: Pick<Verification, 'status' | 'method'> & Partial<Verification>): Found {
    const verification = { samples: 0, bindings: [], outputs: [], regions: 0, distinctRegions: 0, ...partial };
    return { candidate, reverted: this.#reverted, verification };
  }
}
