import {
  attributesKey,
  constantOf,
  type Edit,
  type Graph,
  hasReference,
  intAttr,
  isOp,
  type Model,
  type Node,
  type Pass,
  type PassContext,
  type Types,
  type Value,
} from '#core';
import { haveSameShape, onlyReader, sameDims } from '../_shared/facts.js';
import { joined } from '../_shared/joined-tensor.js';
import { parallelKey, placeWithin, sumOfBiases, together, type Windows, windowsOf } from './parallel.js';

/** Fewer terms than this stay: two may be a residual connection with a projection. */
const MIN_TERMS = 3;

/**
 * A sum of convolutions of several values, as of skips from all layers, is one convolution of all of them together. It comes late:
 * other passes look for single layers.
 */
export const mergeSums: Pass = {
  name: 'merge-sums',
  summary: 'a sum of convolutions of one value, or of three or more of different values, becomes one convolution',
  semantics: 'equivalent',
  rules: {
    'parallel-convolutions':
      'convolutions of one value that are added up become one, where the windows of one hold the others',
    'sum-of-convolutions': 'convolutions that are added up read their inputs side by side',
  },
  run(model: Model, cx) {
    for (const graph of model.graphs()) {
      if (graph.role.kind !== 'function') mergeIn(graph, cx);
    }
  },
};

function mergeIn(graph: Graph, cx: PassContext): void {
  const seen = new Set<Node>();
  for (const root of graph.topo().toReversed()) {
    if (!isOp(root, 'Add') || seen.has(root)) continue;
    const { terms, sums } = termsOf(root, cx.types);
    for (const sum of sums) seen.add(sum);
    if (mergeParallel(root, terms, cx)) continue;
    for (const group of groupsOf(terms, cx.types)) {
      if (group.length >= MIN_TERMS) rewrite(root, terms, group, cx);
      else
        cx.decline(
          'sum-of-convolutions',
          root,
          `${group.length} convolutions alike are added up, not ${MIN_TERMS}`,
          group.length,
        );
    }
  }
}

/** What is added up by additions of equal shape that nothing else reads, in order. */
function termsOf(root: Node, types: Types): { readonly terms: readonly Value[]; readonly sums: readonly Node[] } {
  const sums: Node[] = [];
  const terms: Value[] = [];
  const stack: Value[] = [root.outputs[0]!];
  for (let value = stack.pop(); value; value = stack.pop()) {
    const sum = value.producer;
    const isSum = isOp(sum, 'Add') && sum.graph === root.graph && (sum === root || onlyReader(value) !== undefined);
    const inputs = sum?.inputs ?? [];
    if (isSum && inputs.length === 2 && inputs.every((each) => haveSameShape(types, each, root.outputs[0]))) {
      sums.push(sum);
      stack.push(inputs[1]!, inputs[0]!);
    } else terms.push(value);
  }
  return { terms, sums };
}

/** Merges the convolutions of one value among the terms; whether there were any. */
function mergeParallel(root: Node, terms: readonly Value[], cx: PassContext): boolean {
  const groups = new Map<string, Windows[]>();
  for (const windows of terms.map(windowsOf)) {
    const key = windows && parallelKey(windows);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), windows!]);
  }
  return [...groups.values()].some((group) => group.length > 1 && mergeGroup(root, terms, group, cx));
}

function mergeGroup(root: Node, terms: readonly Value[], group: readonly Windows[], cx: PassContext): boolean {
  const [outer, ...rest] = group.toSorted((a, b) => b.weight.size - a.weight.size);
  const inner = rest.flatMap((windows) => {
    const place = placeWithin(outer!, windows);
    return place ? [{ windows, place }] : [];
  });
  if (inner.length === 0) {
    cx.decline('parallel-convolutions', root, 'the windows of none hold those of another', 2);
    return false;
  }
  return cx.rewrite('parallel-convolutions', root, (edit) => {
    const sum = together(edit, outer!, inner);
    if (!sum) return false;
    const merged = new Set([outer!, ...inner.map(({ windows }) => windows)].map(({ conv }) => conv.outputs[0]!));
    const others = terms.filter((term) => !merged.has(term));
    edit.replace(
      root.outputs[0]!,
      others.reduce((all, term) => edit.node('Add', [all, term]), sum),
    );
    return true;
  });
}

/** Terms that are convolutions alike but for their inputs and weights. */
function groupsOf(terms: readonly Value[], types: Types): readonly (readonly Value[])[] {
  const groups = new Map<string, Value[]>();
  for (const term of terms) {
    const key = keyOf(term);
    const group = key === undefined ? undefined : (groups.get(key) ?? []);
    if (!group || (group[0] && !areBeside(group[0], term, types))) continue;
    groups.set(key!, [...group, term]);
  }
  return [...groups.values()];
}

function keyOf(term: Value): string | undefined {
  const conv = term.producer;
  if (!isOp(conv, 'Conv') || hasReference(conv) || !onlyReader(term) || intAttr(conv, 'group') !== 1) return undefined;
  const weight = constantOf(conv.inputs[1]);
  const bias = constantOf(conv.inputs[2]);
  if (weight?.dtype !== 'float32' || weight.size === 0 || (conv.inputs[2] && !bias)) return undefined;
  if (conv.inputs[1]!.uses.size > 1) return undefined;
  return [attributesKey(conv.attrs), ...weight.shape.toSpliced(1, 1)].join(' ');
}

/** Whether the inputs of two convolutions differ in their channels alone. */
function areBeside(a: Value, b: Value, types: Types): boolean {
  const [one, other] = [a, b].map((each) => types.shape(each.producer!.inputs[0]!)?.toSpliced(1, 1));
  return sameDims(one, other);
}

function rewrite(root: Node, terms: readonly Value[], group: readonly Value[], cx: PassContext): void {
  cx.rewrite('sum-of-convolutions', root, (edit) => {
    const others = terms.filter((term) => !group.includes(term));
    const sum = others.reduce((all, term) => edit.node('Add', [all, term]), build(edit, group));
    edit.replace(root.outputs[0]!, sum);
  });
}

function build(edit: Edit, group: readonly Value[]): Value {
  const convs = group.map((term) => term.producer!);
  const first = convs[0]!;
  const input = edit.node(
    'Concat',
    convs.map((conv) => conv.inputs[0]),
    { axis: 1 },
  );
  const weights = convs.map((conv) => constantOf(conv.inputs[1])!);
  const weight = edit.constant(first.inputs[1]!.hint, joined(weights, 1));
  return edit.node('Conv', [input, weight, sumOfBiases(edit, convs)], first.attrs);
}
