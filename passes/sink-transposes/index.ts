import { type Edit, type Graph, isOp, type Model, type Node, type Pass, type PassContext, type Value } from '#core';
import { permutationOf } from '../_shared/permutation.js';
import { isTransposable, transposedTensor } from '../_shared/transposed-tensor.js';
import { divide, type Member } from '../_shared/cut.js';
import { biasOf, movesChannelsFirst, pointwiseKernel } from './pointwise-conv.js';
import { findRegion, Layouts, type Region } from './region.js';
import { addRelaidOut, droppedAxes, withAxes } from './relayout.js';

/**
 * Lets operators that don't care for the order of axes work between Transposes rather than behind them, where fewer Transposes are
 * left then. For each permutation the operators that could work in the permuted layout form regions; which of them do is a minimum
 * cut, so no other choice leaves fewer. Every rewrite takes away a Transpose, or lets a product take in its bias as a convolution, and
 * adds no other node: it ends.
 */
export const sinkTransposes: Pass = {
  name: 'sink-transposes',
  summary:
    'transposes move through elementwise operators, reductions, Softmax, Concat, Split, Pad, Slice and linear layers where nodes go by it',
  semantics: 'equivalent',
  rules: { 'sink-transpose': 'operators of a region work in the permuted layout' },
  run(model: Model, cx) {
    for (const graph of model.graphs()) {
      for (const perm of permutationsIn(graph, cx)) sinkIn(new Layouts(graph, perm, cx.types), cx);
    }
  },
};

/** The permutations of a graph, in order of appearance. */
function permutationsIn(graph: Graph, cx: PassContext): readonly (readonly number[])[] {
  const found = new Map<string, readonly number[]>();
  for (const node of graph.topo()) {
    const perm = isOp(node, 'Transpose') ? permutationOf(node, cx.types) : undefined;
    if (perm && perm.some((axis, at) => axis !== at)) found.set(perm.join(), perm);
  }
  return [...found.values()];
}

function sinkIn(layouts: Layouts, cx: PassContext): void {
  const seen = new Set<Value>();
  for (const transpose of layouts.graph.topo()) {
    const near = isOp(transpose, 'Transpose') && transpose.alive ? layouts.nearby(transpose) : [];
    for (const value of near) {
      const node = value.producer;
      if (!node?.alive || !transpose.alive || node.graph !== layouts.graph || seen.has(value)) continue;
      explainProducts(value, layouts, cx);
      const region = findRegion(value, layouts);
      if (!region) continue;
      for (const each of region.edges.keys()) seen.add(each);
      sinkRegion(region, layouts, value, cx);
    }
  }
}

function sinkRegion(region: Region, layouts: Layouts, start: Value, cx: PassContext): void {
  const root = start.producer!;
  const edges = [...region.edges.values(), ...gainsOf(region)];
  const before = edges.filter((members) => members.includes('permuted') && members.some((each) => each !== 'permuted'));
  const { permuted, divided } = divide(region.nodes.size, edges);
  if (divided >= before.length && !(layouts.isPermuted(start) && isOnlyDropped(start, layouts))) {
    cx.decline('sink-transpose', root, 'no node would be spared', 1);
    return;
  }
  const chosen = new Set([...region.nodes.keys()].filter((_, at) => permuted.has(at)));
  if (growthOf(chosen, region) > MAX_GROWTH) {
    cx.decline('sink-transpose', root, 'constants that others read would have to be kept in both layouts', chosen.size);
    return;
  }
  cx.rewrite('sink-transpose', root, (edit) => new Relayer(edit, region, layouts, chosen).run());
}

/** A product and its bias are one node less on the permuted side: an edge that is divided otherwise. */
function gainsOf({ nodes }: Region): readonly (readonly Member[])[] {
  const numbers = new Map([...nodes.keys()].map((node, at) => [node, at]));
  return [...nodes].flatMap(([node, { becomes }], at) => {
    const bias = becomes && numbers.get(biasOf(node) ?? node);
    return bias === undefined || bias === at ? [] : [[at, bias, 'permuted'] as const];
  });
}

/** Says why products next to a permuted value are none of the region. */
function explainProducts(value: Value, { graph, perm, types }: Layouts, cx: PassContext): void {
  if (!cx.explains || !movesChannelsFirst(perm)) return;
  for (const use of value.uses) {
    if (use.kind !== 'input' || use.node.graph !== graph || !isOp(use.node, 'MatMul')) continue;
    const kernel = pointwiseKernel(use.node, perm.length, types);
    if (typeof kernel === 'string') cx.decline('sink-transpose', value.producer ?? use.node, kernel, 2);
  }
}

/** Whether everything that reads a transposed value drops axes such that it can read what was transposed. */
function isOnlyDropped(value: Value, layouts: Layouts): boolean {
  return [...value.uses].every((use) => {
    const reading = layouts.reading(use);
    return reading.kind === 'either' && reading.node.opType !== 'Transpose';
  });
}

/** Bytes by which constants may grow because they are needed in both layouts. */
const MAX_GROWTH = 512;

function growthOf(chosen: ReadonlySet<Node>, region: Region): number {
  const shared = new Set<Value>();
  for (const node of chosen) {
    const { moved, constants, becomes } = region.nodes.get(node)!;
    for (const index of [...moved, ...constants.keys(), ...(becomes?.operands.keys() ?? [])]) {
      const value = node.inputs[index];
      const isOnly = value && [...value.uses].every((use) => use.kind === 'input' && chosen.has(use.node));
      if (value?.constant && !isOnly) shared.add(value);
    }
  }
  return [...shared].reduce((sum, value) => sum + value.constant!.byteLength, 0);
}

/** Builds the chosen nodes anew in the permuted layout and puts Transposes where layouts meet. */
class Relayer {
  readonly #edit: Edit;
  readonly #region: Region;
  readonly #layouts: Layouts;
  readonly #chosen: ReadonlySet<Node>;
  readonly #permuted = new Map<Value, Value>();

  constructor(edit: Edit, region: Region, layouts: Layouts, chosen: ReadonlySet<Node>) {
    this.#edit = edit;
    this.#region = region;
    this.#layouts = layouts;
    this.#chosen = chosen;
  }

  run(): void {
    const { inverse } = this.#layouts;
    for (const node of this.#region.graph.topo()) {
      if (!this.#chosen.has(node)) continue;
      const made = addRelaidOut(
        this.#edit,
        node,
        this.#region.nodes.get(node)!,
        (value) => this.#toPermuted(value),
        (tensor) => transposedTensor(tensor, inverse),
      );
      node.outputs.forEach((value, index) => this.#permuted.set(value, made[index]!));
    }
    for (const node of this.#chosen) for (const value of node.outputs) this.#serve(value);
    for (const value of this.#region.edges.keys()) {
      if (this.#layouts.isPermuted(value)) this.#serveDropping(value, value.producer!.inputs[0]!);
    }
  }

  #toPermuted(value: Value): Value {
    const known = this.#permuted.get(value);
    if (known) return known;
    const made = this.#make(value);
    this.#permuted.set(value, made);
    return made;
  }

  #make(value: Value): Value {
    const { inverse } = this.#layouts;
    if (this.#layouts.isPermuted(value)) return value.producer!.inputs[0]!;
    const { constant } = value;
    if (constant && isTransposable(constant)) return this.#edit.constant('', transposedTensor(constant, inverse));
    return this.#edit.node('Transpose', [value], { perm: inverse });
  }

  /** Lets what drops axes of a transposed value read what was transposed. */
  #serveDropping(value: Value, permuted: Value): void {
    for (const use of [...value.uses]) {
      const reading = this.#layouts.reading(use);
      if (reading.kind === 'either' && reading.node.opType !== 'Transpose') this.#serveEither(reading.node, permuted);
    }
  }

  /** Gives every reader of a value that was made in the other layout what it needs. */
  #serve(value: Value): void {
    const permuted = this.#permuted.get(value)!;
    const { perm } = this.#layouts;
    let isNeeded = false;
    for (const use of [...value.uses]) {
      const reading = this.#layouts.reading(use);
      if (reading.kind === 'undo') this.#edit.replace(reading.node.outputs[0]!, permuted);
      else if (reading.kind === 'either') this.#serveEither(reading.node, permuted);
      else if (reading.kind === 'original' || !this.#chosen.has(reading.node)) isNeeded = true;
    }
    if (isNeeded) this.#edit.replace(value, this.#edit.node('Transpose', [permuted], { perm }));
  }

  #serveEither(node: Node, permuted: Value): void {
    const { perm, types } = this.#layouts;
    if (node.opType === 'Transpose') {
      const both = permutationOf(node, types)!.map((axis) => perm[axis]!);
      this.#edit.replace(node.outputs[0]!, this.#edit.node('Transpose', [permuted], { perm: both }));
      return;
    }
    const axes = droppedAxes(node, perm.length, types)!.map((axis) => perm[axis]!);
    const made = addRelaidOut(
      this.#edit,
      node,
      withAxes(node, axes),
      () => permuted,
      (tensor) => tensor,
    );
    this.#edit.replace(node.outputs[0]!, made[0]!);
  }
}
