import type { Model } from '../ir/model.js';
import type { RegionOutcome } from '../numerics/region-verify.js';
import type { Runtime } from '../numerics/runtime.js';
import type { RuntimeFault } from '../numerics/second-opinion.js';
import type { Reference, WholeComparison } from '../numerics/whole.js';
import type { Pipeline } from '../pass/pipeline.js';
import type { RewriteRecord } from '../rewrite/record.js';
import { findFirstBad } from '../support/bisect.js';
import { Attempts, type AttemptOptions, type Candidate } from './attempt.js';
import type { Evidence } from './certificate.js';
import { measureModel } from './encode.js';
import { NO_RUNTIME, type Reverted, type Verification, wholeReport } from './report.js';
import { fingerprint } from './fingerprint.js';
import type { RuntimeFaultReport } from './runtime-fault.js';

/** What {@link Search} works with; see `OptimizeOptions`. */
export interface SearchOptions extends AttemptOptions {
  /** Bytes by which the result may be larger. */
  readonly growth: number;
  readonly runtime?: Runtime;
  readonly verify?: boolean;
  readonly samples?: number;
  readonly seed?: number;
}

/** What {@link Search.run} settles on. */
export interface Found {
  readonly candidate: Candidate;
  readonly reverted: readonly Reverted[];
  readonly verification: Verification;
  readonly evidence: Evidence;
  readonly runtimeFaults: readonly RuntimeFaultReport[];
}

type Compare = (model: Model) => Promise<WholeComparison>;
type Verifying = typeof import('../numerics/verifying.js');

interface Fault {
  readonly record: RewriteRecord;
  readonly why: string;
  /** Where the runtime is to blame. */
  readonly fault?: RuntimeFault;
}

/** Times that the pipeline is run again without what was refuted before the whole is given up. */
const ROUNDS = 16;

/** Runs a pipeline, verifies the result, and takes back what is wrong or too large until it is right. */
export class Search {
  readonly #original: Model;
  readonly #options: SearchOptions;
  readonly #denied = new Set<string>();
  readonly #reverted: Reverted[] = [];
  readonly #runtimeFaults = new Map<RuntimeFault, RuntimeFaultReport>();
  readonly #attempts: Attempts;
  #pipeline: Pipeline;

  constructor(original: Model, pipeline: Pipeline, options: SearchOptions) {
    this.#original = original;
    this.#pipeline = pipeline;
    this.#options = options;
    this.#attempts = new Attempts(original, options);
  }

  /** Finds the largest part of the pipeline's work that stands. */
  async run(): Promise<Found> {
    const verifying = this.#options.verify === false ? undefined : await import('../numerics/verifying.js');
    const reference = verifying && this.#prepare(verifying);
    reference?.catch(() => undefined); // it may fail before, or after, anyone waits for it
    let candidate = await this.#fitting(await this.#attempt(true));
    if (candidate.rewrites === 0) {
      // As it came: what a pass did without saying so goes no further.
      const model = this.#attempts.copy();
      return this.#settle({ ...candidate, model }, { status: 'verified', method: 'unchanged' });
    }
    const { runtime } = this.#options;
    if (!verifying || !reference) return this.#settle(candidate, { status: 'skipped', method: 'none' });
    if (!runtime) return this.#giveUp('unverifiable', NO_RUNTIME);
    const { seed, onProgress } = this.#options;
    const prepared = await reference;
    const hint = 'why' in prepared ? {} : { hint: prepared.samples[0]!.binding };
    const verifier = new verifying.RegionVerifier(runtime, { seed, ...hint }, onProgress);
    const compare = 'why' in prepared ? undefined : (model: Model) => prepared.compare(verifying.runtimeForm(model));
    for (let round = 0; round < ROUNDS; round++) {
      const comparing = compare?.(candidate.model);
      comparing?.catch(() => undefined); // it is under way while the regions are made ready
      const outcome = await verifier.check(candidate.book!);
      const wrong = await this.#faults(candidate, outcome, prepared, comparing, compare);
      if (!Array.isArray(wrong)) return wrong;
      for (const fault of wrong) await this.#deny(fault, runtime);
      candidate = await this.#fitting(await this.#attempt(false));
    }
    return this.#giveUp('reverted', 'too many rewrites were refuted');
  }

  /** What has to be taken back; or the end, when nothing has. */
  async #faults(
    candidate: Candidate,
    outcome: RegionOutcome,
    reference: Reference | { readonly why: string },
    comparing: Promise<WholeComparison> | undefined,
    compare: Compare | undefined,
  ): Promise<Fault[] | Found> {
    if (outcome.refuted.length > 0) return [...outcome.refuted];
    if ('why' in reference || !comparing || !compare) {
      const why = 'why' in reference ? reference.why : '';
      if (candidate.rewrites > 0 && outcome.uncovered.length === 0) return this.#accept(candidate, outcome, reference);
      if (outcome.uncovered.length === candidate.rewrites) return this.#giveUp('unverifiable', why);
      return outcome.uncovered.map(({ record, why }) => ({ record, why: `it cannot be verified: ${why}` }));
    }
    this.#options.onProgress?.('comparing with the original');
    const comparison = await comparing;
    if (comparison.status === 'match') return this.#accept(candidate, outcome, reference, comparison);
    const record = await this.#culprit(compare, candidate);
    if (!record) return this.#giveUp('unverifiable', `the unchanged model ${comparison.why ?? 'differs from itself'}`);
    return [{ record, why: comparison.why ?? 'differs' }];
  }

  async #prepare({ planModel, Reference }: Verifying): Promise<Reference | { readonly why: string }> {
    const { runtime, samples, seed } = this.#options;
    if (!runtime) return { why: NO_RUNTIME };
    const { form, plan } = planModel(this.#original);
    return Reference.prepare(runtime, {
      model: form,
      plan,
      ...(samples !== undefined && { samples }),
      ...(seed !== undefined && { seed }),
    });
  }

  /** Runs the pipeline without what is denied. */
  #attempt(observed: boolean): Promise<Candidate> {
    const [pipeline, denied] = [this.#pipeline, this.#denied];
    return this.#attempts.run({ pipeline, denied, observed, book: this.#options.verify !== false });
  }

  /** Leaves out the passes that make the model grow too much, the worst first. */
  async #fitting(first: Candidate): Promise<Candidate> {
    let candidate = first;
    while (candidate.rewrites > 0) {
      const size = measureModel(candidate.model);
      if (size <= (this.#original.source.messageBytes ?? 0) + this.#options.growth) break;
      const allowed = measureModel(this.#original) + this.#options.growth;
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
    let size = measureModel(this.#original);
    await this.#attempts.run({
      pipeline: this.#pipeline,
      denied: this.#denied,
      afterPass: ({ pass, rewrites }, model) => {
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
  async #culprit(compare: Compare, candidate: Candidate): Promise<RewriteRecord | undefined> {
    const { first } = await findFirstBad(candidate.rewrites, async (limit) => {
      this.#options.onProgress?.(`searching the rewrite at fault: with ${limit} of ${candidate.rewrites}`);
      const attempt = await this.#attempts.run({ pipeline: this.#pipeline, denied: this.#denied, limit });
      return (await compare(attempt.model)).status === 'match';
    });
    return candidate.records[first - 1];
  }

  async #deny({ record, why, fault }: Fault, runtime: Runtime): Promise<void> {
    if (fault && !this.#runtimeFaults.has(fault)) {
      const { reportFault } = await import('./runtime-fault.js');
      const report = reportFault(fault, record, runtime);
      this.#runtimeFaults.set(fault, report);
      this.#options.onDiagnostic?.(report.diagnostic);
    }
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
      return this.#settle(
        candidate,
        { status: taken ?? 'regions', method: 'regions', ...why, ...regions },
        { outcome },
      );
    }
    const whole = wholeReport(reference, comparison.outputs);
    const method = outcome.regions > 0 ? 'whole+regions' : 'whole';
    return this.#settle(
      candidate,
      { status: taken ?? 'verified', method, ...regions, ...whole },
      { outcome, samples: reference.samples },
    );
  }

  /** The model as it came. */
  #giveUp(status: 'unverifiable' | 'reverted', why: string): Found {
    const model = this.#attempts.copy();
    return this.#settle({ model, runs: [], rewrites: 0, records: [] }, { status, method: 'none', why });
  }

  #settle(
    candidate: Candidate,
    partial: Pick<Verification, 'status' | 'method'> & Partial<Verification>,
    proof: Partial<Evidence> = {},
  ): Found {
    const evidence = { candidate, outcome: undefined, samples: [], ...proof };
    const verification = { samples: 0, bindings: [], outputs: [], regions: 0, distinctRegions: 0, ...partial };
    const runtimeFaults = [...this.#runtimeFaults.values()];
    return { candidate, reverted: this.#reverted, verification, evidence, runtimeFaults };
  }
}
