import {
  type Dim,
  type Edit,
  type Graph,
  isOp,
  key,
  type Model,
  type Node,
  type PassContext,
  Tensor,
  type Types,
  type Value,
} from '#core';
import type { Plan } from '../_shared/node-rules.js';
import { exclusiveCone } from '../_shared/exclusive-cone.js';
import { sameDim } from '../_shared/facts.js';
import { hasShapeRange, isComputed, shapeRange } from './operands.js';

/** Lists of sizes longer than this are left alone. */
const MAX_LIST = 16;

/** Lists of sizes with the same elements become one, the first of a scope or of a scope around it. */
export function shareSizes(model: Model, cx: PassContext): void {
  const tables = new Map<Graph, Map<string, Value>>();
  for (const graph of model.graphs()) {
    const table = new Map<string, Value>();
    tables.set(graph, table);
    for (const node of graph.topo()) {
      for (const value of node.outputs) {
        if (!node.alive || value.uses.size === 0 || !isComputed(value)) continue;
        const name = keyOf(cx.types, value);
        if (name === undefined) continue;
        const same = find(tables, graph, name);
        if (!same) table.set(name, value);
        else if (!cx.rewrite('same-sizes', node, (edit) => edit.replace(value, same))) table.set(name, value);
      }
    }
  }
}

function keyOf(types: Types, value: Value): string | undefined {
  const known = types.elements(value);
  if (!known || known.elements.length > MAX_LIST || known.elements.includes(null)) return undefined;
  if (known.elements.every((item) => typeof item === 'number')) return undefined;
  return `${known.dtype}[${known.shape.join()}]${known.elements.map(key).join()}`;
}

function find(tables: ReadonlyMap<Graph, Map<string, Value>>, graph: Graph, name: string): Value | undefined {
  for (let at: Graph | undefined = graph; at; at = at.outer) {
    const value = tables.get(at)?.get(name);
    if (value?.producer?.alive) return value;
  }
  return undefined;
}

/** Where a size can be read: axis `axis` of `value`. */
interface Source {
  readonly value: Value;
  readonly axis: number;
}

/** Part of a list of sizes: numbers, or neighbouring axes of one value. */
type Part =
  | { readonly kind: 'numbers'; readonly sizes: number[] }
  | { readonly kind: 'axes'; readonly value: Value; readonly start: number; end: number };

/** Reads sizes from the inputs that have them, where this takes fewer nodes than computing them as the model does. */
export function shortenSizes(model: Model, cx: PassContext): void {
  const inputs = model.graph.inputs.map((slot) => slot.value).filter((value) => value.def.kind === 'input');
  for (const graph of model.graphs()) {
    for (const node of graph.topo()) {
      const [value] = node.outputs;
      if (!value || !node.alive || node.outputs.length !== 1 || node.bodies.length > 0) continue;
      const plan = planShorter(node, value, isInFunction(graph) ? [] : inputs, cx.types);
      if (plan) cx.rewrite('direct-size', node, plan);
    }
  }
}

function isInFunction(graph: Graph): boolean {
  let at = graph;
  while (at.outer) at = at.outer;
  return at.role.kind === 'function';
}

function planShorter(node: Node, value: Value, inputs: readonly Value[], types: Types): Plan | undefined {
  const known = types.elements(value);
  if (!known || known.dtype !== 'int64' || known.shape.length > 1 || keyOf(types, value) === undefined)
    return undefined;
  const dying = exclusiveCone(node);
  const candidates = [...inputs, ...dying.flatMap((each) => (isOp(each, 'Shape') ? [each.inputs[0]!] : []))];
  const sources = known.elements.map((dim) => (typeof dim === 'number' ? dim : findSource(dim, candidates, types)));
  if (sources.includes(undefined)) return undefined;
  const opset = node.graph.opset('');
  const found = sources as readonly (Source | number)[];
  const recipe = known.shape.length === 0 ? scalarRecipe(found[0] as Source) : listRecipe(found, types, opset);
  const spared = new Set(dying);
  return recipe.cost(spared) < dying.length ? (edit) => edit.replace(value, recipe.build(edit)) : undefined;
}

function findSource(dim: Dim, candidates: readonly Value[], types: Types): Source | undefined {
  for (const value of candidates) {
    const axis = types.shape(value)?.findIndex((size) => sameDim(size, dim)) ?? -1;
    if (axis >= 0) return { value, axis };
  }
  return undefined;
}

/** How a list of sizes is made: the nodes that it takes, beyond those that stand anyway, and their making. */
interface Recipe {
  cost(dying: ReadonlySet<Node>): number;
  build(edit: Edit): Value;
}

function scalarRecipe(source: Source): Recipe {
  return {
    cost: (dying) => 1 + (findShape(source.value, undefined, dying) ? 0 : 1),
    build: (edit) => {
      const index = edit.constant('', Tensor.int64([], [source.axis]));
      return edit.node('Gather', [edit.node('Shape', [source.value]), index], { axis: 0 });
    },
  };
}

function listRecipe(sources: readonly (Source | number)[], types: Types, opset: number | undefined): Recipe {
  const parts = partsOf(sources);
  const isWhole = (part: Part): boolean =>
    part.kind === 'axes' && part.start === 0 && part.end === types.shape(part.value)?.length;
  const nodesOf = (part: Part, dying: ReadonlySet<Node>): number => {
    if (part.kind === 'numbers') return 0;
    if (isWhole(part)) return findShape(part.value, undefined, dying) ? 0 : 1;
    if (hasShapeRange(opset)) return findShape(part.value, [part.start, part.end], dying) ? 0 : 1;
    return 1 + (findShape(part.value, undefined, dying) ? 0 : 1);
  };
  const build = (edit: Edit, part: Part): Value => {
    if (part.kind === 'numbers') return edit.constant('', Tensor.int64([part.sizes.length], part.sizes));
    if (isWhole(part)) return edit.node('Shape', [part.value]);
    const { value, start, end } = part;
    if (hasShapeRange(opset)) return edit.node('Shape', [value], { start, end });
    const axes = Array.from({ length: end - start }, (_, at) => start + at);
    return edit.node('Gather', [edit.node('Shape', [value]), edit.constant('', Tensor.int64([axes.length], axes))], {
      axis: 0,
    });
  };
  return {
    cost: (dying) => parts.reduce((sum, part) => sum + nodesOf(part, dying), parts.length > 1 ? 1 : 0),
    build: (edit) => {
      const values = parts.map((part) => build(edit, part));
      return values.length === 1 ? values[0]! : edit.node('Concat', values, { axis: 0 });
    },
  };
}

function partsOf(sources: readonly (Source | number)[]): readonly Part[] {
  const parts: Part[] = [];
  for (const source of sources) {
    const last = parts.at(-1);
    if (typeof source === 'number') {
      if (last?.kind === 'numbers') last.sizes.push(source);
      else parts.push({ kind: 'numbers', sizes: [source] });
    } else if (last?.kind === 'axes' && last.value === source.value && last.end === source.axis) last.end++;
    else parts.push({ kind: 'axes', value: source.value, start: source.axis, end: source.axis + 1 });
  }
  return parts;
}

/** A Shape node that reads this already and is not about to go; sharing makes the new one the same node later. */
function findShape(
  value: Value,
  range: readonly [number, number] | undefined,
  dying: ReadonlySet<Node>,
): Node | undefined {
  for (const use of value.uses) {
    if (use.kind !== 'input' || !isOp(use.node, 'Shape') || dying.has(use.node)) continue;
    const [start, end] = shapeRange(use.node, Number.MAX_SAFE_INTEGER);
    const isSame = range ? start === range[0] && end === range[1] : start === 0 && end === Number.MAX_SAFE_INTEGER;
    if (isSame) return use.node;
  }
  return undefined;
}
