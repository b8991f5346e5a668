import type { Attribute, Attributes } from '../ir/attribute.js';
import type { Graph } from '../ir/graph.js';
import { functionKey, type Fn, type Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { defaultAttributes } from '../shape/functions.js';
import { type Budget, Call, spend } from './call.js';
import { CONTROL } from './control.js';
import { type Elements, fromNumeric, rounded } from './elements.js';
import { KERNELS } from './kernels.js';
import { checkOperandTypes } from './operand-types.js';
import { invalid, Stop, unsupported } from './stop.js';

/** Operations on elements that running one node takes as long as, whatever it computes. */
const NODE_COST = 16;

/** Values by name of the graph they are in, and around it. */
export interface Scope {
  readonly values: Map<Value, Elements>;
  readonly outer: Scope | undefined;
  /** What references to attributes mean; those of the function that is called. */
  readonly attributes: Attributes;
}

/** A graph to be run with these inputs; answered with its outputs. */
export interface Body {
  readonly graph: Graph;
  readonly inputs: readonly (Elements | undefined)[];
  /** What it sees around it; nothing for a function. */
  readonly outer: Scope | undefined;
  readonly attributes: Attributes;
}

/** Work that asks for graphs to be run and is given their outputs. */
export type Steps = Generator<Body, readonly Elements[], readonly Elements[]>;

/** Runs graphs of one model, bodies and calls on a stack of their own: nesting costs no stack of the engine. */
export class Interpreter {
  readonly #model: Model;
  readonly #budget: Budget;
  readonly #round: boolean;
  readonly #constants = new Map<Value, Elements>();

  /** `round` rounds what every operator gives to its dtype, as a runtime without errors of its own would. */
  constructor(model: Model, budget: Budget, round: boolean) {
    this.#model = model;
    this.#budget = budget;
    this.#round = round;
  }

  /** The outputs of the main graph. @throws Stop */
  run(inputs: readonly (Elements | undefined)[]): readonly Elements[] {
    const { graph } = this.#model;
    const stack: Steps[] = [this.#runGraph({ graph, inputs, outer: undefined, attributes: new Map() })];
    let answer: readonly Elements[] = [];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const step = top.next(answer);
      if (step.done) {
        answer = step.value;
        stack.pop();
      } else {
        stack.push(this.#runGraph(step.value));
      }
    }
    return answer;
  }

  *#runGraph({ graph, inputs, outer, attributes }: Body): Steps {
    const scope: Scope = { values: new Map(), outer, attributes };
    graph.inputs.forEach(({ value, fallback }, index) => {
      const given = inputs[index] ?? (fallback && fromNumeric(fallback.array()));
      if (given && value.def.kind === 'input') scope.values.set(value, given);
    });
    for (const node of graph.topo()) {
      spend(this.#budget, NODE_COST);
      const results = yield* this.#runNode(node, scope);
      node.outputs.forEach((value, index) => {
        const result = results[index];
        if (result) scope.values.set(value, this.#round ? rounded(result) : result);
      });
    }
    return graph.outputs.map(({ value }) => {
      const found = this.#read(value, scope);
      if (!found) throw invalid(`output ${value.hint} has no value`);
      return found;
    });
  }

  *#runNode(node: Node, scope: Scope): Steps {
    try {
      const inputs = node.inputs.map((value) => value && this.#read(value, scope));
      const call = new Call(node, inputs, resolve(node.attrs, scope.attributes), this.#budget);
      const fn = this.#model.functions.get(
        functionKey({ domain: node.domain, name: node.opType, overload: node.overload }),
      );
      if (fn) return yield callOf(fn, call);
      const control = CONTROL.get(node.op);
      if (control) return yield* control(call, scope);
      const kernel = KERNELS.get(node.op);
      if (!kernel) throw unsupported('the operator');
      checkOperandTypes(call);
      return kernel(call);
    } catch (cause) {
      throw placed(cause, node);
    }
  }

  #read(value: Value, scope: Scope): Elements | undefined {
    const { def } = value;
    if (def.kind === 'initializer') {
      const known = this.#constants.get(value);
      if (known) return known;
      const made = fromNumeric(def.tensor.array());
      this.#constants.set(value, made);
      return made;
    }
    if (def.kind === 'sparse-initializer') throw unsupported('a sparse initializer');
    for (let at: Scope | undefined = scope; at; at = at.outer) {
      const found = at.values.get(value);
      if (found) return found;
    }
    return undefined;
  }
}

function callOf(fn: Fn, call: Call): Body {
  const attributes = defaultAttributes(fn);
  for (const [name, attr] of call.attributes) attributes.set(name, attr);
  return { graph: fn.graph, inputs: call.inputs, outer: undefined, attributes };
}

/** The attributes with references replaced; a reference to what the call does not give leaves the attribute out. */
function resolve(attrs: Attributes, given: Attributes): Attributes {
  if (![...attrs.values()].some(({ type }) => type === 'REFERENCE')) return attrs;
  const found = new Map<string, Attribute>();
  for (const [name, attr] of attrs) {
    const value = attr.type === 'REFERENCE' ? given.get(attr.value) : attr;
    if (value) found.set(name, value);
  }
  return found;
}

/** The stop with the operator at which it arose. Kernels overrun their tensors only where shapes do not fit. */
function placed(cause: unknown, node: Node): unknown {
  if (cause instanceof RangeError) return new Stop({ kind: 'invalid', op: node.op, why: cause.message });
  if (!(cause instanceof Stop) || cause.reason.kind === 'too-large' || cause.reason.op !== '') return cause;
  return new Stop({ ...cause.reason, op: node.op });
}
