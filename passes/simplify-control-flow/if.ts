import { capturedValues, type Graph, isOp, type Node, type Types, type Value } from '#core';
import { joinBodies, narrowBody } from '../_shared/body.js';
import { copiedOutputs, copyInto } from '../_shared/inline.js';
import type { NodeRule, Plan } from '../_shared/node-rules.js';
import { knownInts } from '../_shared/facts.js';

const constantIf: NodeRule = {
  name: 'constant-if',
  summary: 'If whose condition is known becomes the branch that is taken',
  ops: ['If'],
  plan(node, { types }) {
    const [taken, ...more] = knownInts(types, node.inputs[0]) ?? [];
    if (taken === undefined || more.length > 0) return undefined;
    const branch = bodyOf(node, taken === 0 ? 'else_branch' : 'then_branch');
    return branch && inlineBranch(node, branch);
  },
};

/** The body that an attribute holds. */
export function bodyOf(node: Node, attribute: string): Graph | undefined {
  const attr = node.attrs.get(attribute);
  return attr?.type === 'GRAPH' ? attr.value : undefined;
}

function inlineBranch(node: Node, branch: Graph): Plan | undefined {
  if (branch.outputs.length < node.outputs.length) return undefined;
  return (edit) => {
    const map = new Map<Value, Value>();
    copyInto(edit, branch, map);
    const values = copiedOutputs(branch, map);
    node.outputs.forEach((output, index) => edit.replace(output, values[index]!));
  };
}

/** Both branches give the same value from outside: no choice is left. */
const sameBranches: NodeRule = {
  name: 'same-branches',
  summary: 'outputs of If that are one outer value in both branches are that value',
  ops: ['If'],
  plan(node) {
    const [yes, no] = [bodyOf(node, 'then_branch'), bodyOf(node, 'else_branch')];
    if (!yes || !no) return undefined;
    const same = node.outputs.flatMap((output, index) => {
      const [a, b] = [yes.outputs[index]?.value, no.outputs[index]?.value];
      return a && a === b && output.uses.size > 0 ? [{ output, value: a }] : [];
    });
    return same.length === 0 ? undefined : (edit) => same.forEach(({ output, value }) => edit.replace(output, value));
  },
};

const deadOutputs: NodeRule = {
  name: 'dead-if-outputs',
  summary: 'outputs of If that nothing reads are not computed',
  ops: ['If'],
  plan(node) {
    const live = new Set(node.outputs.flatMap((output, index) => (output.uses.size > 0 ? [index] : [])));
    const [yes, no] = [bodyOf(node, 'then_branch'), bodyOf(node, 'else_branch')];
    if (live.size === node.outputs.length || live.size === 0 || !yes || !no) return undefined;
    return (edit) => {
      const branch = (graph: Graph) => ({ type: 'GRAPH' as const, value: narrowBody(graph, new Set(), live) });
      const attrs = { then_branch: branch(yes), else_branch: branch(no) };
      const kept = node.outputs.filter((_, index) => live.has(index));
      const made = edit.nodes(
        'If',
        [node.inputs[0]],
        attrs,
        kept.map((output) => output.hint),
        { name: node.name },
      );
      kept.forEach((output, index) => edit.replace(output, made[index]!));
    };
  },
};

const negatedIf: NodeRule = {
  name: 'negated-if',
  summary: 'If of Not takes its branches the other way round',
  ops: ['If'],
  plan(node) {
    const not = node.inputs[0]?.producer;
    const [yes, no] = [bodyOf(node, 'then_branch'), bodyOf(node, 'else_branch')];
    if (!isOp(not, 'Not') || !yes || !no) return undefined;
    return (edit) => {
      edit.graph.setInput(node, 0, not.inputs[0]);
      edit.graph.setAttribute(node, 'then_branch', { type: 'GRAPH', value: no });
      edit.graph.setAttribute(node, 'else_branch', { type: 'GRAPH', value: yes });
    };
  },
};

const joinedIfs: NodeRule = {
  name: 'joined-ifs',
  summary: 'two Ifs with one condition that do not need each other become one',
  ops: ['If'],
  plan(node) {
    const condition = node.inputs[0];
    const places = placesOf(node.graph);
    const other = nearestBefore(node, places).find((each) => !needs(node, each, places));
    if (!other) return undefined;
    const join = (name: string): Graph | undefined => {
      const [a, b] = [bodyOf(other, name), bodyOf(node, name)];
      return a && b && joinBodies(a, b);
    };
    return (edit) => {
      const [yes, no] = [join('then_branch'), join('else_branch')];
      if (!yes || !no) return false;
      const outputs = [...other.outputs, ...node.outputs];
      const attrs = { then_branch: { type: 'GRAPH', value: yes }, else_branch: { type: 'GRAPH', value: no } } as const;
      const made = edit.nodes(
        'If',
        [condition],
        attrs,
        outputs.map((output) => output.hint),
        { name: other.name },
      );
      outputs.forEach((output, index) => edit.replace(output, made[index]!));
      return true;
    };
  },
};

/** Ifs of one condition that each of them is compared with: the nearest, so that a long row of Ifs takes time linear in its length. */
const NEAREST = 8;

const PLACES = new WeakMap<readonly Node[], ReadonlyMap<Node, number>>();

/** Where each node of a graph stands among its nodes in dependency order. */
function placesOf(graph: Graph): ReadonlyMap<Node, number> {
  const order = graph.topo();
  let places = PLACES.get(order);
  if (!places) PLACES.set(order, (places = new Map(order.map((node, place) => [node, place]))));
  return places;
}

/** The Ifs of the same condition that stand before this one in its graph, the nearest first. */
function nearestBefore(node: Node, places: ReadonlyMap<Node, number>): readonly Node[] {
  const place = (each: Node): number => places.get(each) ?? 0;
  const found = new Set<Node>();
  for (const use of node.inputs[0]?.uses ?? []) {
    if (use.kind !== 'input' || use.node.graph !== node.graph || !isOp(use.node, 'If')) continue;
    if (place(use.node) < place(node)) found.add(use.node);
  }
  return [...found].sort((a, b) => place(b) - place(a)).slice(0, NEAREST);
}

/** Nodes that are looked at to see whether one needs another. */
const MAX_SEARCH = 10_000;

/** Whether a node needs a value of another that stands before it; nothing before that one can. */
function needs(node: Node, other: Node, places: ReadonlyMap<Node, number>): boolean {
  const first = places.get(other) ?? 0;
  const seen = new Set<Node>();
  const stack = [node];
  for (let at = stack.pop(); at; at = stack.pop()) {
    for (const value of [...at.inputs, ...capturedValues(at)]) {
      const producer = value?.producer;
      if (!producer || producer.graph !== node.graph || seen.has(producer)) continue;
      if (producer === other || seen.size > MAX_SEARCH) return true;
      if ((places.get(producer) ?? 0) < first) continue;
      seen.add(producer);
      stack.push(producer);
    }
  }
  return false;
}

/** Rules about If. */
export const IF_RULES: readonly NodeRule[] = [constantIf, negatedIf, sameBranches, deadOutputs, joinedIfs];

/** Whether a scalar is known to be true. */
export function isTrue(types: Types, value: Node['inputs'][number]): boolean {
  const known = knownInts(types, value);
  return known?.length === 1 && known[0] === 1;
}
