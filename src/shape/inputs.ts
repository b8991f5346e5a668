import { shapeBinding, shapeNegative } from '../diagnostics/codes/shape.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { type Dim, format, parse, solve, substitute, symbol, symbols } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { InputSlot } from '../ir/slots.js';
import { type Shape, tensorType, type Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { findDType } from '../tensor/dtype.js';
import { constantFact, declaredElements, type Fact, showShape } from './fact.js';

/** Types of the inputs of the main graph with every axis named. */
export interface InputFacts {
  readonly facts: ReadonlyMap<Value, Fact>;
  /** Whether a name is declared in the model or stands for an unnamed axis. */
  readonly isTaken: (name: string) => boolean;
  readonly problems: readonly Diagnostic[];
}

/** Names that exporters write for an axis without a name. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['?', '-1', 'None', 'none', 'unk']);

/**
 * The facts of the graph's inputs: declared dims are believed, equal names are equal sizes, an axis without a name gets a symbol of
 * its own. A declared name that is an expression over other declared names (`past + 1`) is that expression. `bindings` replaces dims by input name
 * (`null` keeps one); clashes are reported as `shape/binding` and leave the declared size.
 */
export function inputFacts(model: Model, bindings: ReadonlyMap<string, Shape>): InputFacts {
  const slots = model.graph.inputs;
  const names = new Set<string>();
  for (const slot of slots) for (const dim of shapeOf(slot)) for (const name of symbols(dim)) names.add(name);
  let declared: ReadonlySet<string> | undefined;
  const isTaken = (name: string): boolean => names.has(name) || (declared ??= declaredNames(model)).has(name);
  const shapes = new Map<InputSlot, Shape>();
  for (const slot of slots) {
    const { type } = slot.value;
    if (type?.kind !== 'tensor' || !type.shape || slot.value.def.kind !== 'input') continue;
    shapes.set(
      slot,
      type.shape.map((dim, axis) => namedDim(dim, `${slot.name}_dim${axis}`, names, isTaken)),
    );
  }
  const { solution, problems } = bind(shapes, bindings, slots);
  for (const slot of slots) problems.push(...negativeDims(slot));
  const facts = new Map<Value, Fact>();
  for (const slot of slots) {
    if (slot.value.def.kind !== 'input') continue;
    facts.set(slot.value, { type: typeOf(slot, shapes.get(slot), bindings.get(slot.name), solution) });
  }
  return { facts, isTaken, problems };
}

/** Declared sizes below 0; -1 is how some exporters write an unknown one. */
function negativeDims(slot: InputSlot): Diagnostic[] {
  const dims = slot.info?.type?.tensorType?.shape?.dim ?? [];
  const negative = dims.flatMap(({ dimValue }) => (dimValue !== undefined && dimValue < -1n ? [dimValue] : []));
  return negative.map((size) => shapeNegative({ path: 'main', slot: slot.name }, `input "${slot.name}"`, String(size)));
}

/** Names in the declared types of all nodes' outputs. */
function declaredNames(model: Model): ReadonlySet<string> {
  const names = new Set<string>();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) {
      for (const value of node.outputs) {
        for (const dim of dimsOf(value.type)) for (const name of symbols(dim)) names.add(name);
      }
    }
  }
  return names;
}

function dimsOf(type: Type | undefined): Shape {
  return type?.kind === 'tensor' || type?.kind === 'sparse' ? (type.shape ?? []) : [];
}

function shapeOf(slot: InputSlot): Shape {
  return slot.value.def.kind === 'input' ? dimsOf(slot.value.type) : [];
}

function namedDim(dim: Dim, fallback: string, names: Set<string>, isTaken: (name: string) => boolean): Dim {
  if (typeof dim === 'number') return dim;
  const name = dim === null ? undefined : [...symbols(dim)][0];
  if (dim !== null && (name === undefined || !PLACEHOLDERS.has(name))) return expressionOf(dim, name, names);
  let unique = fallback.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
  while (isTaken(unique)) unique += '_';
  names.add(unique);
  return symbol(unique);
}

function expressionOf(dim: Dim, name: string | undefined, names: ReadonlySet<string>): Dim {
  if (name === undefined || /^\w+$/.test(name)) return dim;
  const parsed = parse(name);
  if (parsed === undefined || parsed === null || typeof parsed === 'number') return dim;
  return [...symbols(parsed)].every((part) => names.has(part)) ? parsed : dim;
}

function typeOf(
  slot: InputSlot,
  shape: Shape | undefined,
  bound: Shape | undefined,
  solution: Solution,
): Type | undefined {
  const declared = slot.value.type;
  if (!declared) return slot.fallback && { kind: 'tensor', dtype: slot.fallback.dtype };
  if (declared.kind !== 'tensor') return declaredElements(declared);
  const dims = shape ?? bound;
  const dtype = declared.dtype ?? slot.fallback?.dtype;
  return {
    kind: 'tensor',
    ...(dtype && { dtype }),
    ...(dims && { shape: dims.map((dim) => substitute(dim, solution)) }),
  };
}

type Solution = ReadonlyMap<string, Dim>;

/** The symbols that the bindings determine. */
function bind(
  shapes: ReadonlyMap<InputSlot, Shape>,
  bindings: ReadonlyMap<string, Shape>,
  slots: readonly InputSlot[],
): { solution: Solution; problems: Diagnostic[] } {
  const solution = new Map<string, Dim>();
  const origin = new Map<string, string>();
  const problems: Diagnostic[] = [];
  const complain = (what: string): void => void problems.push(shapeBinding({ path: 'main' }, what));
  for (const [name, bound] of bindings) {
    const slot = slots.find((each) => each.name === name);
    if (!slot) {
      complain(`the model has no input "${name}"; its inputs are ${slots.map((each) => `"${each.name}"`).join(', ')}`);
      continue;
    }
    const shape = shapes.get(slot);
    if (shape && shape.length !== bound.length) {
      complain(
        `input "${name}" has shape ${showShape(shape)} of rank ${shape.length}, but ${showShape(bound)} was given`,
      );
      continue;
    }
    shape?.forEach((dim, axis) => {
      const size = bound[axis] ?? null;
      if (size === null) return;
      const now = substitute(dim, solution);
      const equation = solve(now, size);
      if (equation === null || equation.holds === 'always') return;
      const { solution: solved } = equation;
      if (equation.holds === 'never' || !solved) {
        const before = [...symbols(dim)].flatMap((each) => origin.get(each) ?? []);
        const why = before.length > 0 ? `, which is ${format(now)} by ${before.join(' and ')}` : '';
        complain(`axis ${axis} of input "${name}" is ${format(dim)}${why}, but ${format(size)} was given`);
        return;
      }
      for (const [key, value] of solution)
        solution.set(key, substitute(value, new Map([[solved.symbol, solved.value]])));
      solution.set(solved.symbol, solved.value);
      origin.set(solved.symbol, `${name}[${axis}] = ${format(size)}`);
    });
  }
  return { solution, problems };
}

/** The fact of a value that no node makes; a sparse initializer is read as the dense tensor that it stands for. */
export function definedFact(value: Value): Fact | undefined {
  const { def } = value;
  if (def.kind === 'initializer') return constantFact(def.tensor);
  if (def.kind !== 'sparse-initializer') return undefined;
  const { dims, values } = def.tensor;
  return { type: tensorType(findDType(values?.dataType ?? 0), dims.map(Number)) };
}
