import { createInstalledRuntime } from '#platform';
import { findOperation, OPERATIONS } from '../../passes/operations.js';
import { checkWellFormed } from '../analysis/wellformed.js';
import { changesFunction, operationUnknown, optionUnused } from '../diagnostics/codes/recipe.js';
import { rewriteMismatch, rewriteUnverifiable } from '../diagnostics/codes/rewrite.js';
import { type Diagnostic, ResonnxError } from '../diagnostics/diagnostic.js';
import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import { abortable } from '../numerics/abortable.js';
import { type OperationCheck, type OperationVerification, verifyOperation } from '../numerics/operation.js';
import type { Runtime } from '../numerics/runtime.js';
import { settleNames } from '../onnx/naming.js';
import type { Equations, OperationOptions, OperationPass } from '../pass/operation.js';
import type { Semantics } from '../pass/pass.js';
import { Pipeline } from '../pass/pipeline.js';
import { runPipeline } from '../pass/run.js';
import { Parameters } from '../recipe/parameters.js';
import { type Operation, parseRecipe } from '../recipe/recipe.js';
import type { NumericArray } from '../tensor/array.js';
import { measureModel } from './encode.js';
import { countNodes, countOperators, type ParameterChanges, parameterChanges } from './report.js';
import { separation } from './rewrite-separate.js';
import { resolveTargets } from './rewrite-targets.js';

/** Options of {@link rewrite}. */
export interface RewriteOptions {
  /** Tensors that the recipe needs, by name, e.g. read from an npz file. */
  readonly parameters?: ReadonlyMap<string, NumericArray>;
  /** What the operations may do beyond preserving the function. */
  readonly allow?: readonly 'changes-function'[];
  /** `false` skips verification; the emitted model says so. */
  readonly verify?: boolean;
  readonly samples?: number;
  readonly seed?: number;
  /** What runs models; a process of onnxruntime of its own when absent. */
  readonly runtime?: Runtime;
  readonly signal?: AbortSignal;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly onProgress?: (what: string) => void;
}

/** What one operation of the recipe did. */
export interface OperationReport {
  readonly operation: string;
  readonly semantics: Semantics;
  /** Places that were rewritten, in the user's words. */
  readonly sites: readonly string[];
  /** What a named block computes before and after. */
  readonly equations: Equations;
  /** Floating point constants that came and went. */
  readonly parameters: ParameterChanges;
  readonly verification: OperationVerification | { readonly status: 'skipped' };
}

/** What {@link rewrite} did; the object of `rewrite --json` but for the file names. */
export interface RewriteReport {
  readonly schema: 'resonnx/rewrite@1';
  readonly nodes: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly parameters: { readonly before: number; readonly after: number };
  readonly operators: {
    readonly before: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
  };
  readonly operations: readonly OperationReport[];
  readonly verification: { readonly status: 'verified' | 'skipped' };
}

/** The rewritten model with the report on it. */
export interface Rewritten {
  readonly model: Model;
  readonly report: RewriteReport;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Carries out a recipe: one operation, or several in order, each verified before the next. The given model is not changed.
 * @throws ResonnxError `recipe/…` when the recipe cannot be understood, `rewrite/…` when an operation is refused, changes the function
 * without being allowed to, or does not give what it promises
 */
export async function rewrite(model: Model, recipe: unknown, options: RewriteOptions = {}): Promise<Rewritten> {
  const requests = parseRecipe(recipe);
  if (options.onDiagnostic) tellUnused(requests, options.onDiagnostic);
  const verify = options.verify ?? true;
  const owned = verify && !options.runtime ? createInstalledRuntime() : undefined;
  try {
    const chosen = verify ? (options.runtime ?? owned) : undefined;
    const runtime = chosen && abortable(chosen, options.signal);
    let current = copyOf(model);
    const operations: OperationReport[] = [];
    for (const operation of requests) {
      const done = await carryOut(current, operation, { ...options, runtime });
      current = done.model;
      operations.push(...done.reports);
    }
    return { model: current, report: reportOn(model, current, operations, verify), metadata: verify ? {} : UNVERIFIED };
  } finally {
    await owned?.close();
  }
}

/** The options with the runtime that verifies; without one nothing is. */
type Work = Omit<RewriteOptions, 'runtime'> & { readonly runtime: Runtime | undefined };

interface CarriedOut {
  readonly model: Model;
  readonly reports: readonly OperationReport[];
}

/** One operation of a recipe. Where it is refused on a model with operators that add inside, these are taken apart first. */
async function carryOut(model: Model, operation: Operation, work: Work): Promise<CarriedOut> {
  try {
    return await carryOutAsIs(model, operation, work);
  } catch (cause) {
    const separated = cause instanceof ResonnxError ? separation(model, operation, cause) : undefined;
    if (!separated) throw cause;
    const apart = await carryOutAsIs(model, separated.first, work);
    const done = await carryOutAsIs(apart.model, separated.next, work);
    return { model: done.model, reports: [...apart.reports, ...done.reports] };
  }
}

async function carryOutAsIs(model: Model, operation: Operation, work: Work): Promise<CarriedOut> {
  let current = model;
  const reports: OperationReport[] = [];
  for (const part of splitByGraph(resolveTargets(current, operation))) {
    work.signal?.throwIfAborted();
    work.onProgress?.(part.operation);
    const before = current;
    current = copyOf(before);
    const { pass, request } = requestOf(part, work);
    const sites = await apply(current, pass, request, work);
    settleNames(current);
    const what = { before, after: current, pass, request };
    const verification = work.runtime ? await check(work.runtime, { ...what, ...picked(work) }) : SKIPPED;
    reports.push({
      operation: pass.name,
      semantics: pass.semanticsOf(request),
      sites,
      equations: pass.equations(request),
      parameters: parameterChanges(before, current),
      verification,
    });
  }
  return { model: current, reports };
}

function picked({ samples, seed }: Work): Pick<OperationCheck, 'samples' | 'seed'> {
  return { ...(samples !== undefined && { samples }), ...(seed !== undefined && { seed }) };
}

/** One operation for each graph that holds sites of it, bodies first: each is carried out and verified in its own graph. */
function splitByGraph(operation: Operation): readonly Operation[] {
  const { sites = [] } = operation.targets;
  const paths = new Set(sites.map(({ subgraph }) => subgraph ?? 'main'));
  if (paths.size < 2) return [operation];
  const main = paths.delete('main') ? ['main'] : [];
  return [...paths, ...main].map((path) => {
    const own = sites.filter(({ subgraph }) => (subgraph ?? 'main') === path);
    return { ...operation, targets: { ...operation.targets, sites: own } };
  });
}

const SKIPPED = { status: 'skipped' } as const;
const UNVERIFIED: Readonly<Record<string, string>> = { 'resonnx.verification': 'skipped' };

function copyOf(model: Model): Model {
  const copy = cloneModel(model);
  copy.source = model.source;
  return copy;
}

function requestOf(operation: Operation, options: Work): { pass: OperationPass; request: OperationOptions } {
  const at = { path: operation.operation };
  const pass = findOperation(operation.operation);
  if (!pass)
    throw new ResonnxError([
      operationUnknown(
        at,
        operation.operation,
        OPERATIONS.map(({ name }) => name),
      ),
    ]);
  const request = { operation, parameters: new Parameters(options.parameters ?? new Map()) };
  const allowed = options.allow?.includes('changes-function') ?? false;
  if (pass.semanticsOf(request) === 'changes-function' && !allowed)
    throw new ResonnxError([changesFunction(at, pass.name)]);
  return { pass, request };
}

/** Options that an operation does not know change nothing: a misspelt one would pass for one that is kept. */
function tellUnused(requests: readonly Operation[], tell: (diagnostic: Diagnostic) => void): void {
  for (const { operation, options } of requests) {
    const known = findOperation(operation)?.optionNames ?? Object.keys(options);
    for (const name of Object.keys(options))
      if (!known.includes(name)) tell(optionUnused({ path: operation }, name, known));
  }
}

async function apply(
  model: Model,
  pass: OperationPass,
  request: OperationOptions,
  options: Work,
): Promise<readonly string[]> {
  const sites: string[] = [];
  await runPipeline(model, new Pipeline().run(pass, request), {
    ...(options.signal && { signal: options.signal }),
    ...(options.onDiagnostic && { onDiagnostic: options.onDiagnostic }),
    onRewrite: (record) => sites.push(record.at),
  });
  checkWellFormed(model);
  return sites;
}

async function check(runtime: Runtime, what: OperationCheck): Promise<OperationVerification> {
  const result = await verifyOperation(runtime, what);
  const at = { path: what.pass.name };
  if (result.status === 'mismatch') throw new ResonnxError([rewriteMismatch(at, result.why ?? 'the outputs differ')]);
  if (result.status === 'unverifiable')
    throw new ResonnxError([rewriteUnverifiable(at, result.why ?? 'nothing could be run')]);
  return result;
}

function reportOn(
  before: Model,
  after: Model,
  operations: readonly OperationReport[],
  verified: boolean,
): RewriteReport {
  return {
    schema: 'resonnx/rewrite@1',
    nodes: { before: countNodes(before), after: countNodes(after) },
    bytes: { before: measureModel(before), after: measureModel(after) },
    parameters: { before: countParameters(before), after: countParameters(after) },
    operators: { before: countOperators(before), after: countOperators(after) },
    operations,
    verification: { status: verified ? 'verified' : 'skipped' },
  };
}

/** Elements of all constants that are floating point: what training would change. */
function countParameters(model: Model): number {
  let count = 0;
  for (const tensor of tensorsOf(model)) if (/float/.test(tensor.dtype)) count += tensor.size;
  return count;
}
