import type { AttributeInit } from '../../src/ir/attribute.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import { pathOf } from '../../src/ir/path.js';
import type { Value } from '../../src/ir/value.js';
import { createRandom, type Random } from '../../src/numerics/random.js';
import { Edit } from '../../src/rewrite/edit.js';
import { constantOf } from '../../src/schema/constant.js';
import { readsTypeOnly } from '../../src/schema/traits.js';
import { isFloat } from '../../src/tensor/dtype.js';
import { fromFloat64 } from '../../src/tensor/array.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { inferTypes, type Types } from '../../src/shape/types.js';

/** One place where a kind of damage can be done. */
export interface Place {
  /** The node, as diagnostics name it. */
  readonly at: string;
  readonly damage: () => void;
}

/** One kind of damage: it leaves a model that runs and has the same interface, and that computes something else. */
export interface Mutation {
  readonly kind: string;
  readonly places: (scene: Scene) => Iterable<Place>;
}

/** A damaged copy of a model. */
export interface Mutant {
  readonly model: Model;
  readonly kind: string;
  readonly at: string;
}

/** Operand shapes and constants of one model, and the edits that damage is made of. */
export class Scene {
  readonly model: Model;
  readonly types: Types;
  readonly random: Random;

  constructor(model: Model, random: Random, types = inferTypes(model)) {
    this.model = model;
    this.types = types;
    this.random = random;
  }

  /** Nodes of the default domain, bodies and functions included; all of them when no operators are named. */
  *nodes(...opTypes: readonly string[]): Generator<Node> {
    for (const graph of this.model.graphs()) {
      for (const node of graph.topo()) {
        if (opTypes.length === 0 || (node.domain === '' && opTypes.includes(node.opType))) yield node;
      }
    }
  }

  /** Constant inputs of nodes that are floats with at least `least` elements. */
  *weights(least = 2): Generator<{ readonly node: Node; readonly index: number; readonly tensor: Tensor }> {
    for (const node of this.nodes()) {
      for (const [index, value] of node.inputs.entries()) {
        if (readsTypeOnly(node, index)) continue;
        const tensor = constantOf(value);
        if (tensor && isFloat(tensor.dtype) && tensor.size >= least) yield { node, index, tensor };
      }
    }
  }

  /** The sizes of a tensor when all are known. */
  shape(value: Value | undefined): readonly number[] | undefined {
    const shape = value && this.types.shape(value);
    return shape?.every((dim) => typeof dim === 'number') ? (shape as readonly number[]) : undefined;
  }

  /** Whether two values surely have one shape. */
  alike(a: Value | undefined, b: Value | undefined): boolean {
    const [one, other] = [a && this.types.shape(a), b && this.types.shape(b)];
    return (
      one !== undefined &&
      other !== undefined &&
      one.length === other.length &&
      one.every((d, i) => sameDim(d, other[i]))
    );
  }

  isFloat(value: Value | undefined): boolean {
    const dtype = value && this.types.dtype(value);
    return dtype !== undefined && isFloat(dtype);
  }

  /** Lets one input of a node read a copy of its constant with other elements. */
  reweigh(node: Node, index: number, change: (values: Float64Array, shape: readonly number[]) => void): void {
    const tensor = constantOf(node.inputs[index])!;
    const values = Float64Array.from(tensor.floats());
    change(values, tensor.shape);
    this.put(node, index, Tensor.from(fromFloat64(tensor.dtype, tensor.shape, values)));
  }

  /** Lets one input of a node read a constant. */
  put(node: Node, index: number, tensor: Tensor): void {
    node.graph.setInput(node, index, this.edit(node).constant('', tensor));
  }

  /** Puts a node of another kind in the place of the first output of a node. */
  instead(node: Node, opType: string, inputs: readonly (Value | undefined)[], attrs: Attrs = {}): void {
    const edit = this.edit(node);
    edit.replace(node.outputs[0]!, edit.node(opType, inputs, attrs));
  }

  /** Lets the readers of a value read what `make` makes of it. */
  after(value: Value, node: Node, make: (edit: Edit, value: Value) => Value): void {
    const before = new Set(value.uses);
    const made = make(this.edit(node), value);
    const chain = [...value.uses].filter((use) => !before.has(use));
    node.graph.replaceAllUses(value, made);
    for (const use of chain) if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, value);
  }

  /** Lets one input of a node read what `make` makes of it. */
  before(node: Node, index: number, make: (edit: Edit, value: Value) => Value): void {
    node.graph.setInput(node, index, make(this.edit(node), node.inputs[index]!));
  }

  edit(node: Node): Edit {
    return new Edit(node, 'mutant');
  }
}

type Attrs = Readonly<Record<string, AttributeInit>>;

function sameDim(a: unknown, b: unknown): boolean {
  return a !== null && (a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b)));
}

/** A kind of damage that is done to one node at a time; `damage` gives what to do there, or nothing when it can't be done. */
export function toNode(
  kind: string,
  opTypes: readonly string[],
  damage: (node: Node, scene: Scene) => (() => void) | undefined | false,
): Mutation {
  return {
    kind,
    *places(scene) {
      for (const node of scene.nodes(...opTypes)) {
        const act = damage(node, scene);
        if (act) yield { at: pathOf(node), damage: act };
      }
    },
  };
}

/** A kind of damage that changes one attribute; `change` gives the new value from the node, or nothing. */
export function toAttribute(
  kind: string,
  opTypes: readonly string[],
  name: string,
  change: (node: Node, scene: Scene) => AttributeInit,
): Mutation {
  return toNode(kind, opTypes, (node, scene) => {
    const value = change(node, scene);
    return value !== undefined && (() => node.graph.setAttribute(node, name, value));
  });
}

/** A kind of damage that puts another operator, or the same one with other inputs and attributes, in a node's place. */
export function toOperator(
  kind: string,
  opTypes: readonly string[],
  other: (node: Node, scene: Scene) => readonly [string, readonly (Value | undefined)[], Attrs?] | undefined | false,
): Mutation {
  return toNode(kind, opTypes, (node, scene) => {
    const next = other(node, scene);
    return next && (() => scene.instead(node, ...next));
  });
}

/** One of the places of a kind of damage, chosen by the seed, done to a copy; nothing when the model has no such place. */
export function mutate(model: Model, { kind, places }: Mutation, seed: number): Mutant | undefined {
  const copy = cloneModel(model);
  const random = createRandom(seed, kind);
  const scene = new Scene(copy, random);
  const found = [...places(scene)];
  if (found.length === 0) return undefined;
  const { at, damage } = found[random.integer(0, found.length - 1)]!;
  damage();
  copy.source = { name: 'mutant', bytes: 0 };
  return { model: copy, kind, at };
}
