import type { Attribute } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import type { Shape } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { DType } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { constantOf } from '../schema/constant.js';
import { floatAttr, intAttr, intsAttr, stringAttr } from '../schema/read.js';
import type { Norm } from './norm-kind.js';

/**
 * What an operation does, as far as residual structure is concerned. `mix` sums over positions or channels with weights or data,
 * `phi` joins the branches of an If, `pointwise` is elementwise and none of the others.
 */
export type OpKind =
  | 'add'
  | 'mul'
  | 'div'
  | 'pointwise'
  | 'layout'
  | 'move'
  | 'concat'
  | 'pool'
  | 'mix'
  | 'softmax'
  | 'reduce'
  | 'resize'
  | 'norm'
  | 'phi'
  | 'other';

/** A value of the view: what a value of the model is once Identity, Cast, Dropout, quantization pairs and calls are looked through. */
export interface Val {
  readonly id: number;
  /** The first value of the model that it stands for; absent inside of fused operators. */
  readonly value: Value | undefined;
  /** The operation that makes it; absent for inputs and parameters. */
  op: Op | undefined;
  /** Whether it does not depend on the data that is fed, except on its shape. */
  constant: boolean;
  /** The operations that read it, one entry per use, in order. */
  uses: Op[];
  /** Whether an output of the model is this value. */
  isOutput: boolean;
  /** Where `value` is absent: a value of the same shape. */
  readonly like: Val | undefined;
}

/** An operation of the view. Fused operators of the model are several. */
export interface Op {
  /** Place in a topological order of the view; grows along every edge. */
  readonly order: number;
  kind: OpKind;
  /** ONNX name of what it does: `ReduceMean`, `Conv`, `LayerNormalization`. */
  type: string;
  /** The node of the model that it comes from. */
  readonly node: Node;
  /** Calls that lead to the node, outermost first. */
  readonly calls: readonly Node[];
  /** Operands; omitted optional ones are `undefined`. */
  inputs: readonly (Val | undefined)[];
  readonly outputs: readonly Val[];
  /** For `add`: +1 or −1 per operand. */
  readonly signs: readonly number[] | undefined;
  /** For `norm`: what it is. */
  norm: Norm | undefined;
  /** Inside a function: attributes that the call gives. */
  readonly attributes: ReadonlyMap<string, Attribute> | undefined;
}

/** What is known of the types of a model's values. */
export interface TypeSource {
  shape(value: Value): Shape | undefined;
  dtype(value: Value): DType | undefined;
}

/** A model as a flat graph: calls, If, Loop and Scan inlined, fused operators taken apart, order topological. */
export interface View {
  readonly ops: readonly Op[];
  readonly inputs: readonly Val[];
  readonly outputs: readonly Val[];
  readonly types: TypeSource;
}

/** Place of the operation that makes a value; −1 for inputs and parameters. */
export function orderOf(val: Val): number {
  return val.op?.order ?? -1;
}

/** The shape of a value. */
export function shapeOf(view: View, val: Val): Shape | undefined {
  let at: Val = val;
  while (!at.value && at.like) at = at.like;
  return at.value && view.types.shape(at.value);
}

/** The element type of a value. */
export function dtypeOf(view: View, val: Val): DType | undefined {
  let at: Val = val;
  while (!at.value && at.like) at = at.like;
  return at.value && view.types.dtype(at.value);
}

/** The tensor of a parameter or constant, looking through Reshape and the like that keep its elements. */
export function tensorOf(val: Val | undefined): Tensor | undefined {
  let at = val;
  for (let step = 0; at && step < 16; step++) {
    if (!at.op) return constantOf(at.value);
    if (at.op.kind !== 'layout' && !(at.op.type === 'Expand' && at.constant)) return undefined;
    at = at.op.inputs[0];
  }
  return undefined;
}

/** A constant operand that tells sizes and places, which the view does not list among the operands. */
export function parameterOf(op: Op, index: number): Val | undefined {
  const value = op.node.inputs[index];
  return value && { id: -1, value, op: undefined, constant: true, uses: [], isOutput: false, like: undefined };
}

/** The number that a constant of one element holds. */
export function scalarOf(val: Val | undefined): number | undefined {
  return tensorOf(val)?.scalar();
}

/** An INT attribute with its default. */
export function intOf(op: Op, name: string): number | undefined {
  const given = op.attributes?.get(name);
  return given?.type === 'INT' ? Number(given.value) : intAttr(op.node, name);
}

/** A FLOAT attribute with its default. */
export function floatOf(op: Op, name: string): number | undefined {
  const given = op.attributes?.get(name);
  return given?.type === 'FLOAT' ? given.value : floatAttr(op.node, name);
}

/** An INTS attribute with its default. */
export function intsOf(op: Op, name: string): readonly number[] | undefined {
  const given = op.attributes?.get(name);
  return given?.type === 'INTS' ? given.value.map(Number) : intsAttr(op.node, name);
}

/** A STRING attribute with its default. */
export function stringOf(op: Op, name: string): string | undefined {
  const given = op.attributes?.get(name);
  return given?.type === 'STRING' ? new TextDecoder().decode(given.value) : stringAttr(op.node, name);
}

/** Operands through which data flows: neither parameters nor what merely depends on shapes. */
export function dataInputs(op: Op): Val[] {
  return op.inputs.filter((val): val is Val => val !== undefined && !val.constant);
}

/** The only operand through which data flows; `undefined` when there are none or several. */
export function onlyDataInput(op: Op): Val | undefined {
  const data = new Set(dataInputs(op));
  return data.size === 1 ? [...data][0] : undefined;
}

/** Whether nothing but one operation reads the value, and no output of the model. */
export function hasOneUse(val: Val): boolean {
  return val.uses.length === 1 && !val.isOutput;
}

/** Removes operations that no output needs and lists uses anew. O(edges). */
export function relink(ops: readonly Op[], outputs: readonly Val[]): Op[] {
  const live = new Set<Op>();
  const stack = outputs.flatMap((val) => (val.op ? [val.op] : []));
  for (let op = stack.pop(); op; op = stack.pop()) {
    if (live.has(op)) continue;
    live.add(op);
    for (const val of op.inputs) if (val?.op && !live.has(val.op)) stack.push(val.op);
  }
  const kept = ops.filter((op) => live.has(op));
  for (const op of kept) {
    for (const val of op.inputs) forget(val);
    for (const val of op.outputs) forget(val);
  }
  for (const op of kept) for (const val of op.inputs) val?.uses.push(op);
  return kept;
}

function forget(val: Val | undefined): void {
  if (val && val.uses.length > 0) val.uses = [];
}
