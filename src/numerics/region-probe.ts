import { symbols } from '../dim/dim.js';
import type { Semantics } from '../pass/pass.js';
import type { NumericArray } from '../tensor/array.js';
import { DTYPES, isFloat } from '../tensor/dtype.js';
import {
  asksNothing,
  type Binding,
  type Feeds,
  type InputPlan,
  makeFeeds,
  planInputs,
  type PlannedInput,
  shapeUnder,
} from './inputs.js';
import { fillLarge, type Probe } from './probes.js';
import { createRandom } from './random.js';
import { maskInputs } from './mask-inputs.js';
import type { Region } from './region.js';
import { typesOf } from './rounding.js';

/** A way to fill the inputs of a region. */
export interface RegionProbe {
  readonly name: string;
  readonly binding: (base: Binding, region: Region) => Binding;
  /** What fills an input whose readers ask nothing special; `undefined` leaves it to {@link makeFeeds}. */
  readonly floats?: (input: PlannedInput) => Probe | undefined;
  readonly integers?: Probe;
  /** What fills masks of attention; then the inputs that are none stay as they are. */
  readonly masks?: (input: PlannedInput) => Probe | undefined;
  /** The original may refuse it: then it proves nothing. */
  readonly optional?: boolean;
}

const same = (base: Binding): Binding => base;
const all = (size: number) => (base: Binding) => new Map([...base].map(([name]) => [name, size] as const));
const empty = (base: Binding, { emptiable }: Region): Binding =>
  new Map([...base].map(([name, size]) => [name, emptiable.has(name) ? 0 : size] as const));

/** Rows that show what a normal one hides: a wrong epsilon, lost precision, ties. */
const ROWS: Probe = {
  kind: 'rows',
  axes: [-1],
  rows: [
    { mean: 0, std: 1 },
    'constant',
    { mean: 0, std: 1e-3 },
    'ties',
    { mean: 30, std: 1 },
    'zeros',
    { mean: 0, std: 1e-6 },
  ],
};

/** Rows beside which every epsilon in use is large. */
const TINY: Probe = {
  kind: 'rows',
  axes: [-1],
  rows: [
    { mean: 0, std: 1e-3 },
    { mean: 0, std: 1e-6 },
  ],
};

/** The probe that tells most: rows of very different kinds. */
export const ROWS_PROBE: RegionProbe = { name: 'rows', binding: same, floats: () => ROWS };

/** Rows that are hidden from attention not at all, in part, and as a whole, in the ways that exporters write. */
function hiding(name: string, hidden: number): RegionProbe {
  const masks = ({ dtype }: PlannedInput): Probe | undefined => {
    if (dtype === 'bool') return { kind: 'hiding', open: 1, hidden: 0 };
    return isFloat(dtype) ? { kind: 'hiding', open: 0, hidden } : undefined;
  };
  return { name: `rows hidden by ${name}`, binding: same, masks };
}

const EQUIVALENT: readonly RegionProbe[] = [
  ROWS_PROBE,
  { name: 'tiny', binding: same, floats: () => TINY },
  {
    name: 'large',
    binding: same,
    floats: ({ dtype }) => ({ kind: 'normal', mean: 0, std: DTYPES[dtype].bits >= 32 ? 30 : 8 }),
  },
  {
    name: 'signed zeros',
    binding: same,
    floats: () => ({ kind: 'rows', axes: [-1], rows: ['signed-zeros', { mean: 0, std: 1 }, 'halves', 'brinks'] }),
  },
  hiding('-inf', -Infinity),
  hiding('the smallest float32', -3.4028234663852886e38),
  hiding('the smallest float16', -65504),
  { name: 'sizes of 1', binding: all(1), optional: true },
  { name: 'sizes of 0', binding: empty, optional: true },
];

const EXACT: readonly RegionProbe[] = [
  {
    name: 'NaN and infinities',
    binding: same,
    floats: () => ({
      kind: 'specials',
      base: { kind: 'normal', mean: 0, std: 1 },
      values: ['nan', 'inf', '-inf', '-0'],
    }),
  },
  { name: 'extremes', binding: same, integers: { kind: 'extremes' } },
];

/** The probes that a region of these semantics has to stand beside ordinary inputs. */
export function probesFor(semantics: Semantics): readonly RegionProbe[] {
  return semantics === 'exact' ? [...EQUIVALENT, ...EXACT] : EQUIVALENT;
}

/** How inputs for the region are made: from what the first side does with them, with known elements as they are. */
export function planRegion({ before, known, interest }: Region): InputPlan {
  const plan = planInputs(before, typesOf(before));
  const found = new Map(plan.symbols);
  const inputs = plan.inputs.map((input) => {
    const elements = known.get(input.name)?.elements;
    const rows = interest?.get(input.name);
    if (rows) return { ...input, use: { ...input.use, compared: [...rows] } };
    if (!elements?.every((dim) => dim !== null)) return input;
    for (const dim of elements) for (const name of symbols(dim)) if (!found.has(name)) found.set(name, 'other');
    return { ...input, use: { ...input.use, sizes: elements } };
  });
  return { ...plan, inputs, symbols: found };
}

/** Feeds for one probe; `undefined` when it changes nothing for this region. `ordinary` are those of {@link makeFeeds} for `base`. */
export function probeFeeds(
  plan: InputPlan,
  probe: RegionProbe,
  at: { readonly region: Region; readonly base: Binding; readonly ordinary: Feeds; readonly seed: number },
): Feeds | undefined {
  const { base, ordinary, seed } = at;
  const binding = probe.binding(base, at.region);
  if (probe.optional && [...binding].every(([name, size]) => base.get(name) === size)) return undefined;
  const feeds: Record<string, NumericArray> = { ...(binding === base ? ordinary : makeFeeds(plan, binding, seed)) };
  let changed = probe.optional ?? false;
  const masks = probe.masks && maskInputs(at.region.before, typesOf(at.region.before));
  for (const input of plan.inputs) {
    const fill = masks?.has(input.name) ? probe.masks!(input) : asksNothing(input) ? special(probe, input) : undefined;
    if (!fill) continue;
    const random = createRandom(seed, `${probe.name} ${input.name}`);
    feeds[input.name] = fillLarge(fill, input.dtype, shapeUnder(input.shape, binding), random);
    changed = true;
  }
  return changed ? feeds : undefined;
}

function special(probe: RegionProbe, input: PlannedInput): Probe | undefined {
  if (isFloat(input.dtype)) return probe.floats?.(input);
  const { kind } = DTYPES[input.dtype];
  return kind === 'int' || kind === 'uint' ? probe.integers : undefined;
}
