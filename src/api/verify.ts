import { createInstalledRuntime, startRuntime } from '#platform';
import type { Model } from '../ir/model.js';
import type { Shape } from '../ir/type.js';
import { abortable } from '../numerics/abortable.js';
import type { Feeds } from '../numerics/inputs.js';
import { defaultsOf, planModel } from '../numerics/plan.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import { FLOAT64, type Optimization, type Runtime } from '../numerics/runtime.js';
import { compareLocally } from '../numerics/local.js';
import { Reference, type WholeComparison } from '../numerics/whole.js';
import type { ReplayReport } from './replay.js';
import { type Verification, wholeReport, withoutRuntime } from './report.js';

/** Options of {@link verify}. */
export interface VerifyOptions {
  /** Inputs to run on; made by ourselves when absent. */
  readonly feeds?: readonly Feeds[];
  /** Inputs to make; 3 when absent. */
  readonly samples?: number;
  readonly seed?: number;
  /** Sizes of inputs by name; `null` leaves a dim open. */
  readonly shapes?: ReadonlyMap<string, Shape>;
  /** Also compares what users run: both models with the runtime's own optimizations. */
  readonly checkLevels?: boolean;
  readonly runtime?: Runtime;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string) => void;
}

/** How both models fare under the runtime's own optimizations, each against the first model without them. */
export interface LevelReport {
  readonly level: Optimization;
  readonly original: 'match' | 'mismatch';
  readonly result: 'match' | 'mismatch';
  readonly why?: string;
}

/** What {@link verify} found; the object of `verify --json`. */
export interface VerifyReport {
  readonly schema: 'resonnx/verify@1';
  readonly verification: Verification;
  readonly levels?: readonly LevelReport[];
  /** With a certificate: what became of its rewrites. */
  readonly certificate?: ReplayReport;
}

const LEVELS: readonly Optimization[] = ['basic', 'extended', 'all'];

/**
 * Runs both models on the same inputs, the runtime's optimizations off, and judges the differences by the rounding noise of the first.
 * Where no runtime is installed, small models are evaluated in float64.
 * @throws ResonnxError `runtime/missing` for levels of optimization, and in a browser that gives none; the reason of `signal` when it
 * is aborted
 */
export async function verify(a: Model, b: Model, options: VerifyOptions = {}): Promise<VerifyReport> {
  const chosen = options.runtime ?? (options.checkLevels ? undefined : startRuntime()) ?? createInstalledRuntime();
  const runtime = abortable(chosen, options.signal);
  const said = (verification: Verification): Verification =>
    !options.runtime && chosen.name === FLOAT64 ? withoutRuntime(verification) : verification;
  try {
    const { shapes, feeds, samples, seed, onProgress } = options;
    onProgress?.('running the first model');
    const { form, plan } = planModel(a, shapes ? { shapes } : {});
    const reference = await Reference.prepare(runtime, {
      model: form,
      plan,
      ...(feeds && { feeds: feeds.map((each) => withDefaults(each, a)) }),
      ...(samples !== undefined && { samples }),
      ...(seed !== undefined && { seed }),
    });
    if ('why' in reference) return { schema: 'resonnx/verify@1', verification: said(unverifiable(reference.why)) };
    onProgress?.('running the second model');
    const second = runtimeForm(b);
    const whole = await reference.compare(second);
    const sources = [form, second] as const;
    const local = await localVerdict(runtime, [a, b], reference, whole, options);
    const levels = options.checkLevels ? await checkLevels(reference, sources, options) : undefined;
    return {
      schema: 'resonnx/verify@1',
      verification: said(conclude(reference, local, levels ?? [])),
      ...(levels && { levels }),
    };
  } finally {
    if (!options.runtime) await chosen.close();
  }
}

/**
 * What the outputs do not show may show where the models part; whole runs come first, and alone decide on other networks and on
 * inputs that are given.
 */
async function localVerdict(
  runtime: Runtime,
  [a, b]: readonly [Model, Model],
  reference: Reference,
  whole: WholeComparison,
  { feeds, seed = 0, onProgress }: VerifyOptions,
): Promise<WholeComparison> {
  if (whole.status === 'mismatch' || feeds) return whole;
  onProgress?.('comparing the places where the models part');
  const { why } = await compareLocally(runtime, a, b, reference.samples[0]?.binding ?? new Map(), seed);
  return why === undefined ? whole : { ...whole, status: 'mismatch', why };
}

/** Compares under each level of the runtime's optimizations; a level under which the first model itself is wrong proves nothing. */
export async function checkLevels(
  reference: Reference,
  [original, result]: readonly [Model, Model],
  { onProgress }: Pick<VerifyOptions, 'onProgress'> = {},
): Promise<readonly LevelReport[]> {
  const reports: LevelReport[] = [];
  for (const level of LEVELS) {
    onProgress?.(`comparing at optimization level ${level}`);
    const first = await reference.compare(original, level);
    const second = await reference.compare(result, level);
    const why = second.why ?? first.why;
    reports.push({ level, original: first.status, result: second.status, ...(why !== undefined && { why }) });
  }
  return reports;
}

/** Inputs that are left out have their defaults. */
function withDefaults(feeds: Feeds, model: Model): Feeds {
  const missing = [...defaultsOf(model)].filter(([name]) => !Object.hasOwn(feeds, name));
  return { ...feeds, ...Object.fromEntries(missing.map(([name, tensor]) => [name, tensor.array()])) };
}

function conclude(reference: Reference, whole: WholeComparison, levels: readonly LevelReport[]): Verification {
  const level = levels.find((each) => each.original === 'match' && each.result === 'mismatch');
  const why = whole.why ?? (level && `at optimization level ${level.level} ${level.why}`);
  return {
    status: why === undefined ? 'verified' : 'mismatch',
    method: 'whole',
    regions: 0,
    distinctRegions: 0,
    ...(why !== undefined && { why }),
    ...wholeReport(reference, whole.outputs),
  };
}

function unverifiable(why: string): Verification {
  return {
    status: 'unverifiable',
    method: 'none',
    why,
    samples: 0,
    bindings: [],
    outputs: [],
    regions: 0,
    distinctRegions: 0,
  };
}
