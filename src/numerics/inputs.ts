import { type Dim, evaluate, symbols } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { InputSlot } from '../ir/slots.js';
import type { Types } from '../shape/types.js';
import { elementCount, fromFloat64, type NumericArray, toFloat64 } from '../tensor/array.js';
import { DTYPES, type DType, isFloat } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { gatherUse, type InputUse } from './input-use.js';
import { fillLarge, fillProbe, type Probe } from './probes.js';
import { createRandom, type Random } from './random.js';

/** Arrays by the name of the input that they are for. */
export type Feeds = Readonly<Record<string, NumericArray>>;

/** Sizes by the name of the symbolic dim that they stand for. */
export type Binding = ReadonlyMap<string, number>;

/** What kind of size a symbol is, as far as its places tell; only the order in which sizes are tried depends on it. */
export type SymbolRole = 'batch' | 'space' | 'past' | 'other';

/**
 * How lively the values are: `tame` gives integers that nearly every reader takes, `still` only zeros; `edge` gives zeros of both signs,
 * halves and large integers where readers ask nothing.
 */
export type Mood = 'lively' | 'tame' | 'still' | 'edge';

/** One input that a caller has to give. */
export interface PlannedInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly use: InputUse;
  /** What it is when a caller gives nothing. */
  readonly fallback?: Tensor;
}

/** How inputs for a model are made; see {@link planInputs}. */
export interface InputPlan {
  readonly inputs: readonly PlannedInput[];
  /** Inputs that no array can be given for: sequences, optionals, maps, and those of unknown element type. */
  readonly unsupported: readonly string[];
  /** Free symbols of the inputs' dims, in the order of their first place. */
  readonly symbols: ReadonlyMap<string, SymbolRole>;
}

/**
 * Reads from the model what its inputs are for, so that {@link makeFeeds} can fill them. Inputs with a default are left out, but for those
 * of `defaults`, which are filled with it and with values near it.
 */
export function planInputs(model: Model, types: Types, defaults: ReadonlyMap<string, Tensor> = new Map()): InputPlan {
  const inputs: PlannedInput[] = [];
  const unsupported: string[] = [];
  const found = new Map<string, SymbolRole>();
  for (const slot of model.graph.inputs) {
    if (slot.value.def.kind !== 'input' || slot.fallback) continue;
    const dtype = types.dtype(slot.value);
    if (!dtype) {
      unsupported.push(slot.name);
      continue;
    }
    const use = gatherUse(model, slot.value, types);
    const fallback = defaults.get(slot.name);
    const shape = fallback?.shape ?? types.shape(slot.value) ?? guessShape(use);
    inputs.push({ name: slot.name, dtype, shape, use, ...(fallback && { fallback }) });
    shape.forEach((dim, axis) => {
      for (const name of symbols(dim)) found.set(name, found.get(name) ?? roleOf(slot, shape, axis));
    });
  }
  return { inputs, unsupported, symbols: found };
}

/** Symbols of the inputs' dims that are 0 in ordinary use: lengths of what is joined with something new. */
export function emptiableSymbols(model: Model, types: Types): ReadonlySet<string> {
  const found = new Set<string>();
  for (const slot of model.graph.inputs) {
    const shape = types.shape(slot.value) ?? [];
    shape.forEach((dim, axis) => {
      if (roleOf(slot, shape, axis) === 'past') for (const name of symbols(dim)) found.add(name);
    });
  }
  return found;
}

/** For inputs of undeclared rank. */
function guessShape({ kinds }: InputUse): readonly Dim[] {
  if (kinds.has('image')) return [1, 3, 64, 64];
  return kinds.has('compute') ? [2, 3] : [];
}

function roleOf(slot: InputSlot, shape: readonly Dim[], axis: number): SymbolRole {
  if (joinsAlong(slot, axis)) return 'past';
  if (axis === 0) return 'batch';
  return shape.length >= 4 && axis >= 2 ? 'space' : 'other';
}

/** Whether the input is joined with something new along this axis, as a cache is. */
function joinsAlong(slot: InputSlot, axis: number): boolean {
  const rank = slot.value.type?.kind === 'tensor' ? slot.value.type.shape?.length : undefined;
  for (const use of slot.value.uses) {
    if (use.kind !== 'input') continue;
    const { node, index } = use;
    if (node.opType === 'Concat' && rank !== undefined && rank > 2) {
      const attr = node.attrs.get('axis');
      const at = attr?.type === 'INT' ? Number(attr.value) : 0;
      if ((at < 0 ? at + rank : at) === axis) return true;
    }
    const isCache = node.domain === 'com.microsoft' && node.opType.endsWith('Attention') && index >= 3;
    if (isCache && rank === 4 && axis === 2) return true;
  }
  return false;
}

/** The concrete shape; sizes that nothing binds are 1. */
export function shapeUnder(shape: readonly Dim[], binding: Binding): readonly number[] {
  return shape.map((dim) => Math.max(0, evaluate(dim, binding) ?? 1));
}

/** Values for every input of the plan; equal arguments give equal arrays on every machine. */
export function makeFeeds(plan: InputPlan, binding: Binding, seed: number, mood: Mood = 'lively'): Feeds {
  const feeds: Record<string, NumericArray> = {};
  for (const [position, input] of plan.inputs.entries()) {
    const shape = shapeUnder(input.shape, binding);
    const random = createRandom(seed, input.name);
    feeds[input.name] = fill(input, shape, { binding, seed, position, mood, random });
  }
  return feeds;
}

interface Situation {
  readonly binding: Binding;
  readonly seed: number;
  /** Of the input in the plan. */
  readonly position: number;
  readonly mood: Mood;
  readonly random: Random;
}

function fill(input: PlannedInput, shape: readonly number[], at: Situation): NumericArray {
  const { dtype, use } = input;
  if (input.fallback) return nearDefault(input.fallback, at);
  if (dtype === 'string') return strings(input, shape, at);
  if (use.sizes?.length === elementCount(shape)) {
    const elements = use.sizes.map((dim) => evaluate(dim, at.binding) ?? 1);
    return fromFloat64(dtype, shape, elements);
  }
  const control = controlValue(input, shape, at);
  if (control !== undefined) return repeated(dtype, shape, control);
  if (use.kinds.has('shape')) return shapeList(dtype, shape);
  if (at.mood === 'edge' && (asksNothing(input) || mayDivide(input)))
    return fillLarge(edgeProbe(dtype), dtype, shape, at.random);
  if (at.mood === 'edge' && dtype === 'bool') return fillLarge(EITHER, dtype, shape, at.random);
  const probe = isFloat(dtype) || dtype.startsWith('complex') ? floatProbe(input, at) : integerProbe(input, shape, at);
  return strewCompared(fillLarge(probe, dtype, shape, at.random), input, at);
}

/** The default itself, and with odd seeds floating point values about it. */
function nearDefault(fallback: Tensor, { seed, mood, random }: Situation): NumericArray {
  const array = fallback.array();
  if (!isFloat(array.dtype) || seed % 2 === 0 || mood !== 'lively') return array;
  const values = toFloat64(array);
  const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 4;
  return fromFloat64(
    array.dtype,
    array.shape,
    values.map((value) => value + reach * random.normal()),
  );
}

function strings({ use }: PlannedInput, shape: readonly number[], at: Situation): NumericArray {
  const words = use.compared.filter((word) => typeof word === 'string');
  const array = fillProbe({ kind: 'text' }, 'string', shape, at.random);
  if (words.length === 0) return array;
  const data = array.data as readonly string[];
  return {
    ...array,
    data: data.map((word, i) => (i % 4 === 3 ? word : words[at.random.integer(0, words.length - 1)]!)),
  };
}

/** What a single element that is compared with constants takes in turn: the constants, and what lies just beside them. */
function controlValues({ dtype, use, shape }: PlannedInput): readonly number[] {
  if (dtype === 'bool') return shape.length <= 1 ? [0, 1] : [];
  if (dtype === 'string' || use.limits.length > 0) return [];
  const numbers = [...new Set(use.compared.filter((value) => typeof value === 'number' && Number.isFinite(value)))];
  const beside = numbers.flatMap((value) => [Number(value) + 1, Number(value) - 1]);
  return [...new Set([...numbers.map(Number), ...beside])];
}

/** Most values of a control input that are run. */
const MOST_CHOICES = 8;

/** Samples that it takes until every control input of the plan has had all its values. */
export function choicesOf({ inputs }: InputPlan): number {
  const controls = inputs.filter(({ shape }) => shape.every((dim) => dim === 1));
  return Math.min(
    MOST_CHOICES,
    controls.reduce((most, input) => Math.max(most, controlValues(input).length), 0),
  );
}

/** The value of a control input; inputs that stand later in the plan turn more slowly, so that not all turn together. */
function controlValue(input: PlannedInput, shape: readonly number[], at: Situation): number | undefined {
  if (elementCount(shape) !== 1) return undefined;
  const values = controlValues(input);
  return values[(at.seed + at.position * Math.floor(at.seed / values.length)) % values.length];
}

/** More constants than these are a table of all values that mean something. */
const TABLE = 16;

/** Some elements become those that the readers compare them with. */
function strewCompared(array: NumericArray, { use }: PlannedInput, at: Situation): NumericArray {
  const known = use.limits.map((limit) => evaluate(limit, at.binding) ?? 0);
  const numbers = use.compared.filter((value) => typeof value === 'number' && known.every((most) => value <= most));
  const isTable = numbers.length > TABLE;
  if (numbers.length === 0 || isFloat(array.dtype) || (at.seed % 2 === 0 && !isTable)) return array;
  const values = toFloat64(array);
  for (let i = Math.max(0, Math.min(2, values.length - 1)); i < values.length; i += isTable ? 1 : 3) {
    values[i] = Number(numbers[at.random.integer(0, numbers.length - 1)]);
  }
  return fromFloat64(array.dtype, array.shape, values);
}

function repeated(dtype: DType, shape: readonly number[], value: number): NumericArray {
  return fromFloat64(dtype, shape, new Float64Array(elementCount(shape)).fill(value));
}

/** `[-1, 1, 1, …]`: a shape that every Reshape takes; for Expand it is as good as all ones. */
function shapeList(dtype: DType, shape: readonly number[]): NumericArray {
  const sizes = new Float64Array(elementCount(shape)).fill(1);
  if (sizes.length > 0) sizes[0] = -1;
  return fromFloat64(dtype, shape, sizes);
}

/** Whether the readers of an input ask nothing of its values. */
export function asksNothing({ use, dtype }: PlannedInput): boolean {
  const asks = [...use.kinds].some((kind) => !['compute', 'image', 'wave', 'state'].includes(kind));
  const isTable = !isFloat(dtype) && use.compared.length > 0;
  return !asks && !isTable && use.sizes === undefined && use.limits.length === 0;
}

/** A float divisor: runtimes go on when it is zero. */
function mayDivide({ dtype, use }: PlannedInput): boolean {
  return isFloat(dtype) && [...use.kinds].every((kind) => kind === 'compute' || kind === 'nonzero');
}

/** Truth values in no order: those of a mask leave something open in every row, so that a mask of one column hides nothing. */
const EITHER: Probe = { kind: 'integers', low: 0n, high: 1n };

/** Where operators that are not continuous part: zeros of both signs, halves, what is nearly an integer, and integers beyond 32 bits. */
function edgeProbe(dtype: DType): Probe {
  if (isFloat(dtype))
    return { kind: 'rows', axes: [], rows: [{ mean: 0, std: 1 }, 'signed-zeros', 'halves', 'brinks'] };
  const { bits, kind } = DTYPES[dtype];
  const reach = bits === 64 ? 2n ** 33n : bits === 32 ? 2n ** 20n : 100n;
  return { kind: 'integers', low: kind === 'int' ? -reach : 0n, high: reach };
}

const LEVELS = [1, 0.1, 3];

function floatProbe({ use, shape }: PlannedInput, at: Situation): Probe {
  const { kinds } = use;
  if (kinds.has('image')) return { kind: 'uniform', low: 0, high: 1 };
  if (kinds.has('mask')) return { kind: 'mask' };
  if (kinds.has('wave')) return { kind: 'uniform', low: -1, high: 1 };
  if (kinds.has('above')) return shape.length <= 1 ? { kind: 'uniform', low: 1, high: 1.0001 } : { kind: 'positive' };
  if (kinds.has('positive')) return { kind: 'positive' };
  if (kinds.has('nonzero')) return { kind: 'nonzero' };
  if (kinds.has('unit')) return { kind: 'uniform', low: 0, high: 1 };
  if (kinds.has('inside')) return { kind: 'uniform', low: -0.95, high: 0.95 };
  if (kinds.has('state') && !kinds.has('compute')) return { kind: 'normal', mean: 0, std: at.seed % 2 === 0 ? 0 : 0.1 };
  return { kind: 'normal', mean: 0, std: LEVELS[at.seed % LEVELS.length]! };
}

function integerProbe({ use, dtype }: PlannedInput, shape: readonly number[], at: Situation): Probe {
  const { kinds, limits } = use;
  const range = (low: number, high: number): Probe => ({ kind: 'integers', low: BigInt(low), high: BigInt(high) });
  const known = limits.map((limit) => evaluate(limit, at.binding)).filter((limit) => limit !== null);
  const isLively = at.mood === 'lively' || at.mood === 'edge';
  const most = known.length > 0 ? Math.max(0, Math.min(...known)) : undefined;
  if (kinds.has('length')) return { kind: 'lengths', max: most ?? 1 };
  if (most !== undefined && most > 0 && kinds.has('count')) return range(1, isLively ? most : 1);
  if (most !== undefined) return range(0, isLively ? most : Math.min(at.mood === 'tame' ? 1 : 0, most));
  if (dtype === 'bool' || kinds.has('mask')) return { kind: 'mask' };
  if (kinds.has('step') || kinds.has('count')) return range(1, kinds.has('step') || isLively ? 3 : 1);
  if (kinds.has('start') || kinds.has('axis') || kinds.has('zero')) return range(0, 0);
  if (kinds.has('end')) return range(Math.max(1, ...shape), 2 ** 31 - 1);
  if (kinds.has('nonzero')) return isLively ? { kind: 'nonzero' } : range(1, 1);
  if (at.mood === 'still') return range(0, 0);
  if (at.mood === 'tame' || kinds.has('index')) return range(0, 1);
  return kinds.has('image') ? range(0, DTYPES[dtype].bits === 8 ? 127 : 255) : range(0, 9);
}

/** How the inputs are made, in words, one entry an input. */
export function describePlan(plan: InputPlan): readonly { readonly name: string; readonly how: string }[] {
  return plan.inputs.map(({ name, use, dtype }) => {
    const kinds = [...use.kinds].filter((kind) => kind !== 'compute');
    return { name, how: kinds.length > 0 ? `${dtype} as ${kinds.join(', ')}` : dtype };
  });
}
