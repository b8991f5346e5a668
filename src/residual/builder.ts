import type { Attribute } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Norm } from './norm-kind.js';
import { type Op, type OpKind, scalarOf, type Val } from './view.js';

/** Where nodes are being read: a function has values and attributes of its own, a body shares those around it. */
export interface Scope {
  readonly values: Map<Value, Val>;
  readonly attributes: ReadonlyMap<string, Attribute> | undefined;
  readonly calls: readonly Node[];
}

/** What an operation is made from. */
export interface OpSpec {
  readonly kind: OpKind;
  readonly type?: string;
  readonly inputs: readonly (Val | undefined)[];
  readonly signs?: readonly number[];
  readonly norm?: Norm;
  /** The value of the model that it gives; absent inside of fused operators. */
  readonly gives?: Value | undefined;
  /** Where it gives none of the model: a value of the same shape. */
  readonly like?: Val | undefined;
  /** Whether the result is random, hence not constant even without inputs. */
  readonly random?: boolean;
}

/** Collects operations and values of a view. */
export class Builder {
  readonly ops: Op[] = [];
  /** Kinds of the operators met so far, by name. */
  readonly kinds = new Map<string, OpKind>();
  #nextVal = 0;

  /** A value that no operation makes. */
  leaf(value: Value | undefined, constant: boolean): Val {
    return this.#val(value, undefined, constant);
  }

  /** Adds an operation with one result, which the scope knows under `spec.gives`. */
  add(node: Node, scope: Scope, spec: OpSpec): Val {
    return this.addMany(node, scope, spec, [spec.gives])[0] as Val;
  }

  /** Adds an operation with several results. */
  addMany(node: Node, scope: Scope, spec: OpSpec, gives: readonly (Value | undefined)[]): readonly Val[] {
    const outputs: Val[] = [];
    const op: Op = {
      order: this.ops.length,
      kind: spec.kind,
      type: spec.type ?? node.opType,
      node,
      calls: scope.calls,
      inputs: spec.inputs,
      outputs,
      signs: spec.signs,
      norm: spec.norm,
      attributes: scope.attributes && hasReference(node) ? resolved(node, scope) : undefined,
    };
    this.ops.push(op);
    const constant = isConstant(spec);
    for (const value of gives) {
      const val = this.#val(value, op, constant, spec.like);
      outputs.push(val);
      if (value) scope.values.set(value, val);
    }
    return outputs;
  }

  #val(value: Value | undefined, op: Op | undefined, constant: boolean, like?: Val): Val {
    return { id: this.#nextVal++, value, op, constant, uses: [], isOutput: false, like };
  }
}

/** Whether a result does not depend on data: neither do its operands, or it is a product with zero. */
function isConstant({ kind, inputs, random }: OpSpec): boolean {
  if (random === true) return false;
  if (kind === 'mul' && inputs.some((val) => val?.constant && scalarOf(val) === 0)) return true;
  return inputs.every((val) => val?.constant ?? true);
}

function hasReference(node: Node): boolean {
  for (const attr of node.attrs.values()) if (attr.type === 'REFERENCE') return true;
  return false;
}

/** The node's attributes with the references to the call's replaced by what the call gives. */
function resolved(node: Node, scope: Scope): ReadonlyMap<string, Attribute> {
  const found = new Map<string, Attribute>();
  for (const [name, attr] of node.attrs) {
    const given = attr.type === 'REFERENCE' ? scope.attributes?.get(attr.value) : attr;
    if (given) found.set(name, given);
  }
  return found;
}
