import { isStatic } from '../../src/analysis/static.js';
import { alignModels, type Difference } from '../../src/analysis/align.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Model } from '../../src/ir/model.js';
import type { Value } from '../../src/ir/value.js';
import { evaluateModel, roundedOutputs } from '../../src/evaluate/evaluate.js';
import { compareArrays, EXACT } from '../../src/numerics/compare.js';
import { type Binding, type Feeds, makeFeeds, asksNothing, type InputPlan } from '../../src/numerics/inputs.js';
import { cutPlace, type Scene } from '../../src/numerics/place.js';
import type { Region } from '../../src/numerics/region.js';
import { planRegion } from '../../src/numerics/region-probe.js';
import { bindingLadder, lifted } from '../../src/numerics/sizes.js';
import { readsTypeOnly } from '../../src/schema/traits.js';
import { inferTypes } from '../../src/shape/types.js';
import { type NumericArray, fromFloat64, toFloat64 } from '../../src/tensor/array.js';
import { isFloat } from '../../src/tensor/dtype.js';

/** Steps above a place that are taken in; places behind it that may come to the same. */
const LEVELS = [0, 1, 2];
const MOST_PLACES = 60;
/** Operations that one evaluation may take. */
const LIMIT = 2 ** 25;
/** What float64 itself may be off by after some sums: a thousandth of what the smallest epsilon in use makes of a number near 1. */
const SAME = 8e-14;
/** Operators that round, behind which a difference is shown to be nothing only if it is this large where it begins. */
const ROUNDING =
  /^(QuantizeLinear|DynamicQuantizeLinear|Round|Floor|Ceil|Sign|Arg(Max|Min)|TopK|Equal|(Less|Greater)(OrEqual)?)$/;
const LARGE = 1e-2;
/** Sizes of the numbers that a piece is evaluated on, so that it is seen on all sides of what it is not smooth at. */
const REACHES = [1, 1e-3, 30, 1e4];

/**
 * Why a damaged model computes just what the original does, or nothing when that is not shown. Every piece in which they part, or else
 * all that reads it, is evaluated in float64, without rounding, on numbers of four sizes under two sets of sizes, and has to give the
 * same. Pieces with bodies, and pieces that take integers or booleans that are not known sizes, are shown by their shapes alone.
 */
export function equivalence(original: Model, mutant: Model): string | undefined {
  const [first, second] = [cloneModel(original), mutant];
  const alignment = alignModels(first, second);
  const scene: Scene = {
    alignment,
    first,
    second,
    types: inferTypes(first),
    secondTypes: inferTypes(second),
    added: new Set(),
    until: Infinity,
  };
  let reason = 'nothing that an output depends on is damaged';
  const queue: Difference[] = [...alignment.differences];
  const seen = new Set<Value>(queue.map((place) => place.first));
  for (const [count, place] of queue.entries()) {
    if (count > MOST_PLACES) return undefined;
    const found = shown(scene, place);
    if (found === undefined && [...place.first.uses].some(({ kind }) => kind === 'output')) return undefined;
    reason = found ?? reason;
    if (found !== undefined) continue;
    const readers = alignment.behind(place);
    const makers = new Set(readers.map((reader) => reader.first.producer));
    for (const use of place.first.uses)
      if (use.kind === 'input' && !makers.has(use.node) && isLive(use.node.outputs)) return undefined;
    for (const reader of readers) if (!seen.has(reader.first)) queue.push(reader);
    for (const reader of readers) seen.add(reader.first);
    if (readers.length > 0) reason = 'all that reads it gives the same';
  }
  return reason;
}

const isLive = (outputs: readonly Value[]): boolean => outputs.some(({ uses }) => uses.size > 0);

function shown(scene: Scene, place: Difference): string | undefined {
  for (const level of LEVELS) {
    const region = cutPlace(scene, place, level);
    if (region?.interest?.size) return undefined;
    if (!region || !isSmooth(region) || (rounds(region) && !isLarge(scene))) continue;
    const isShape = readsShapes(place);
    if (!isShape && !region.before.graph.inputs.every(({ name, value }) => isKnown(region, name) || isReal(value)))
      continue;
    if (isSame(region)) return isShape ? 'only its shape is read' : 'it is the same function of what it reads';
  }
  return undefined;
}

/** Whether a rounding operator stands in the region that hides small differences; where all is known nothing is left to chance. */
function rounds(region: Region): boolean {
  const { inputs, nodes: all } = region.before.graph;
  if (inputs.every(({ name }) => isKnown(region, name))) return false;
  const nodes = [...all.values()];
  return nodes.some(({ opType, outputs }) => ROUNDING.test(opType) && !outputs.every(isStatic));
}

/** Whether the models differ by much at each place where they part. */
function isLarge(scene: Scene): boolean {
  return scene.alignment.differences.every((place) => {
    const region = cutPlace(scene, place, 0);
    const plan = region && planRegion(region);
    const binding = plan && [...take(bindingLadder(plan), 12)].find((each) => runs(region!, plan, each));
    const feeds = binding && makeFeeds(plan!, binding, 0, 'lively');
    const [one, other] = feeds ? [outputOf(region!.before, feeds), outputOf(region!.after, feeds)] : [];
    return one !== undefined && other !== undefined && compareArrays(one, other, EXACT).maxRel >= LARGE;
  });
}

const isReal = ({ type }: Value): boolean => type?.kind === 'tensor' && type.dtype !== undefined && isFloat(type.dtype);
const isSmooth = ({ before, after }: Region): boolean =>
  [before, after].every(({ graph }) => [...graph.nodes.values()].every(({ bodies }) => bodies.length === 0));

function isKnown({ known }: Region, name: string): boolean {
  return known.get(name)?.elements.every((dim) => dim !== null) ?? false;
}

/** Whether the node at the place looks at nothing but shapes. */
function readsShapes({ first: { producer } }: Difference): boolean {
  return (
    producer !== undefined &&
    producer.inputs.every((value, i) => !value || value.constant || readsTypeOnly(producer, i))
  );
}

function isSame(region: Region): boolean {
  const plan = planRegion(region);
  const base = [...take(bindingLadder(plan), 12)].find((binding) => runs(region, plan, binding));
  if (!base) return false;
  const larger = lifted(plan, base);
  let compared = 0;
  for (const binding of larger && runs(region, plan, larger) ? [base, larger] : [base]) {
    for (const [seed, reach] of REACHES.entries()) {
      const feeds = scaled(plan, makeFeeds(plan, binding, seed, 'lively'), reach);
      const [one, other] = [outputOf(region.before, feeds), outputOf(region.after, feeds)];
      if (!one) continue;
      if (!other || !isEqual(one, other)) return false;
      compared++;
    }
  }
  return compared > 1;
}

const runs = (region: Region, plan: InputPlan, binding: Binding): boolean =>
  outputOf(region.before, makeFeeds(plan, binding, 0, 'lively')) !== undefined;

function scaled(plan: InputPlan, feeds: Feeds, reach: number): Feeds {
  return Object.fromEntries(
    plan.inputs.map((input) => {
      const array = feeds[input.name]!;
      if (!isFloat(input.dtype) || !asksNothing(input)) return [input.name, array];
      return [
        input.name,
        fromFloat64(
          array.dtype,
          array.shape,
          toFloat64(array).map((value) => value * reach),
        ),
      ];
    }),
  );
}

function outputOf(model: Model, feeds: Feeds): NumericArray | undefined {
  const result = evaluateModel(model, feeds, { limit: LIMIT });
  if (result.kind !== 'values') return undefined;
  const [elements] = Object.values(result.outputs);
  if (elements && isFloat(elements.dtype))
    return roundedOutputs({ out: { ...elements, dtype: 'float64' } as never })['out'];
  return roundedOutputs(result.outputs)['out'];
}

function isEqual(one: NumericArray, other: NumericArray): boolean {
  const { comparable, close, maxRel } = compareArrays(one, other, EXACT);
  return comparable && (close || (isFloat(one.dtype) && maxRel <= SAME));
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  for (const item of items) {
    if (count-- <= 0) return;
    yield item;
  }
}
