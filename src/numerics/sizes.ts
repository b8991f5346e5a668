import { evaluate, symbols } from '../dim/dim.js';
import { elementCount } from '../tensor/array.js';
import { type Binding, type InputPlan, shapeUnder, type SymbolRole } from './inputs.js';

/** Sizes of images and of sequences that models ask for; odd ones first, since even ones hide mistakes at borders. */
const PROFILES: readonly { readonly space: number; readonly other: number }[] = [
  { space: 37, other: 7 },
  { space: 64, other: 8 },
  { space: 32, other: 512 },
  { space: 96, other: 16 },
  { space: 224, other: 77 },
  { space: 4, other: 3 },
  { space: 256, other: 64 },
  { space: 128, other: 128 },
  { space: 320, other: 196 },
  { space: 48, other: 1 },
  { space: 512, other: 32 },
  { space: 112, other: 256 },
  { space: 28, other: 50 },
  { space: 384, other: 197 },
  { space: 640, other: 1024 },
];

const PAST = 3;

/** Elements of the inputs of a region beyond which it is first tried with a smaller image. */
const LARGE = 2 ** 17;
const SMALL_SPACE = 9;
/** Elements of the inputs of a region beyond which sizes that the whole did not ask for are made smaller. */
const MEDIUM = 2 ** 14;
const FEW = new Map([
  [3, 2],
  [7, 5],
  [9, 6],
]);

/**
 * Bindings to try in this order until one runs. For a part of a model `hint` has the sizes on which the whole ran: they come first, but
 * for images, which a part seldom needs as large.
 */
export function* bindingLadder(plan: InputPlan, hint?: Binding): Generator<Binding> {
  const names = [...plan.symbols];
  const seen = new Set<string>();
  if (hint && names.length > 0) {
    const [first] = arrangements(names, { ...PROFILES[0]!, batch: 3 });
    const hinted = new Map([...first!].map(([name, size]) => [name, hint.get(name) ?? size]));
    const elements = elementsUnder(plan, hinted);
    if (elements > LARGE) {
      const isSpace = (name: string): boolean => plan.symbols.get(name) === 'space';
      yield new Map([...hinted].map(([name, size]) => [name, isSpace(name) ? Math.min(size, SMALL_SPACE) : size]));
    } else if (elements > MEDIUM) yield smaller(hinted, first!);
    yield hinted;
  }
  for (const profile of PROFILES) {
    for (const batch of [3, 1]) {
      for (const binding of arrangements(names, { ...profile, batch })) {
        const key = [...binding.values()].join();
        if (seen.has(key)) continue;
        seen.add(key);
        yield binding;
      }
    }
  }
}

/** Sizes that are as they were tried first are free, so that fewer do. */
function smaller(hinted: Binding, free: Binding): Binding {
  return new Map([...hinted].map(([name, size]) => [name, free.get(name) === size ? (FEW.get(size) ?? size) : size]));
}

/** Elements of one input, with sizes that are ours to choose, beyond which no values are made. */
const HUGE = 2 ** 25;

/** Whether an input of open sizes is too large to be made: many sizes that are open make few of each many together. */
export function isTooLarge({ inputs, symbols }: InputPlan, binding: Binding): boolean {
  return symbols.size > 0 && inputs.some(({ shape }) => elementCount(shapeUnder(shape, binding)) > HUGE);
}

function elementsUnder(plan: InputPlan, binding: Binding): number {
  return plan.inputs.reduce((sum, { shape }) => sum + elementCount(shapeUnder(shape, binding)), 0);
}

interface Profile {
  readonly batch: number;
  readonly space: number;
  readonly other: number;
}

/** Sizes that differ, sizes that agree, one long and the rest as the batch (states), and one that is the sum of a cache's and another's. */
function* arrangements(names: readonly (readonly [string, SymbolRole])[], profile: Profile): Generator<Binding> {
  const base = (spread: number): Map<string, number> => {
    const binding = new Map<string, number>();
    let others = 0;
    for (const [name, role] of names) {
      if (role === 'batch') binding.set(name, profile.batch);
      else if (role === 'space') binding.set(name, profile.space);
      else if (role === 'past') binding.set(name, PAST);
      else binding.set(name, profile.other + spread * others++);
    }
    return binding;
  };
  yield base(2);
  yield base(0);
  const others = names.filter(([, role]) => role === 'other').map(([name]) => name);
  for (const long of others.length > 1 ? others.slice(0, 4) : []) {
    const binding = base(0);
    for (const name of others) binding.set(name, name === long ? profile.other : profile.batch);
    yield binding;
  }
  if (!names.some(([, role]) => role === 'past')) return;
  for (const total of others.slice(0, 4)) {
    const binding = base(0);
    binding.set(total, PAST + profile.other);
    yield binding;
  }
}

/** Bindings near one that runs, with other sizes for the samples that follow it; some of them may be refused. */
export function* variations(plan: InputPlan, base: Binding): Generator<Binding> {
  const roles = plan.symbols;
  const change = (role: SymbolRole, to: (size: number) => number): Binding | undefined => {
    const next = new Map(base);
    for (const [name, size] of base) if (roles.get(name) === role) next.set(name, to(size));
    return [...next].some(([name, size]) => base.get(name) !== size) ? next : undefined;
  };
  const tries = [
    change('batch', (size) => (size === 1 ? 3 : 1)),
    change('other', (size) => size + 4),
    change('past', () => 0),
    change('space', (size) => (size % 32 === 0 ? size + 32 : size + 6)),
    change('batch', (size) => size + 1),
    change('other', (size) => Math.max(1, size - 2)),
  ];
  for (const binding of tries) if (binding) yield binding;
}

/** Elements of the inputs under sizes that are made larger than asked for. */
const MOST_LIFTED = 2 ** 20;

/**
 * The binding with sizes large enough that no dim that depends on them is 1, where an operator along it would do nothing: the last
 * features of a small image; nothing when there is no such dim, or it takes too much.
 */
export function lifted(plan: InputPlan, base: Binding): Binding | undefined {
  const next = new Map(base);
  for (const { shape } of plan.inputs) {
    for (const dim of shape) {
      const names = [...symbols(dim)].filter((name) => plan.symbols.get(name) !== 'batch');
      for (let tries = 0; tries < 4 && names.length > 0 && evaluate(dim, next) === 1; tries++)
        for (const name of names) next.set(name, 2 * (next.get(name) ?? 1));
    }
  }
  const isOther = [...next].some(([name, size]) => base.get(name) !== size);
  return isOther && elementsUnder(plan, next) <= MOST_LIFTED ? next : undefined;
}

/** Half and twice each size of a binding, then the ladder. */
export function* beside(plan: InputPlan, base: Binding): Generator<Binding> {
  for (const factor of [0.5, 2, 0.25, 4]) {
    for (const [name, size] of base) {
      if (plan.symbols.get(name) !== 'batch' && Number.isInteger(size * factor))
        yield new Map(base).set(name, size * factor);
    }
  }
  yield* bindingLadder(plan);
}

/** Elements that hold all kinds of edges some times over. */
const ROOM = 256;

/** The binding with a larger batch where inputs are so small that few values find place in them. */
export function roomy(plan: InputPlan, base: Binding): Binding {
  if (elementsUnder(plan, base) >= ROOM) return base;
  return new Map([...base].map(([name, size]) => [name, plan.symbols.get(name) === 'batch' ? size * 16 : size]));
}

/** Bindings with sizes that a refusal named, such as the 77 in "7 by 77", or that make the shapes in it hold as many elements. */
export function* hinted(plan: InputPlan, message: string, base: Binding): Generator<Binding> {
  const said = message.replaceAll(/\S*[/\\]\S*/g, ''); // without paths of files and names of nodes
  const numbers = new Set([...said.matchAll(/\b\d{1,4}\b/g)].map(([text]) => Number(text)));
  const [from, to] = [...said.matchAll(/\{([\d, ]+)\}/g)].map(([, list]) => product(list!));
  for (const [name, now] of from && to ? base : []) {
    const size = (now * to!) / from!;
    if (Number.isInteger(size) && size > 0 && plan.symbols.has(name)) yield new Map(base).set(name, size);
  }
  for (const size of [...numbers].filter((number) => number > 0 && number <= 2048).slice(0, 8)) {
    for (const [name, now] of base) {
      if (now !== size && plan.symbols.has(name)) yield new Map(base).set(name, size);
    }
  }
}

function product(list: string): number {
  return list.split(',').reduce((size, dim) => size * Number(dim), 1);
}
