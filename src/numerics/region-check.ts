import type { NumericArray } from '../tensor/array.js';
import { crispOutputs } from './crisp.js';
import { type Binding, type Feeds, makeFeeds } from './inputs.js';
import { type JudgedRow, type Judgement, judge } from './judge.js';
import { perturb } from './perturb.js';
import type { Region } from './region.js';
import { planRegion, probeFeeds, probesFor } from './region-probe.js';
import { roundingFloor } from './rounding.js';
import { isLack, type Runtime, RuntimeRefusal, RuntimeTimeout, type Session } from './runtime.js';
import { sampleModel } from './sample.js';
import type { RuntimeFault, SecondOpinion } from './second-opinion.js';
import { oneLine } from './whole.js';

/** What the check of one region came to. */
export interface RegionVerdict {
  readonly status: 'verified' | 'mismatch' | 'uncovered';
  readonly why?: string;
  /** The probe on which the sides differ. */
  readonly probe?: string;
  /** Largest difference, relative to the largest element, over all probes. */
  readonly maxRel: number;
  /** Rounding noise of the first side, where it was measured. */
  readonly noiseFloor: number;
  /** Largest difference over what was allowed for it. */
  readonly excess?: number;
  /** Largest difference of an element on the probe on which the sides differ. */
  readonly maxAbs?: number;
  /** Of a mismatch: no rounding makes it, since float64 shows it as well or both sides round alike. */
  readonly differs?: boolean;
  /** Inputs that both sides ran on. */
  readonly runs: number;
  /** Sizes that the first side runs on. */
  readonly binding: Binding;
  /** What ran both sides: the runtime, or the evaluator in float64 where the runtime does not run the first side. */
  readonly method: RegionMethod;
  /** Of a mismatch: the sides are equal in float64, and the runtime is off on one of them. */
  readonly fault?: RuntimeFault;
}

/** See {@link RegionVerdict}. */
export type RegionMethod = 'runtime' | 'float64';

type Outputs = Readonly<Record<string, NumericArray>>;

/** Seeds of the perturbations by which noise is measured; later ones are used where the first excuses nothing. */
export const NOISE_SEEDS = [11, 12, 13];

/** How a region is checked. */
export interface CheckOptions {
  /** On all probes and several sizes; else on one ordinary input. */
  readonly thorough: boolean;
  readonly seed: number;
  /** Sizes of the model's symbols on which the whole runs. */
  readonly hint: Binding;
  /** Also on values at the edges of what operators do. */
  readonly edges?: boolean;
  /** Both sides are the same operators and round alike: only measured noise excuses a difference. */
  readonly alike?: boolean;
}

/** Outputs of both sides by name, for the judge. */
export function rowsOf(
  expected: Outputs,
  actual: Outputs,
  noise: readonly Outputs[],
  finite: boolean,
): readonly JudgedRow[] {
  return Object.entries(expected).map(([name, array]) => ({
    expected: array,
    actual: actual[name],
    noise: noise.map((run) => run[name]!),
    finite,
  }));
}

/** Operations that the evaluator may spend on one side of a region on one input. */
const REGION_LIMIT = 2 ** 24;

/**
 * Runs both sides of a region on all its probes, or (`thorough` false) on one ordinary input, and compares. Where the runtime does not
 * run one side, the evaluator decides.
 */
export async function checkRegion(runtime: Runtime, region: Region, options: CheckOptions): Promise<RegionVerdict> {
  const found = await runRegion(runtime, region, options, 'runtime');
  if (found.status !== 'uncovered' || !found.refused) return found;
  const { createFloat64Runtime } = await import('./float64.js'); // few runs come to need it
  const evaluated = await runRegion(createFloat64Runtime(REGION_LIMIT), region, options, 'float64');
  return evaluated.status === 'uncovered' ? found : evaluated;
}

async function runRegion(
  runtime: Runtime,
  region: Region,
  options: CheckOptions,
  method: RegionMethod,
): Promise<RegionVerdict & { readonly refused?: boolean }> {
  const opened: Session[] = [];
  const open = async (model: Region['before']): Promise<Session> => {
    const session = await runtime.open(model, { optimization: 'disabled' });
    opened.push(session);
    return session;
  };
  try {
    const first = await open(region.before);
    let second: Session;
    try {
      second = await open(region.after);
    } catch (cause) {
      return failure(region, cause, 'the runtime refuses what came in its place');
    }
    return await new Trial(region, first, second, { ...options, method }).run();
  } catch (cause) {
    if (cause instanceof RuntimeTimeout) return verdict('uncovered', cause.message);
    if (cause instanceof RuntimeRefusal) return { ...verdict('uncovered', cause.message), refused: true };
    throw cause;
  } finally {
    for (const session of opened) await session.release();
  }
}

/** A second side that is not accepted is at fault only when the runtime says so of operators that it knows. */
function failure(region: Region, cause: unknown, what: string): RegionVerdict & { readonly refused?: boolean } {
  if (cause instanceof RuntimeTimeout) return verdict('uncovered', cause.message);
  if (!(cause instanceof RuntimeRefusal)) throw cause;
  if (isLack(cause)) return { ...verdict('uncovered', cause.message), refused: true };
  return { ...verdict('mismatch', `${what}: ${cause.message}`), probe: region.record.rule };
}

function verdict(status: RegionVerdict['status'], why?: string): RegionVerdict {
  const empty = {
    status,
    maxRel: 0,
    noiseFloor: 0,
    runs: 0,
    binding: new Map<string, number>(),
    method: 'runtime',
  } as const;
  return why === undefined ? empty : { ...empty, why: oneLine(why) };
}

/** One region with both sessions open. */
class Trial {
  readonly #region: Region;
  readonly #first: Session;
  readonly #second: Session;
  readonly #options: CheckOptions & { readonly method: RegionMethod };
  #maxRel = 0;
  #noiseFloor = 0;
  #excess = 0;
  #runs = 0;

  constructor(
    region: Region,
    first: Session,
    second: Session,
    options: CheckOptions & { readonly method: RegionMethod },
  ) {
    this.#region = region;
    this.#first = first;
    this.#second = second;
    this.#options = options;
  }

  async run(): Promise<RegionVerdict> {
    const { thorough, seed, hint, edges = false } = this.#options;
    const plan = planRegion(this.#region);
    const { samples, refusal } = await sampleModel(this.#first, plan, {
      count: thorough ? 3 : 1,
      seed,
      hint,
      edges,
      limitMs: 10_000,
    });
    const base = samples[0];
    if (!base) throw refusal ?? new RuntimeRefusal('feeds', 'no inputs were found that it takes');
    for (const sample of samples) {
      const wrong = await this.#compare('ordinary values', sample.feeds, sample.outputs, sample.binding);
      if (wrong) return wrong;
    }
    const ordinary = thorough ? makeFeeds(plan, base.binding, seed) : {};
    for (const probe of thorough ? probesFor(this.#region.semantics) : []) {
      const feeds = probeFeeds(plan, probe, { region: this.#region, base: base.binding, ordinary, seed });
      const outputs = feeds && (await attempt(this.#first, feeds));
      if (!feeds || !outputs) continue;
      const wrong = await this.#compare(probe.name, feeds, outputs, probe.binding(base.binding, this.#region));
      if (wrong) return wrong;
    }
    return { ...this.#measured(base.binding), status: 'verified' };
  }

  #measured(binding: Binding): Omit<RegionVerdict, 'status'> {
    const { method } = this.#options;
    const [maxRel, noiseFloor, excess, runs] = [this.#maxRel, this.#noiseFloor, this.#excess, this.#runs];
    return { maxRel, noiseFloor, excess, runs, binding, method };
  }

  /** A verdict when the second side is wrong on these feeds. */
  async #compare(probe: string, feeds: Feeds, expected: Outputs, binding: Binding): Promise<RegionVerdict | undefined> {
    let actual: Outputs;
    try {
      actual = await this.#second.run(feeds);
    } catch (cause) {
      return { ...failure(this.#region, cause, 'the runtime refuses to run what came in its place'), probe };
    }
    this.#runs++;
    const judgement = await this.#judge(feeds, expected, actual, binding);
    this.#maxRel = Math.max(this.#maxRel, judgement.maxRel);
    this.#noiseFloor = Math.max(this.#noiseFloor, judgement.noiseFloor);
    if (judgement.maxRel > 0) this.#excess = Math.max(this.#excess, judgement.maxRel / judgement.tolerance);
    if (judgement.ok) return undefined;
    const opinion = await this.#secondOpinion(feeds, expected, actual, binding);
    if (opinion.kind === 'rounding' && this.#region.semantics !== 'exact') {
      this.#noiseFloor = Math.max(this.#noiseFloor, opinion.noise);
      return undefined;
    }
    const differs = opinion.kind === 'differ' || this.#options.alike === true;
    const wrong = { ...this.#measured(binding), status: 'mismatch', probe, maxAbs: judgement.maxAbs, differs } as const;
    const why = `on ${probe} it ${judgement.why ?? 'differs'}`;
    if (opinion.kind === 'unstable') return { ...wrong, why: `${why}, for it rounds worse than what was there` };
    if (opinion.kind !== 'fault') return { ...wrong, why };
    const { fault } = opinion;
    const what = fault.side === 'before' ? 'what was there' : 'what came in its place';
    return { ...wrong, fault, why: `${why}; in float64 it does not: the runtime computes ${what} wrong` };
  }

  /** Nothing where float64 was the method to begin with. */
  async #secondOpinion(feeds: Feeds, expected: Outputs, actual: Outputs, binding: Binding): Promise<SecondOpinion> {
    if (this.#options.method === 'float64' || this.#options.alike) return { kind: 'none' };
    const { secondOpinion } = await import('./second-opinion.js');
    const floor = roundingFloor(this.#region, binding);
    return secondOpinion(this.#region, { feeds, expected, actual, floor });
  }

  async #judge(feeds: Feeds, expected: Outputs, actual: Outputs, binding: Binding): Promise<Judgement> {
    const exact = this.#region.semantics === 'exact';
    const crisp = crispOutputs(this.#region.before);
    const rows = (noise: readonly Outputs[]): readonly JudgedRow[] =>
      rowsOf(expected, actual, noise, !exact).map((row, i) =>
        crisp.has(Object.keys(expected)[i]!) ? { ...row, noise: [] } : row,
      );
    let judgement = judge(rows([]), exact ? 'identical' : 0);
    if (exact || judgement.identical) return judgement;
    const floor = this.#options.alike ? 0 : roundingFloor(this.#region, binding);
    judgement = judge(rows([]), floor);
    const noise: Outputs[] = [];
    for (const seed of NOISE_SEEDS) {
      if (noise.length > 0 && judgement.ok) break;
      const run = await attempt(this.#first, perturb(feeds, seed));
      if (run) noise.push(run);
      judgement = judge(rows(noise), floor);
    }
    return judgement;
  }
}

/** Outputs, or nothing when the runtime refuses the feeds. */
async function attempt(session: Session, feeds: Feeds): Promise<Outputs | undefined> {
  try {
    return await session.run(feeds);
  } catch (cause) {
    if (cause instanceof RuntimeRefusal) return undefined;
    throw cause;
  }
}
