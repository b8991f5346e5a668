import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Value } from '../ir/value.js';
import { schemaOf } from '../schema/read.js';
import { outputParameter } from '../schema/schema.js';

/**
 * Names for all values of a model: public slots first, then hints, made unique within a graph and against the graphs around it.
 * Values that were read keep their names whenever these are still free. O(values).
 */
export class Names {
  readonly #names = new Map<Value, string>();
  readonly #taken = new Map<Graph, Set<string>>();
  /** Every name that some value would like to have: fresh names avoid them all, also those of inner graphs. */
  readonly #wanted = new Set<string>();

  constructor(model: Model) {
    const graphs = [...model.graphs()];
    for (const graph of graphs) {
      for (const value of valuesOf(graph)) this.#wanted.add(value.hint);
      for (const slot of [...graph.inputs, ...graph.outputs]) this.#wanted.add(slot.name);
    }
    for (const graph of graphs) this.#nameGraph(graph);
  }

  /** The name of a value; empty when nothing uses it and it wants none. */
  get(value: Value): string {
    return this.#names.get(value) ?? '';
  }

  /** A name that is free in this graph, like `hint`; taken from now on. */
  fresh(graph: Graph, hint: string): string {
    const base = hint === '' ? 'value' : hint;
    for (let n = 1; ; n++) {
      const name = `${base}_${n}`;
      if (!this.#wanted.has(name)) {
        this.#wanted.add(name);
        this.#takenIn(graph).add(name);
        return name;
      }
    }
  }

  #nameGraph(graph: Graph): void {
    const taken = this.#takenIn(graph);
    for (const slot of graph.inputs) this.#put(slot.value, slot.name, taken);
    for (const slot of graph.outputs) {
      const own = slot.value.graph === graph && !this.#names.has(slot.value);
      if (own && !taken.has(slot.name)) this.#put(slot.value, slot.name, taken);
      else taken.add(slot.name);
    }
    for (const value of valuesOf(graph)) {
      if (this.#names.has(value) || isOmitted(value)) continue;
      const free = value.hint !== '' && !taken.has(value.hint) && !this.#shadows(graph, value.hint);
      this.#put(
        value,
        free ? value.hint : this.fresh(graph, value.hint || (value.producer?.opType ?? 'constant')),
        taken,
      );
    }
  }

  #put(value: Value, name: string, taken: Set<string>): void {
    this.#names.set(value, name);
    taken.add(name);
  }

  #takenIn(graph: Graph): Set<string> {
    let set = this.#taken.get(graph);
    if (!set) this.#taken.set(graph, (set = new Set()));
    return set;
  }

  /** Whether a graph around this one has the name. Graphs that were read as they are may shadow names; edited ones never do. */
  #shadows(graph: Graph, name: string): boolean {
    if (graph.edits === 0) return false;
    for (let outer = graph.outer; outer; outer = outer.outer) if (this.#takenIn(outer).has(name)) return true;
    return false;
  }
}

/** Gives every value the name under which it is emitted, so that each can be named and found. */
export function settleNames(model: Model): void {
  const names = new Names(model);
  for (const graph of model.graphs()) for (const value of valuesOf(graph)) value.hint = names.get(value);
}

/** Whether an output goes without a name: nothing reads it, and it was read without one, or is optional. Runtimes want names for the others. */
function isOmitted(value: Value): boolean {
  if (value.hint !== '' || value.uses.size > 0) return false;
  if (value.def.kind !== 'node' || value.def.node.proto) return true;
  const schema = schemaOf(value.def.node);
  return !schema || outputParameter(schema, value.def.index)?.option === 'Optional';
}

/** Values that a graph defines, oldest first. */
function valuesOf(graph: Graph): Value[] {
  const values = [...graph.initializers];
  for (const slot of graph.inputs) if (slot.value.def.kind === 'input') values.push(slot.value);
  for (const node of graph.nodes.values()) for (const output of node.outputs) values.push(output);
  return values.sort((a, b) => a.id - b.id);
}
