import type { Model } from '../ir/model.js';
import type { OutputComparison, Reference } from '../numerics/whole.js';
import type { Semantics } from '../pass/pass.js';
import type { PassRun } from '../pass/run.js';
import { isFloat } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';

/** How much of one pass a pipeline ran, over all its runs. */
export interface PassReport {
  readonly name: string;
  readonly semantics: Semantics;
  readonly rewrites: number;
  readonly ms: number;
}

/** A rewrite that was taken back. */
export interface Reverted {
  readonly pass: string;
  /** Path of the rewrite's root in the user's model. */
  readonly site: string;
  readonly why: string;
}

/** What was compared for one output, over all samples. */
export interface OutputReport {
  readonly name: string;
  readonly maxAbs: number;
  /** Relative to the largest element that was expected. */
  readonly maxRel: number;
  /** What rounding noise makes of `maxRel` in the original; `null` when the outputs are equal and it was not measured. */
  readonly noiseFloor: number | null;
  readonly excluded?: 'nondeterministic';
}

/**
 * `verified` · `regions`: no runtime runs the whole, every rewrite is verified by itself · `reverted`: part of the work was taken back,
 * what is emitted is verified · `mismatch` · `skipped`: the user asked · `unverifiable`: nothing could be run.
 */
export interface Verification {
  readonly status: 'verified' | 'regions' | 'reverted' | 'mismatch' | 'skipped' | 'unverifiable';
  readonly method: 'whole' | 'regions' | 'whole+regions' | 'unchanged' | 'none';
  readonly why?: string;
  readonly samples: number;
  readonly bindings: readonly Readonly<Record<string, number>>[];
  readonly outputs: readonly OutputReport[];
  readonly regions: number;
  readonly distinctRegions: number;
}

/** What `optimize` did; the object of `optimize --json` but for the file names. */
export interface OptimizeReport {
  readonly schema: 'resonnx/optimize@1';
  readonly nodes: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly operators: {
    readonly before: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
  };
  readonly passes: readonly PassReport[];
  readonly reverted: readonly Reverted[];
  readonly verification: Verification;
}

/** Why nothing can be run. */
export const NO_RUNTIME = 'neither onnxruntime-node nor onnxruntime-web is installed or given';

/** What came of evaluating where no runtime is installed, with that said. */
export function withoutRuntime(verification: Verification): Verification {
  const { why, method } = verification;
  if (method === 'unchanged') return verification;
  const what = why === undefined ? 'the models were evaluated in float64' : `in float64: ${why}`;
  return { ...verification, why: `${NO_RUNTIME}; ${what}` };
}

/** The part of {@link Verification} that a comparison of whole models gives. */
export function wholeReport(
  reference: Reference,
  outputs: readonly OutputComparison[],
): Pick<Verification, 'samples' | 'bindings' | 'outputs'> {
  return {
    samples: reference.samples.length,
    bindings: reference.samples.map(({ binding }) => Object.fromEntries(binding)),
    outputs: outputs.map(({ name, maxAbs, maxRel, noiseFloor, identical, excluded }) => ({
      name,
      maxAbs,
      maxRel,
      noiseFloor: identical || noiseFloor === 0 ? null : noiseFloor,
      ...(excluded && { excluded }),
    })),
  };
}

/** Operators of all graphs and functions by name, most frequent first, ties by name. */
export function countOperators(model: Model): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
  }
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || byName(a, b)));
}

/** Nodes of all graphs and functions. */
export function countNodes(model: Model): number {
  let count = 0;
  for (const graph of model.graphs()) count += graph.nodes.size;
  return count;
}

/** Sums the runs of each pass, in the order of their first run. */
export function summarizePasses(runs: readonly PassRun[]): readonly PassReport[] {
  const found = new Map<string, PassReport>();
  for (const { pass, rewrites, ms } of runs) {
    const before = found.get(pass.name) ?? { name: pass.name, semantics: pass.semantics, rewrites: 0, ms: 0 };
    found.set(pass.name, { ...before, rewrites: before.rewrites + rewrites, ms: before.ms + ms });
  }
  return [...found.values()];
}

/** A constant that a model holds. */
export interface ParameterReport {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Floating point constants that one model holds and the other does not, by name. */
export interface ParameterChanges {
  readonly added: readonly ParameterReport[];
  readonly removed: readonly ParameterReport[];
}

/** What became of the parameters; `after` was made from a clone of `before`, so that what stayed is the same tensor. */
export function parameterChanges(before: Model, after: Model): ParameterChanges {
  const [old, now] = [parametersOf(before), parametersOf(after)];
  const missing = (from: ReadonlyMap<Tensor, string>, among: ReadonlyMap<Tensor, string>): ParameterReport[] =>
    [...from]
      .filter(([tensor]) => !among.has(tensor))
      .map(([{ dtype, shape }, name]) => ({ name, dtype, shape }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { added: missing(now, old), removed: missing(old, now) };
}

/** Floating point constants of all graphs with the name of the value that holds them. */
function parametersOf(model: Model): ReadonlyMap<Tensor, string> {
  const found = new Map<Tensor, string>();
  const take = (tensor: Tensor | undefined, name: string): void => {
    if (tensor && isFloat(tensor.dtype) && !found.has(tensor)) found.set(tensor, name);
  };
  for (const graph of model.graphs()) {
    for (const value of graph.initializers) take(value.constant, value.hint);
    for (const slot of graph.inputs) take(slot.fallback, slot.name);
    for (const node of graph.nodes.values())
      for (const attr of node.attrs.values())
        if (attr.type === 'TENSOR') take(attr.value, node.outputs[0]?.hint ?? node.name);
  }
  return found;
}
