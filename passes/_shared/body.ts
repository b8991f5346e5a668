import { capturedValues, copyContents, Graph, type Node, type Value } from '#core';

/** A copy of a body with some of its inputs and outputs only; what is left out must not be needed by what stays. */
export function narrowBody(body: Graph, inputs: ReadonlySet<number>, outputs: ReadonlySet<number>): Graph {
  const copy = new Graph(body.model, { kind: 'body' });
  const map = new Map<Value, Value>();
  const needed = neededNodes(body, outputs);
  body.inputs.forEach((slot, index) => {
    if (inputs.has(index)) map.set(slot.value, copy.addInput({ name: slot.name, type: slot.value.type }));
  });
  copyContents(body, copy, map);
  body.outputs.forEach((slot, index) => {
    if (outputs.has(index)) copy.addOutput({ ...slot, value: map.get(slot.value) ?? slot.value });
  });
  const dead = [...body.topo()].reverse().filter((node) => !needed.has(node));
  for (const node of dead) copy.erase(map.get(node.outputs[0]!)!.producer!);
  copy.proto = body.proto;
  return copy;
}

/** Nodes of a body that these outputs need. */
export function neededNodes(body: Graph, outputs: ReadonlySet<number>): ReadonlySet<Node> {
  const needed = new Set<Node>();
  const stack: (Value | undefined)[] = body.outputs.filter((_, index) => outputs.has(index)).map((slot) => slot.value);
  while (stack.length > 0) {
    const node = stack.pop()?.producer;
    if (!node || node.graph !== body || needed.has(node)) continue;
    needed.add(node);
    stack.push(...node.inputs, ...capturedValues(node));
  }
  return needed;
}

/** A body without inputs that gives the outputs of two such bodies. */
export function joinBodies(first: Graph, second: Graph): Graph {
  const joined = new Graph(first.model, { kind: 'body' });
  const names = new Set<string>();
  for (const body of [first, second]) {
    const map = new Map<Value, Value>();
    copyContents(body, joined, map);
    for (const slot of body.outputs) {
      let { name } = slot;
      while (names.has(name)) name = `${name}_`;
      names.add(name);
      const { info: _info, ...rest } = slot;
      joined.addOutput({ ...(name === slot.name ? slot : rest), name, value: map.get(slot.value) ?? slot.value });
    }
  }
  joined.proto = first.proto;
  return joined;
}
