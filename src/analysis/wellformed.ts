/**
 * The invariants of the IR. A violation is a defect of ours: the loader refuses models that break them, passes keep them.
 *
 * - V1 links are mutual: every use that a value lists reads it, and every read is listed
 * - V2 every value has one definition, which knows it
 * - V3 nodes of a graph do not depend on each other in a circle
 * - V4 uses see only values of their own graph or of graphs around it; functions see nothing outside
 * - V5 the number of inputs and outputs fits the schema, and only optional inputs are omitted
 * - V6 attributes are known to the schema and of its kind
 * - V7 see `Types`: declared types agree with inference or are corrected by it
 * - V8 tensors have the bytes that dtype and shape ask for
 * - V9 the interface is what it was: see {@link interfaceOf}
 * - V10 every domain that nodes use is imported
 * - V11 functions see nothing outside (V4) and call each other without a circle
 * - V12 nothing reads a value of a node that was erased
 *
 * V5, V6 and V10 are checked for nodes that passes made: what the user's model breaks, it may go on breaking.
 */
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { findCallCycle } from '../ir/calls.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { inputParameter, type OpSchema } from '../schema/schema.js';
import { opsetOf, schemaOf } from '../schema/read.js';
import { invariant } from '../support/invariant.js';
import { byteLength } from '../tensor/dtype.js';

/** Checks V1 to V12. O(model). @throws InvariantError naming the invariant and the place */
export function checkWellFormed(model: Model): void {
  const graphs = [...model.graphs()];
  const live = new Set(graphs);
  for (const graph of graphs) {
    invariant(graph.findTopo(), 'V3: the graph has a cycle');
    for (const value of valuesOf(graph)) checkValue(value, graph, live);
    for (const node of graph.nodes.values()) checkNode(node);
    graph.outputs.forEach((slot, index) => {
      invariant(isVisible(slot.value, graph), `V4: output ${slot.name} reads a value that it cannot see`);
      const listed = [...slot.value.uses].some(
        (use) => use.kind === 'output' && use.graph === graph && use.index === index,
      );
      invariant(listed, `V1: the value of output ${slot.name} does not know it`);
    });
  }
  checkCalls(model);
}

function valuesOf(graph: Graph): Value[] {
  const values = [...graph.initializers, ...graph.inputs.map((slot) => slot.value)];
  for (const node of graph.nodes.values()) values.push(...node.outputs);
  return values;
}

function checkValue(value: Value, graph: Graph, live: ReadonlySet<Graph>): void {
  invariant(value.graph === graph, 'V2: a value is listed by a graph that is not its own');
  if (value.def.kind === 'node') {
    const { node, index } = value.def;
    invariant(node.outputs[index] === value, `V2: output ${index} of ${pathOf(node)} is another value`);
  }
  for (const use of value.uses) {
    if (use.kind === 'input') {
      invariant(use.node.alive && live.has(use.node.graph), `V12: an erased ${use.node.op} still reads ${value.hint}`);
      invariant(use.node.inputs[use.index] === value, `V1: ${pathOf(use.node)} does not read ${value.hint} any more`);
    } else {
      invariant(live.has(use.graph), `V12: the output of an erased graph still reads ${value.hint}`);
      invariant(
        use.graph.outputs[use.index]?.value === value,
        `V1: output ${use.index} does not read ${value.hint} any more`,
      );
    }
  }
  const tensor = value.constant;
  if (tensor && tensor.dtype !== 'string' && typeof tensor.data === 'object' && 'length' in tensor.data) {
    const bytes = byteLength(tensor.dtype, tensor.size);
    invariant(
      tensor.data.length === bytes,
      `V8: ${value.hint} has ${tensor.data.length} bytes, its type asks for ${bytes}`,
    );
  }
}

function checkNode(node: Node): void {
  node.inputs.forEach((value, index) => {
    if (!value) return;
    invariant(isVisible(value, node.graph), `V4: input ${index} of ${pathOf(node)} is a value that it cannot see`);
    const producer = value.producer;
    invariant(!producer || producer.alive, `V12: ${pathOf(node)} reads from an erased node`);
    invariant(
      value.uses.has(node.useAt(index)!),
      `V1: input ${index} of ${pathOf(node)} is not listed among the uses of its value`,
    );
  });
  if (node.proto) return;
  invariant(
    opsetOf(node) !== undefined,
    `V10: ${pathOf(node)} needs the domain "${node.domain}", which is not imported`,
  );
  const schema = schemaOf(node);
  if (schema) checkSchema(node, schema);
}

function checkSchema(node: Node, schema: OpSchema): void {
  const { inputs, outputs } = node;
  const at = pathOf(node);
  invariant(
    inputs.length >= schema.minInputs && inputs.length <= schema.maxInputs,
    `V5: ${at} has ${inputs.length} inputs`,
  );
  invariant(
    outputs.length >= schema.minOutputs && outputs.length <= schema.maxOutputs,
    `V5: ${at} has ${outputs.length} outputs`,
  );
  inputs.forEach((value, index) => {
    if (value) return;
    invariant(inputParameter(schema, index)?.option === 'Optional', `V5: input ${index} of ${at} may not be omitted`);
  });
  for (const [name, attr] of node.attrs) {
    const known = schema.attributes.get(name);
    invariant(known, `V6: ${at} has an unknown attribute ${name}`);
    const kind = attr.type === 'REFERENCE' ? attr.of : attr.type;
    invariant(known.type === kind, `V6: attribute ${name} of ${at} is ${kind}, not ${known.type}`);
  }
  for (const [name, attribute] of schema.attributes) {
    invariant(!attribute.required || node.attrs.has(name), `V6: ${at} lacks the attribute ${name}`);
  }
}

function isVisible(value: Value, from: Graph): boolean {
  for (let graph: Graph | undefined = from; graph; graph = graph.outer) if (graph === value.graph) return true;
  return false;
}

function checkCalls(model: Model): void {
  invariant(findCallCycle(model) === undefined, 'V11: functions call each other in a circle');
}

/** Names, dtypes and ranks of inputs and outputs in order: what no pass may change unless it says so (V9). */
export function interfaceOf(model: Model): string {
  const { inputs, outputs } = model.graph;
  const callerSets = inputs.filter((slot) => slot.value.def.kind === 'input');
  const describe = (type: Value['type']): unknown =>
    type?.kind === 'tensor' ? [type.dtype, type.shape?.length] : (type?.kind ?? null);
  return JSON.stringify([
    callerSets.map((slot) => [slot.name, describe(slot.value.type)]),
    outputs.map((slot) => [slot.name, describe(slot.type)]),
  ]);
}
