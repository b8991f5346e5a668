import type { Graph } from '../ir/graph.js';
import { type Fn, functionKey, type Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { intAttr, opsetOf } from '../schema/read.js';
import { defaultAttributes } from '../shape/functions.js';
import { Builder, type Scope } from './builder.js';
import { lowerNode } from './lower.js';
import { relink, type TypeSource, type Val, type View } from './view.js';

/** Something to do while reading graphs; kept on a list, so that depth costs no stack. */
type Task =
  | { readonly kind: 'graph'; readonly graph: Graph; readonly scope: Scope; at: number }
  | { readonly kind: 'then'; readonly run: () => void };

/** Operations beyond which calls are no longer looked into: nested calls can take exponential room. */
const MOST_OPS = 2_000_000;

/** Reads a model into a view. O(operations). */
export function buildView(model: Model, types: TypeSource): View {
  const reader = new Reader(model);
  const scope: Scope = { values: new Map(), attributes: undefined, calls: [] };
  const inputs: Val[] = [];
  for (const slot of model.graph.inputs) {
    if (slot.value.def.kind !== 'input') continue;
    const val = reader.builder.leaf(slot.value, slot.fallback !== undefined);
    scope.values.set(slot.value, val);
    inputs.push(val);
  }
  reader.run({ kind: 'graph', graph: model.graph, scope, at: 0 });
  const outputs = model.graph.outputs.map((slot) => reader.read(slot.value, scope));
  for (const val of outputs) val.isOutput = true;
  return { ops: relink(reader.builder.ops, outputs), inputs, outputs, types };
}

class Reader {
  readonly builder = new Builder();
  readonly #model: Model;
  readonly #tasks: Task[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  run(first: Task): void {
    const tasks = this.#tasks;
    tasks.push(first);
    for (let task = tasks.at(-1); task; task = tasks.at(-1)) {
      if (task.kind === 'then') {
        tasks.pop();
        task.run();
        continue;
      }
      const node = (task.graph.findTopo() ?? [])[task.at++];
      if (node) this.#node(node, task.scope);
      else tasks.pop();
    }
  }

  /** What stands for a value: a parameter when nothing made it. */
  read(value: Value, scope: Scope): Val {
    let val = scope.values.get(value);
    if (!val) scope.values.set(value, (val = this.builder.leaf(value, true)));
    return val;
  }

  #node(node: Node, scope: Scope): void {
    const inputs = node.inputs.map((value) => value && this.read(value, scope));
    const fn = this.#model.functions.get(
      functionKey({ domain: node.domain, name: node.opType, overload: node.overload }),
    );
    if (fn && this.builder.ops.length < MOST_OPS) return this.#call(node, fn, inputs, scope);
    if (node.domain === '' && node.bodies.length > 0) {
      if (node.opType === 'If') return this.#if(node, scope);
      if (node.opType === 'Loop') return this.#loop(node, inputs, scope);
      if (node.opType === 'Scan') return this.#scan(node, inputs, scope);
    }
    lowerNode(this.builder, node, inputs, scope);
  }

  #call(node: Node, fn: Fn, inputs: readonly (Val | undefined)[], scope: Scope): void {
    const attributes = defaultAttributes(fn);
    for (const [name, attr] of node.attrs) {
      const given = attr.type === 'REFERENCE' ? scope.attributes?.get(attr.value) : attr;
      if (given) attributes.set(name, given);
    }
    const inner: Scope = { values: new Map(), attributes, calls: [...scope.calls, node] };
    fn.graph.inputs.forEach((slot, index) => {
      inner.values.set(slot.value, inputs[index] ?? this.builder.leaf(undefined, true));
    });
    this.#body(fn.graph, inner, () => {
      node.outputs.forEach((value, index) => {
        const slot = fn.graph.outputs[index];
        if (slot) scope.values.set(value, this.read(slot.value, inner));
      });
    });
  }

  #if(node: Node, scope: Scope): void {
    const [first, second] = node.bodies.map((body) => body.graph);
    if (!first || !second) return;
    const join = (): void => {
      node.outputs.forEach((value, index) => {
        const ends = [first, second].map((graph) => graph.outputs[index]);
        const inputs = ends.flatMap((slot) => (slot ? [this.read(slot.value, scope)] : []));
        this.builder.add(node, scope, { kind: 'phi', inputs, gives: value });
      });
    };
    this.#tasks.push(
      { kind: 'then', run: join },
      { kind: 'graph', graph: second, scope, at: 0 },
      { kind: 'graph', graph: first, scope, at: 0 },
    );
  }

  /** The first pass through a body stands for all: what is carried is what the loop starts with. */
  #loop(node: Node, inputs: readonly (Val | undefined)[], scope: Scope): void {
    const body = node.bodies[0]!.graph;
    body.inputs.forEach((slot, index) => {
      scope.values.set(slot.value, (index >= 2 ? inputs[index] : undefined) ?? this.builder.leaf(slot.value, true));
    });
    const carried = Math.max(0, body.inputs.length - 2);
    this.#body(body, scope, () => this.#results(node, body, scope, { skip: 1, carried }));
  }

  #scan(node: Node, inputs: readonly (Val | undefined)[], scope: Scope): void {
    const body = node.bodies[0]!.graph;
    const given = (opsetOf(node) ?? 9) < 9 ? inputs.slice(1) : inputs;
    const states = Math.max(0, given.length - (intAttr(node, 'num_scan_inputs') ?? given.length));
    body.inputs.forEach((slot, index) => {
      const outer = given[index];
      if (!outer || index < states) scope.values.set(slot.value, outer ?? this.builder.leaf(slot.value, true));
      else this.builder.add(node, scope, { kind: 'move', type: 'ScanSlice', inputs: [outer], gives: slot.value });
    });
    this.#body(body, scope, () => this.#results(node, body, scope, { skip: 0, carried: states }));
  }

  #results(node: Node, body: Graph, scope: Scope, counts: { readonly skip: number; readonly carried: number }): void {
    node.outputs.forEach((value, index) => {
      const slot = body.outputs[index + counts.skip];
      if (!slot) return;
      const end = this.read(slot.value, scope);
      if (index < counts.carried) scope.values.set(value, end);
      else this.builder.add(node, scope, { kind: 'move', type: 'ScanStack', inputs: [end], gives: value });
    });
  }

  /** Reads a graph before anything else, then runs `after`. */
  #body(graph: Graph, scope: Scope, after: () => void): void {
    this.#tasks.push({ kind: 'then', run: after }, { kind: 'graph', graph, scope, at: 0 });
  }
}
