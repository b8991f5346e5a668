import { cloneModel } from '../ir/copy.js';
import type { Model } from '../ir/model.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { planInputs } from '../numerics/inputs.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import type { Runtime } from '../numerics/runtime.js';
import { Reference } from '../numerics/whole.js';
import { constantOf } from '../schema/constant.js';
import { inferTypes } from '../shape/types.js';

/** The first value, in the order of the first model, that differs between two models. */
export interface Parting {
  readonly name: string;
  /** Path of the node that makes it in the first model. */
  readonly node: string;
  readonly op: string;
  readonly maxRel: number;
}

/** What {@link findParting} found. */
export interface PartingReport {
  readonly found: boolean;
  readonly runs: number;
  readonly value?: Parting;
  readonly why?: string;
}

/** Values that are looked at in one run. */
const TAPS = 64;

/** Compares values that have the same name in both models, more and more closely around the first difference. O(log values) runs. */
export async function findParting(
  runtime: Runtime,
  first: Model,
  second: Model,
  options: { readonly seed?: number; readonly onProgress?: (what: string) => void },
): Promise<PartingReport> {
  const [left, right] = [cloneModel(runtimeForm(first)), cloneModel(runtimeForm(second))];
  const common = commonValues(left, right);
  let [low, high, runs] = [-1, common.length, 0];
  let found: Parting | undefined;
  let why: string | undefined;
  while (high - low > 1 || runs === 0) {
    const step = Math.max(1, Math.ceil((high - low) / TAPS));
    const taps: number[] = [];
    for (let at = low + step; at < high; at += step) taps.push(at);
    options.onProgress?.(`comparing ${taps.length} of ${common.length} values`);
    const differing = await compareTaps(
      runtime,
      [left, right],
      taps.map((at) => common[at]!),
      options.seed,
    );
    runs++;
    if ('why' in differing) return { found: false, runs, why: differing.why };
    if (differing.index === undefined) {
      why = differing.output;
      low = taps.at(-1) ?? low;
      if (step === 1) break;
      continue;
    }
    high = taps[differing.index]!;
    low = differing.index > 0 ? taps[differing.index - 1]! : low;
    found = differing.value;
  }
  if (found) return { found: true, runs, value: found };
  return why === undefined ? { found: false, runs } : { found: true, runs, why };
}

type Pair = readonly [Value, Value];

function commonValues(left: Model, right: Model): Pair[] {
  const named = new Map<string, Value>();
  for (const node of right.graph.nodes.values()) {
    for (const value of node.outputs) if (value.hint !== '') named.set(value.hint, value);
  }
  const pairs: Pair[] = [];
  for (const node of left.graph.topo()) {
    for (const value of node.outputs) {
      const twin = value.hint === '' ? undefined : named.get(value.hint);
      if (twin && !constantOf(value)) pairs.push([value, twin]);
    }
  }
  return pairs;
}

type Differing =
  | { readonly why: string }
  | { readonly index: number; readonly value: Parting }
  | { readonly index: undefined; readonly output: string | undefined };

async function compareTaps(
  runtime: Runtime,
  models: readonly [Model, Model],
  pairs: readonly Pair[],
  seed: number | undefined,
): Promise<Differing> {
  const [left, right] = models.map((model, side) =>
    tapped(
      model,
      pairs.map((pair) => pair[side]!),
    ),
  );
  const reference = await Reference.prepare(runtime, {
    model: left!,
    plan: planInputs(left!, inferTypes(left!)),
    samples: 1,
    ...(seed !== undefined && { seed }),
  });
  if ('why' in reference) return reference;
  const comparison = await reference.compare(right!);
  if (comparison.outputs.length === 0) return { why: comparison.why ?? 'the second model cannot be run' };
  const verdicts = new Map(comparison.outputs.map((output) => [output.name, output]));
  for (const [index, [value]] of pairs.entries()) {
    const output = verdicts.get(tapName(index));
    if (!output || output.ok) continue;
    const node = value.producer!;
    const found = { name: value.hint, node: pathOf(node), op: node.op, maxRel: output.maxRel };
    return { index, value: found };
  }
  return { index: undefined, output: comparison.why };
}

const tapName = (index: number): string => `resonnx_tap_${index}`;

/** The model with these values as further outputs; `model` itself is left as it is. */
function tapped(model: Model, values: readonly Value[]): Model {
  let copy: Model | undefined;
  model.transaction(() => {
    values.forEach((value, index) => model.graph.addOutput({ name: tapName(index), value }));
    copy = cloneModel(model);
    return false;
  });
  return copy!;
}
