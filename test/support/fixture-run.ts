import { findPass } from '../../passes/index.js';
import { checkWellFormed } from '../../src/analysis/wellformed.js';
import { type Diagnostic, ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { labelOf } from '../../src/ir/path.js';
import { encodeWhole } from '../../src/onnx/bytes.js';
import { type Comparison, compareArrays, EXACT, type Tolerance } from '../../src/numerics/compare.js';
import { createEvaluator } from '../../src/numerics/evaluator.js';
import { fillProbe } from '../../src/numerics/probes.js';
import { createRandom } from '../../src/numerics/random.js';
import type { Port, Runtime, Session } from '../../src/numerics/runtime.js';
import { derivedTolerance } from '../../src/numerics/tolerance.js';
import type { Semantics, Target } from '../../src/pass/pass.js';
import { Pipeline } from '../../src/pass/pipeline.js';
import { type AnyPass, runPipeline } from '../../src/pass/run.js';
import { isTyped, type NumericArray, toFloat64 } from '../../src/tensor/array.js';
import { isFloat } from '../../src/tensor/dtype.js';
import type { Fixture, InputSpec } from './fixtures.js';
import { modelOf, textOf } from './model.js';

/** What was compared of one output. */
export interface OutputNumbers {
  readonly name: string;
  readonly type: string;
  readonly tolerance: Tolerance;
  readonly comparison: Comparison;
}

/** What came of a fixture. */
export interface FixtureResult {
  readonly before: string;
  readonly after: string;
  readonly rewrites: number;
  /** Rewrites and refusals of the pass under test, one line each. */
  readonly events: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** Absent where nothing was changed. */
  readonly numbers: readonly OutputNumbers[] | undefined;
}

/** Runs the passes of a fixture with all invariants checked, and both models in the runtime. */
export async function runFixture(fixture: Fixture, runtime: Runtime): Promise<FixtureResult> {
  const model = modelOf(fixture.text);
  const original = encodeWhole(model).toBytes();
  const before = textOf(model);
  const events: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const passes = fixture.passes.map(passOf);
  let rewrites = 0;
  try {
    const pipeline = passes.reduce((all, pass) => all.run(pass), new Pipeline());
    const result = await runPipeline(model, pipeline, {
      evaluator: createEvaluator(() => runtime),
      maxGrowth: fixture.growth,
      ...(fixture.target !== undefined && { target: fixture.target as Target }),
      verifyEach: true,
      onRewrite: ({ pass, rule, at }) =>
        void (pass === fixture.folder && events.push(`rewrote: \`${rule}\` at \`${at}\``)),
      onDeclined: ({ pass, rule, node, reason, matched }) =>
        void (
          pass === fixture.folder &&
          events.push(`declined: \`${rule}\` at \`${labelOf(node)}\`: ${reason} (after ${matched} nodes)`)
        ),
      onDiagnostic: (diagnostic) => void diagnostics.push(diagnostic),
    });
    rewrites = result.passes.at(-1)?.rewrites ?? 0;
  } catch (error) {
    if (!(error instanceof ResonnxError)) throw error;
    diagnostics.push(...error.diagnostics);
  }
  checkWellFormed(model);
  const after = textOf(model);
  const semantics = weakest(passes);
  const numbers = await numbersOf(fixture, runtime, original, encodeWhole(model).toBytes(), semantics);
  return { before, after, rewrites, events, diagnostics, numbers };
}

function passOf(name: string): AnyPass {
  const pass = findPass(name);
  if (!pass) throw new Error(`no pass is called ${name}`);
  return pass;
}

function weakest(passes: readonly AnyPass[]): Semantics {
  return passes.every((pass) => pass.semantics === 'exact') ? 'exact' : (passes.at(-1)?.semantics ?? 'exact');
}

/** Both models on the same inputs; of a model that did not change, that the runtime can run it. */
export async function numbersOf(
  fixture: Fixture,
  runtime: Runtime,
  original: Uint8Array,
  rewritten: Uint8Array,
  semantics: Semantics,
): Promise<readonly OutputNumbers[] | undefined> {
  if (fixture.unrunnable !== undefined) return undefined;
  const session = await runtime.open(original, { optimization: 'disabled' });
  const feeds = feedsOf(fixture, session);
  const expected = await session.run(feeds);
  await session.release();
  if (Buffer.compare(original, rewritten) === 0) return undefined;
  const other = await runtime.open(rewritten, { optimization: 'disabled' });
  const actual = await other.run(feeds);
  await other.release();
  return Object.entries(expected).map(([name, array]) => {
    const tolerance = semantics === 'exact' ? EXACT : (fixture.tolerance ?? toleranceFor(array, feeds));
    const type = `${array.dtype}[${array.shape.join(', ')}]`;
    return { name, type, tolerance, comparison: compareArrays(array, actual[name]!, tolerance) };
  });
}

/** For fixtures that state none: a sum over all elements of the largest input, ten operators deep, at the scale of the output. */
function toleranceFor(output: NumericArray, feeds: Readonly<Record<string, NumericArray>>): Tolerance {
  if (!isTyped(output.data) || !isFloat(output.dtype)) return EXACT;
  const reduction = Math.max(1, ...Object.values(feeds).map((array) => array.data.length));
  const scale = toFloat64(output).reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  return derivedTolerance({ dtype: output.dtype, reduction, depth: 10, scale });
}

const SIZES = [2, 3, 5, 4, 7, 6];

function feedsOf(fixture: Fixture, session: Session): Record<string, NumericArray> {
  const dims = new Map(fixture.dims);
  const size = (dim: number | string | null): number => {
    if (typeof dim === 'number') return dim;
    if (dim === null) return 2;
    const known = dims.get(dim) ?? SIZES[dims.size % SIZES.length]!;
    dims.set(dim, known);
    return known;
  };
  for (const name of fixture.inputs.keys()) {
    if (!session.inputs.some((port) => port.name === name)) throw new Error(`the model has no input ${name}`);
  }
  return Object.fromEntries(
    session.inputs.map((port) => [port.name, feedOf(port, fixture.inputs.get(port.name), size)]),
  );
}

function feedOf(
  { name, dtype = 'float32', shape = [] }: Port,
  spec: InputSpec | undefined,
  size: (dim: number | string | null) => number,
): NumericArray {
  const probe =
    spec?.probe ?? (isFloat(dtype) ? { kind: 'normal', mean: 0, std: 1 } : { kind: 'integers', low: 0n, high: 1n });
  return fillProbe(probe, dtype, shape.map(size), createRandom(spec?.seed ?? 1, name));
}
