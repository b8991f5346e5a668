import { copyContents, type ValueMap } from '../ir/copy.js';
import { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import { encodeWhole } from '../onnx/bytes.js';
import { create } from '../proto/create.js';
import type { NumericArray } from '../tensor/array.js';
import type { Binding, Feeds } from './inputs.js';
import { judge } from './judge.js';
import type { Region } from './region.js';
import { ordinaryFeeds } from './region-check.js';
import { roundingFloor } from './rounding.js';
import { type Runtime, RuntimeRefusal, RuntimeTimeout } from './runtime.js';

/** A region with sizes that its kind runs on. */
export interface BatchItem {
  readonly region: Region;
  readonly binding: Binding;
}

/** Bytes of the constants of both sides. */
export function constantBytes({ before, after }: Region): number {
  let bytes = 0;
  for (const model of [before, after]) for (const tensor of tensorsOf(model)) bytes += tensor.byteLength;
  return bytes;
}

/**
 * Runs many regions side by side, each on one ordinary input with its own weights: two models for all of them. Gives those that are
 * surely right; the others have to be looked at one by one.
 */
export async function checkTogether(runtime: Runtime, items: readonly BatchItem[], seed: number): Promise<Set<Region>> {
  const right = new Set<Region>();
  const feeds: Record<string, NumericArray> = {};
  items.forEach(({ region, binding }, index) => {
    Object.assign(feeds, renamed(ordinaryFeeds(region, binding, seed), index));
  });
  try {
    const first = await runMerged(runtime, items, 'before', feeds);
    const second = await runMerged(runtime, items, 'after', feeds);
    items.forEach(({ region, binding }, index) => {
      if (agrees(region, binding, pick(first, index), pick(second, index))) right.add(region);
    });
  } catch (cause) {
    if (!(cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout)) throw cause;
  }
  return right;
}

function agrees(region: Region, binding: Binding, expected: Feeds, actual: Feeds): boolean {
  const exact = region.semantics === 'exact';
  const rows = Object.entries(expected).map(([name, array]) => ({
    expected: array,
    actual: actual[name],
    noise: [],
    finite: !exact,
  }));
  return judge(rows, exact ? 'identical' : roundingFloor(region, binding)).ok;
}

function renamed(feeds: Feeds, index: number): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, array]) => [`r${index}_${name}`, array]));
}

function pick(outputs: Feeds, index: number): Feeds {
  const prefix = `r${index}_`;
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  );
}

async function runMerged(
  runtime: Runtime,
  items: readonly BatchItem[],
  side: 'before' | 'after',
  feeds: Feeds,
): Promise<Feeds> {
  const session = await runtime.open(encodeWhole(merge(items.map(({ region }) => region[side]))).toBytes(), {
    optimization: 'disabled',
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** The models side by side in one, names of inputs and outputs prefixed by their place. They have the same opsets. */
function merge(models: readonly Model[]): Model {
  const [{ irVersion, opsets, functions }] = models as readonly [Model, ...Model[]];
  const whole = new Model(create('ModelProto', {}), { irVersion, opsets });
  for (const [index, { graph }] of models.entries()) {
    const map: ValueMap = new Map();
    for (const slot of graph.inputs) {
      map.set(slot.value, whole.graph.addInput({ name: `r${index}_${slot.name}`, type: slot.value.type }));
    }
    copyContents(graph, whole.graph, map);
    for (const slot of graph.outputs) {
      whole.graph.addOutput({ name: `r${index}_${slot.name}`, value: map.get(slot.value)! });
    }
  }
  for (const model of [{ functions }, ...models]) for (const [key, fn] of model.functions) whole.functions.set(key, fn);
  return whole;
}
