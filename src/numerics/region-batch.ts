import { copyContents, type ValueMap } from '../ir/copy.js';
import { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Type } from '../ir/type.js';
import { create } from '../proto/create.js';
import type { NumericArray } from '../tensor/array.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Binding, type Feeds, type InputPlan, makeFeeds } from './inputs.js';
import { type Judgement, judge } from './judge.js';
import { perturb } from './perturb.js';
import type { Region } from './region.js';
import { type CheckOptions, NOISE_SEEDS, rowsOf, type RegionVerdict } from './region-check.js';
import { planRegion, probeFeeds, probesFor, type RegionProbe, ROWS_PROBE } from './region-probe.js';
import { roundingFloor } from './rounding.js';
import { type Runtime, RuntimeRefusal, RuntimeTimeout, type Session } from './runtime.js';
import { bindingLadder, variations } from './sizes.js';

/** Elements of all outputs beyond which only the probes that tell most are run. */
export const HEAVY = 2 ** 20;

/** Most regions and most bytes of weights that are put into one model. */
const MOST_REGIONS = 64;
const MOST_BYTES = 96 * 2 ** 20;

/** Bytes of the constants of both sides, shared ones once. */
export function constantBytes({ before, after }: Region): number {
  const tensors = new Set<Tensor>();
  for (const model of [before, after]) for (const tensor of tensorsOf(model)) tensors.add(tensor);
  let bytes = 0;
  for (const tensor of tensors) bytes += tensor.byteLength;
  return bytes;
}

/**
 * Checks many regions at the cost of a few: the first sides stand side by side in one model, the second sides in another one. Gives
 * verdicts on those that are surely right; the others (different, or refused on the first sizes) have to be looked at one by one.
 */
export async function checkTogether(
  runtime: Runtime,
  regions: readonly Region[],
  options: CheckOptions,
): Promise<ReadonlyMap<Region, RegionVerdict>> {
  const verdicts = new Map<Region, RegionVerdict>();
  const stack = chunks(regions).reverse();
  for (let chunk = stack.pop(); chunk; chunk = stack.pop()) {
    if (chunk.length < 2) continue;
    try {
      const found = await checkChunk(runtime, chunk, options);
      for (const [region, verdict] of found) verdicts.set(region, verdict);
    } catch (cause) {
      if (!(cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout)) throw cause;
      const half = chunk.length >> 1;
      stack.push(chunk.slice(half), chunk.slice(0, half));
    }
  }
  return verdicts;
}

function chunks(regions: readonly Region[]): Region[][] {
  const made: Region[][] = [];
  let room = 0;
  for (const region of regions) {
    const bytes = constantBytes(region);
    const last = made.at(-1);
    const fits = last && last.length < MOST_REGIONS && bytes <= room && sameOpsets(last[0]!, region);
    if (fits) last.push(region);
    else made.push([region]);
    room = (fits ? room : MOST_BYTES) - bytes;
  }
  return made;
}

function sameOpsets(a: Region, b: Region): boolean {
  const text = ({ before, after }: Region): string => JSON.stringify([[...before.opsets], [...after.opsets]]);
  return text(a) === text(b);
}

async function checkChunk(
  runtime: Runtime,
  regions: readonly Region[],
  options: CheckOptions,
): Promise<ReadonlyMap<Region, RegionVerdict>> {
  const opened: Session[] = [];
  const open = async (models: readonly Model[]): Promise<Session> => {
    const session = await runtime.open(merge(models), {
      optimization: 'disabled',
      anonymous: true,
      brief: !options.thorough,
    });
    opened.push(session);
    return session;
  };
  try {
    const first = await open(regions.map(({ before }) => before));
    const second = await open(regions.map(({ after }) => after));
    return await new Chunk(regions, first, second, options).run();
  } finally {
    for (const session of opened) await session.release();
  }
}

/** Feeds of one region in one round; not compared where they only fill the place. */
interface Turn {
  readonly feeds: Feeds;
  readonly binding: Binding;
  readonly compared: boolean;
}

/** What regions of one kind have in common: all but the weights. */
interface Kind {
  readonly first: Region;
  readonly plan: InputPlan;
  readonly base: Binding;
  readonly ordinary: Turn;
}

function prepare(first: Region, hint: Binding, seed: number): Kind {
  const plan = planRegion(first);
  const base = bindingLadder(plan, hint).next().value ?? new Map<string, number>();
  return { first, plan, base, ordinary: { feeds: makeFeeds(plan, base, seed), binding: base, compared: true } };
}

interface Entry extends Kind {
  readonly region: Region;
  maxRel: number;
  noiseFloor: number;
  runs: number;
  ok: boolean;
}

class Chunk {
  readonly #entries: readonly Entry[];
  readonly #first: Session;
  readonly #second: Session;
  readonly #seed: number;
  readonly #thorough: boolean;

  constructor(regions: readonly Region[], first: Session, second: Session, { seed, hint, thorough }: CheckOptions) {
    this.#first = first;
    this.#second = second;
    this.#seed = seed;
    this.#thorough = thorough;
    const kinds = new Map<string, Kind>();
    this.#entries = regions.map((region) => {
      const kind = kinds.get(region.key) ?? prepare(region, hint, seed);
      kinds.set(region.key, kind);
      return { ...kind, region, maxRel: 0, noiseFloor: 0, runs: 0, ok: true };
    });
  }

  async run(): Promise<ReadonlyMap<Region, RegionVerdict>> {
    const elements = await this.#round(this.#entries.map((entry) => entry.ordinary));
    if (this.#thorough && elements > HEAVY) {
      await this.#round(this.#entries.map((entry) => this.#probed(entry, ROWS_PROBE)));
    } else if (this.#thorough) {
      for (let extra = 0; extra < 2; extra++)
        await this.#optional(this.#entries.map((entry) => this.#varied(entry, extra)));
      for (const probe of probesFor('exact')) {
        const turns = this.#entries.map((entry) => this.#probed(entry, probe));
        await (probe.optional ? this.#optional(turns) : this.#round(turns));
      }
    }
    const right = this.#entries.filter(({ ok }) => ok);
    return new Map(right.map((entry) => [entry.region, verdictOf(entry)]));
  }

  #varied({ plan, base, ordinary }: Entry, extra: number): Turn {
    const binding = [...variations(plan, base)][extra];
    if (!binding) return { ...ordinary, compared: false };
    return { feeds: makeFeeds(plan, binding, this.#seed + 1 + extra), binding, compared: true };
  }

  #probed({ region, plan, base, ordinary }: Entry, probe: RegionProbe): Turn {
    const applies = probesFor(region.semantics).includes(probe);
    const feeds = applies
      ? probeFeeds(plan, probe, { region, base, ordinary: ordinary.feeds, seed: this.#seed })
      : undefined;
    if (!feeds) return { ...ordinary, compared: false };
    return { feeds, binding: probe.binding(base, region), compared: true };
  }

  /** A round that the first sides may refuse: then nothing is learned from it. */
  async #optional(turns: readonly Turn[]): Promise<void> {
    if (!turns.some(({ compared }) => compared)) return;
    let expected: Feeds;
    try {
      expected = await this.#first.run(renamed(turns), this.#wanted(turns));
    } catch (cause) {
      if (cause instanceof RuntimeRefusal && cause.kind === 'run') return;
      throw cause;
    }
    await this.#compare(turns, expected);
  }

  /** Gives the number of elements that were compared. */
  async #round(turns: readonly Turn[]): Promise<number> {
    if (!turns.some(({ compared }) => compared)) return 0;
    const expected = await this.#first.run(renamed(turns), this.#wanted(turns));
    await this.#compare(turns, expected);
    return Object.values(expected).reduce((sum, { data }) => sum + data.length, 0);
  }

  /** Outputs of the regions that are compared in this round and still right. */
  #wanted(turns: readonly Turn[]): readonly string[] {
    return this.#entries.flatMap(({ region, ok }, index) => {
      if (!ok || !turns[index]!.compared) return [];
      return region.before.graph.outputs.map(({ name }) => `r${index}_${name}`);
    });
  }

  async #compare(turns: readonly Turn[], expected: Feeds): Promise<void> {
    const wanted = this.#wanted(turns);
    const actual = await this.#second.run(renamed(turns), wanted);
    const noise: Feeds[] = [];
    for (const [index, entry] of this.#entries.entries()) {
      const turn = turns[index]!;
      if (!turn.compared || !entry.ok) continue;
      const judged = (): Judgement =>
        judgeEntry(
          entry,
          turn,
          pick(expected, index),
          pick(actual, index),
          noise.map((run) => pick(run, index)),
        );
      let judgement = judged();
      for (const seed of NOISE_SEEDS) {
        if (judgement.ok || entry.region.semantics === 'exact') break;
        if (noise.length <= NOISE_SEEDS.indexOf(seed))
          noise.push(await this.#first.run(perturb(renamed(turns), seed), wanted));
        judgement = judged();
      }
      entry.runs++;
      entry.ok = judgement.ok;
      entry.maxRel = Math.max(entry.maxRel, judgement.maxRel);
      entry.noiseFloor = Math.max(entry.noiseFloor, judgement.noiseFloor);
    }
  }
}

function verdictOf({ maxRel, noiseFloor, runs, base }: Entry): RegionVerdict {
  return { status: 'verified', maxRel, noiseFloor, runs, binding: base, method: 'runtime' };
}

function judgeEntry(
  { first, region }: Entry,
  turn: Turn,
  expected: Feeds,
  actual: Feeds,
  noise: readonly Feeds[],
): Judgement {
  const exact = region.semantics === 'exact';
  const judgement = judge(rowsOf(expected, actual, noise, !exact), exact ? 'identical' : 0);
  if (exact || judgement.ok) return judgement;
  return judge(rowsOf(expected, actual, noise, true), roundingFloor(first, turn.binding));
}

function renamed(turns: readonly Turn[]): Feeds {
  const feeds: Record<string, NumericArray> = {};
  for (const [index, turn] of turns.entries()) {
    for (const [name, array] of Object.entries(turn.feeds)) feeds[`r${index}_${name}`] = array;
  }
  return feeds;
}

function pick(outputs: Feeds, index: number): Feeds {
  const prefix = `r${index}_`;
  const own = Object.entries(outputs).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(prefix.length), array]));
}

/** Without symbols: those of different regions stand for different sizes. */
function anonymous(type: Type | undefined): Type | undefined {
  if (type?.kind !== 'tensor' || !type.shape) return type;
  return { ...type, shape: type.shape.map((dim) => (typeof dim === 'number' ? dim : null)) };
}

/** The models side by side in one, names of inputs and outputs prefixed by their place. They have the same opsets. */
function merge(models: readonly Model[]): Model {
  const { irVersion, opsets } = models[0]!;
  const whole = new Model(create('ModelProto', {}), { irVersion, opsets });
  for (const [index, { graph, functions }] of models.entries()) {
    const map: ValueMap = new Map();
    for (const slot of graph.inputs) {
      map.set(slot.value, whole.graph.addInput({ name: `r${index}_${slot.name}`, type: anonymous(slot.value.type) }));
    }
    copyContents(graph, whole.graph, map);
    for (const slot of graph.outputs) {
      whole.graph.addOutput({ name: `r${index}_${slot.name}`, value: map.get(slot.value)! });
    }
    for (const [key, fn] of functions) whole.functions.set(key, fn);
  }
  return whole;
}
