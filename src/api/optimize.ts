import { startRuntime } from '#platform';
import { optimizePipeline } from '../../passes/presets.js';
import { opsetUnsupported, unknownPass } from '../diagnostics/codes/optimize.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import type { Shape } from '../ir/type.js';
import { abortable } from '../numerics/abortable.js';
import { createEvaluator } from '../numerics/evaluator.js';
import { FLOAT64, type Runtime } from '../numerics/runtime.js';
import type { Declined, OpsetPolicy, Target } from '../pass/pass.js';
import type { Pipeline } from '../pass/pipeline.js';
import type { AnyPass, PassRun } from '../pass/run.js';
import { inferBound } from './bind.js';
import { measureModel } from './encode.js';
import { countNodes, countOperators, type OptimizeReport, summarizePasses, withoutRuntime } from './report.js';
import type { Evidence } from './certificate.js';
import type { RuntimeFaultReport } from './runtime-fault.js';
import { type Found, Search } from './search.js';

/** Options of {@link optimize}. */
export interface OptimizeOptions {
  /** Operators of which domain may be added; `standard` when absent. */
  readonly target?: Target;
  /** What may become of the opset of the default domain; `auto` when absent. */
  readonly opset?: OpsetPolicy;
  /** Names of passes to leave out. */
  readonly skip?: readonly string[];
  /** Names of the only passes to run. */
  readonly only?: readonly string[];
  /** Bytes by which the emitted model may grow, 1 KiB of metadata aside; 0 when absent. */
  readonly maxGrowth?: number;
  /** Sizes that inputs get for good; `null` keeps a dim. */
  readonly shapes?: ReadonlyMap<string, Shape>;
  /** Instead of the optimizing pipeline. */
  readonly pipeline?: Pipeline;
  /** `false` skips verification; the emitted model says so. */
  readonly verify?: boolean;
  readonly samples?: number;
  readonly seed?: number;
  /** What runs models; a process of onnxruntime of its own when absent, and nothing where `verify` is off. */
  readonly runtime?: Runtime;
  readonly signal?: AbortSignal;
  /** Clock in milliseconds for the times in the report. */
  readonly clock?: () => number;
  readonly verifyEach?: boolean;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly onDeclined?: (declined: Declined) => void;
  /** Before each pass and each step of verification, in a few words. */
  readonly onProgress?: (what: string) => void;
  /** After each pass of the first run of the pipeline; returning `false` ends the pipeline there. */
  readonly afterPass?: (run: PassRun, model: Model) => boolean | void;
}

/** The optimized model with the report on it. */
export interface Optimized {
  readonly model: Model;
  readonly report: OptimizeReport;
  /** What the emitted model has to say about itself: that it is not verified. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a certificate is made from. */
  readonly evidence: Evidence;
  /** Wrong results of the runtime that verification came across. */
  readonly runtimeFaults: readonly RuntimeFaultReport[];
}

/** Operations that the evaluator may spend on folding constants where no runtime is at hand. */
const FOLD_LIMIT = 2 ** 26;

/** Bytes that metadata may take beyond the growth that is allowed. */
const METADATA = 1024;

/**
 * Runs the optimizing pipeline and verifies what comes out; rewrites that verification refutes are taken back. The given model is not
 * changed. Where no runtime is installed, small models are evaluated in float64; what cannot be run passes through unchanged with the
 * status `unverifiable`.
 * @throws ResonnxError `optimize/unknown-pass`, `optimize/opset`, `shape/binding`; InvariantError where a pass breaks the model
 */
export async function optimize(model: Model, options: OptimizeOptions = {}): Promise<Optimized> {
  const pipeline = choosePasses(options.pipeline ?? optimizePipeline, options);
  const original = options.shapes ? bindShapes(model, options.shapes) : model;
  const owned = options.runtime || options.verify === false ? undefined : startRuntime();
  try {
    const chosen = options.runtime ?? owned;
    const runtime = chosen && abortable(chosen, options.signal);
    const search = new Search(original, pipeline, {
      ...options,
      growth: (options.maxGrowth ?? 0) + METADATA,
      evaluator: createEvaluator(() => runtime ?? createFolder()),
      ...(runtime && { runtime }),
    });
    const found = await search.run();
    checkOpset(original, found.candidate.model, options.opset);
    const verification = owned?.name === FLOAT64 ? withoutRuntime(found.verification) : found.verification;
    return finish(original, { ...found, verification });
  } finally {
    await owned?.close();
  }
}

/** What folds constants where no runtime is started; few models have constants to fold. */
async function createFolder(): Promise<Runtime> {
  const { createFloat64Runtime } = await import('../numerics/float64.js');
  return createFloat64Runtime(FOLD_LIMIT, true);
}

function checkOpset(original: Model, result: Model, wanted: OpsetPolicy | undefined): void {
  if (typeof wanted === 'number' && wanted !== result.opsets.get('')) {
    throw new ResonnxError([opsetUnsupported(String(wanted), original.opsets.get(''))]);
  }
}

/** The pipeline without what is skipped. @throws ResonnxError `optimize/unknown-pass` */
export function choosePasses(
  pipeline: Pipeline,
  { skip = [], only }: { readonly skip?: readonly string[]; readonly only?: readonly string[] },
): Pipeline {
  const unknown = [...skip, ...(only ?? [])].find((name) => !pipeline.names.includes(name));
  if (unknown !== undefined) throw new ResonnxError([unknownPass(unknown, pipeline.names)]);
  const keep = (pass: AnyPass): boolean => !skip.includes(pass.name) && (only?.includes(pass.name) ?? true);
  return pipeline.filter(keep);
}

/** A copy whose inputs have these sizes for good. */
function bindShapes(model: Model, shapes: ReadonlyMap<string, Shape>): Model {
  const types = inferBound(model, shapes);
  const copy = cloneModel(model);
  copy.source = model.source;
  model.graph.inputs.forEach((slot, index) => {
    const type = types.of(slot.value);
    if (shapes.has(slot.name) && type) copy.graph.setInputType(index, type);
  });
  return copy;
}

function finish(original: Model, { candidate, reverted, verification, evidence, runtimeFaults }: Found): Optimized {
  const { model } = candidate;
  const measured = original.source.messageBytes ?? measureModel(original);
  const before = original.source.bytes > 0 ? original.source.bytes : measured;
  const unverified = verification.status === 'skipped' && candidate.rewrites > 0;
  return {
    model,
    evidence,
    runtimeFaults,
    metadata: unverified ? { 'resonnx.verification': verification.status } : {},
    report: {
      schema: 'resonnx/optimize@1',
      nodes: { before: countNodes(original), after: countNodes(model) },
      bytes: { before, after: before + measureModel(model) - measured },
      operators: { before: countOperators(original), after: countOperators(model) },
      passes: summarizePasses(candidate.runs),
      reverted,
      verification,
    },
  };
}
