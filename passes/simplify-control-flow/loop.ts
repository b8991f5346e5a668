import { type Graph, isDeterministic, type Node, type PassContext, Tensor, type Value } from '#core';
import { narrowBody, neededNodes } from '../_shared/body.js';
import { knownInts } from '../_shared/facts.js';
import { copiedOutputs, copyInto } from '../_shared/inline.js';
import type { NodeRule, Plan } from '../_shared/node-rules.js';
import { bodyOf, isTrue } from './if.js';

/** More iterations than this are not written out. */
const MAX_TRIPS = 64;

/** Iterations that a Loop surely makes: none of them can end it early. */
function tripsOf(node: Node, body: Graph, { types }: PassContext): number | undefined {
  const [count, ...more] = knownInts(types, node.inputs[0]) ?? [];
  if (count === undefined || more.length > 0 || count > MAX_TRIPS) return undefined;
  if (count <= 0) return 0;
  if (node.inputs[1] && !isTrue(types, node.inputs[1])) return undefined;
  const going = body.outputs[0]?.value;
  return going === body.inputs[1]?.value || isTrue(types, going) ? count : undefined;
}

const unroll: NodeRule = {
  name: 'unrolled-loop',
  summary: 'Loop with a known number of iterations is written out where this takes no more nodes',
  ops: ['Loop'],
  plan(node, cx) {
    const body = bodyOf(node, 'body');
    const trips = body && tripsOf(node, body, cx);
    if (!body || trips === undefined) return undefined;
    const carried = body.inputs.length - 2;
    const isCarried = (index: number): boolean => index < carried;
    const scans = node.outputs.flatMap((output, index) => (!isCarried(index) && output.uses.size > 0 ? [index] : []));
    if (trips === 0 && scans.length > 0) return undefined;
    const lasting = [...body.nodes.values()].filter((each) => !isKnownPerTrip(each, body)).length;
    const collecting = scans.length * (trips + (trips > 1 ? 1 : 0));
    if (trips * lasting + collecting > body.nodes.size + 1) return undefined;
    if (trips > 1 && [...body.nodes.values()].some((each) => !isDeterministic(each))) return undefined;
    return writeOut(node, body, trips, scans);
  },
};

/** Whether a node depends on the number of the iteration and constants alone, and will be folded. */
function isKnownPerTrip(node: Node, body: Graph): boolean {
  const stack: (Value | undefined)[] = [...node.inputs];
  for (let steps = 0; stack.length > 0; steps++) {
    const value = stack.pop();
    if (steps > 64 || node.bodies.length > 0) return false;
    if (!value || value.constant || value === body.inputs[0]?.value) continue;
    const { producer } = value;
    if (producer?.graph !== body) return false;
    stack.push(...producer.inputs);
  }
  return true;
}

function writeOut(node: Node, body: Graph, trips: number, scans: readonly number[]): Plan {
  return (edit) => {
    let state = node.inputs.slice(2) as readonly Value[];
    const collected = new Map(scans.map((index): [number, Value[]] => [index, []]));
    for (let trip = 0; trip < trips; trip++) {
      const map = new Map<Value, Value>();
      body.inputs.forEach((slot, index) => {
        if (index === 0) map.set(slot.value, edit.constant('', Tensor.int64([], [trip])));
        else if (index === 1) map.set(slot.value, edit.constant('', trueScalar()));
        else map.set(slot.value, state[index - 2]!);
      });
      copyInto(edit, body, map);
      const values = copiedOutputs(body, map).slice(1);
      state = values.slice(0, state.length);
      for (const [index, list] of collected) list.push(values[index]!);
    }
    node.outputs.forEach((output, index) => {
      if (index < state.length) edit.replace(output, state[index]!);
      else if (collected.has(index)) edit.replace(output, stack(collected.get(index)!));
    });

    function stack(values: readonly Value[]): Value {
      const isInput = (edit.graph.opset('') ?? 0) >= 13;
      const axes = isInput ? edit.constant('', Tensor.int64([1], [0])) : undefined;
      const rows = values.map((value) => edit.node('Unsqueeze', [value, axes], isInput ? {} : { axes: [0] }));
      return rows.length === 1 ? rows[0]! : edit.node('Concat', rows, { axis: 0 });
    }
  };
}

const trueScalar = (): Tensor => Tensor.from({ dtype: 'bool', shape: [], data: Uint8Array.of(1) });

const deadOutputs: NodeRule = {
  name: 'dead-loop-outputs',
  summary: 'what a Loop carries or collects and nothing needs is not computed',
  ops: ['Loop'],
  plan(node) {
    const body = bodyOf(node, 'body');
    if (!body || node.inputs.length !== body.inputs.length || node.outputs.length !== body.outputs.length - 1)
      return undefined;
    const carried = body.inputs.length - 2;
    const live = liveOutputs(node, body, carried);
    if (live.size === body.outputs.length || live.size === 1) return undefined;
    const keepsInput = (index: number): boolean => index < 2 || live.has(index - 1);
    return (edit) => {
      const inputs = new Set(body.inputs.map((_, index) => index).filter(keepsInput));
      const inner = narrowBody(body, inputs, live);
      const kept = node.outputs.filter((_, index) => live.has(index + 1));
      const operands = node.inputs.filter((_, index) => keepsInput(index));
      const made = loopOf(edit, operands, inner, kept, node.name);
      kept.forEach((output, index) => edit.replace(output, made[index]!));
    };
  },
};

function loopOf(
  edit: Parameters<Plan>[0],
  operands: readonly (Value | undefined)[],
  inner: Graph,
  kept: readonly Value[],
  name: string,
): readonly Value[] {
  const hints = kept.map((output) => output.hint);
  const { graph } = edit;
  // An omitted first condition must keep its place, so operands are given whole.
  return graph.addNode({
    opType: 'Loop',
    inputs: operands,
    outputs: hints,
    attrs: { body: { type: 'GRAPH', value: inner } },
    name,
    ...(edit.root && { near: edit.root, origin: edit.root.origin }),
  }).outputs;
}

/** Outputs of the body that matter: the condition, what is read behind the loop, and what those need of the iteration before. */
function liveOutputs(node: Node, body: Graph, carried: number): ReadonlySet<number> {
  const live = new Set([0]);
  node.outputs.forEach((output, index) => {
    if (output.uses.size > 0) live.add(index + 1);
  });
  for (let before = -1; before !== live.size;) {
    before = live.size;
    const needed = neededNodes(body, live);
    for (let index = 0; index < carried; index++) {
      const input = body.inputs[index + 2]!.value;
      const isRead = [...input.uses].some((use) => reaches(use, body, needed, live));
      if (isRead) live.add(index + 1);
    }
  }
  return live;
}

/** Whether a use of an input of the body lies in what is needed, bodies inside of it included. */
function reaches(
  use: Value['uses'] extends ReadonlySet<infer U> ? U : never,
  body: Graph,
  needed: ReadonlySet<Node>,
  live: ReadonlySet<number>,
): boolean {
  let at: Node | undefined;
  if (use.kind === 'output') {
    if (use.graph === body) return live.has(use.index);
    at = use.graph.parent;
  } else at = use.node;
  while (at && at.graph !== body) at = at.graph.parent;
  return at !== undefined && needed.has(at);
}

/** Rules about Loop. */
export const LOOP_RULES: readonly NodeRule[] = [unroll, deadOutputs];
