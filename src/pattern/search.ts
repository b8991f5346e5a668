import { functionKey } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { contentKey } from '../analysis/content.js';
import { constantOf } from '../schema/constant.js';
import { hasReference, opsetOf } from '../schema/read.js';
import { isCommutative } from '../schema/traits.js';
import type { Types } from '../shape/types.js';
import { assertNever } from '../support/invariant.js';
import { plainAttribute, showAttribute } from './attributes.js';
import { shapingOperand } from './broadcast.js';
import { couldMatch } from './head.js';
import { constantMiss } from './leaf.js';
import type { Bindings } from './match.js';
import { NearestMiss, showValue } from './miss.js';
import type { OpPattern } from './op-pattern.js';
import type { Pat, ThroughPattern, WherePattern } from './pattern.js';

/** Steps of one search; a pattern that needs more has too many orders of operands to try. */
const MAX_STEPS = 10_000;

type Next = () => boolean;

/**
 * Looks for a pattern at one node, with backtracking over alternatives and orders of operands. Each complete set of bindings is
 * offered to `accept` until it takes one. Recursion is bounded by the size of the pattern, work by {@link MAX_STEPS}.
 */
export class Search {
  readonly nearest = new NearestMiss();
  readonly #root: Node;
  readonly #types: Types;
  readonly #values = new Map<Pat, Value>();
  readonly #calls = new Map<OpPattern, Node>();
  readonly #nodes: Node[] = [];
  #steps = 0;

  constructor(root: Node, types: Types) {
    this.#root = root;
    this.#types = types;
  }

  /** Whether some way to match the pattern at the root is accepted. Bindings are live: copy what is to be kept. */
  run(pattern: Pat, accept: (bindings: Bindings) => boolean): boolean {
    const bindings = { values: this.#values, calls: this.#calls, nodes: this.#nodes };
    for (const value of this.#root.outputs) if (this.#solve(pattern, value, () => accept(bindings))) return true;
    return false;
  }

  /** Notes why this way failed; gives false. */
  fail(blame: Node | Value | undefined, describe: () => string, near = false): false {
    this.nearest.note(this.#nodes.length, near, blame, describe);
    return false;
  }

  #solve(pattern: Pat, value: Value, next: Next): boolean {
    if (++this.#steps > MAX_STEPS) return this.fail(value, () => `gave up after ${MAX_STEPS} steps`);
    const bound = this.#values.get(pattern);
    if (bound) return same(bound, value) ? next() : this.fail(value, () => differs(value, bound));
    this.#values.set(pattern, value);
    if (this.#inner(pattern, value, next)) return true;
    this.#values.delete(pattern);
    return false;
  }

  #inner(pattern: Pat, value: Value, next: Next): boolean {
    switch (pattern.kind) {
      case 'any':
        return next();
      case 'constant':
      case 'scalar':
      case 'literal':
      case 'ints': {
        const reason = constantMiss(pattern, value);
        return reason === undefined ? next() : this.fail(value, () => reason);
      }
      case 'one-of':
        return pattern.alternatives.some((each) => this.#solve(each, value, next));
      case 'optional':
        return this.#solve(pattern.pattern, value, next);
      case 'where':
        return this.#solve(pattern.pattern, value, () => this.#guard(pattern, value) && next());
      case 'through':
        return this.#through(pattern, value, next);
      case 'op':
        return this.#output(pattern, 0, value, next);
      case 'output':
        return this.#output(pattern.of, pattern.index, value, next);
      default:
        return assertNever(pattern);
    }
  }

  #guard(pattern: WherePattern, value: Value): boolean {
    const verdict = pattern.guard(value, { types: this.#types, node: value.producer });
    return verdict.ok || this.fail(verdict.blame ?? value, () => verdict.reason);
  }

  #through(pattern: ThroughPattern, value: Value, next: Next): boolean {
    const mark = this.#nodes.length;
    let at: Value | undefined = value;
    while (at) {
      if (this.#solve(pattern.pattern, at, next)) return true;
      const node: Node | undefined = at.producer;
      if (!node || node.domain !== '' || !pattern.operators.has(node.opType)) break;
      if (node.graph !== this.#root.graph || this.#foreign(node)) break;
      this.#nodes.push(node);
      at = node.inputs[0];
    }
    this.#nodes.length = mark;
    return false;
  }

  #output(pattern: OpPattern, index: number, value: Value, next: Next): boolean {
    const { def } = value;
    if (def.kind !== 'node') return this.fail(value, () => `${showValue(value)} is not made by ${pattern.opType}`);
    const { node } = def;
    if (node.opType !== pattern.opType || node.domain !== pattern.domain) {
      return this.fail(node, () => `${showValue(value)} is made by ${node.op}, not by ${pattern.opType}`);
    }
    if (def.index !== index) {
      return this.fail(node, () => `${showValue(value)} is output ${def.index} of ${node.op}, not ${index}`);
    }
    const bound = this.#calls.get(pattern);
    if (bound) return bound === node ? next() : this.fail(node, () => `another ${node.op} than before`);
    return this.#call(pattern, node, next);
  }

  #call(pattern: OpPattern, node: Node, next: Next): boolean {
    const foreign = this.#foreign(node);
    if (foreign) return this.fail(node, () => foreign, true);
    for (const [name, guard] of pattern.guards) {
      const value = plainAttribute(node, name);
      if (!guard(value)) return this.fail(node, () => `${node.op}.${name} = ${showAttribute(value)}`, true);
    }
    this.#calls.set(pattern, node);
    this.#nodes.push(node);
    const mark = this.#nodes.length;
    if (this.#arity(pattern, node) && this.#operands(pattern, node, next)) return true;
    this.#nodes.length = mark - 1;
    this.#calls.delete(pattern);
    return false;
  }

  /** Why no pattern may match this node, whatever its operator. */
  #foreign(node: Node): string | undefined {
    const { graph } = this.#root;
    if (node.graph !== graph) return `${node.op} is computed outside of this graph`;
    if (hasReference(node)) return `${node.op} takes attributes from the function around it`;
    if (isFunction(node)) return `${node.op} is a function of the model`;
    const opset = opsetOf(node);
    if (opset === undefined && node.domain === '') return 'the model imports no opset';
    if (opset !== undefined && opset < 7 && node.domain === '' && plainAttribute(node, 'broadcast') === 1) {
      return `${node.op} broadcasts by attributes`;
    }
    return undefined;
  }

  #arity(pattern: OpPattern, node: Node): boolean {
    const { operands } = pattern;
    const { inputs } = node;
    for (let index = 0; index < Math.max(operands.length, inputs.length); index++) {
      const wanted = operands[index];
      if (inputs[index] && !wanted) return this.fail(node, () => `${node.op} has an input ${index}`);
      if (!inputs[index] && wanted && wanted.kind !== 'optional') {
        return this.fail(node, () => `${node.op} has no input ${index}`);
      }
    }
    return true;
  }

  #operands(pattern: OpPattern, node: Node, next: Next): boolean {
    const { operands } = pattern;
    const { inputs } = node;
    const chosen: number[] = [];
    const free =
      inputs.length > 1 && isCommutative(node, opsetOf(node)) && operands.length === inputs.length && allSet(inputs);
    const done = (): boolean => {
      const blamed = shapingOperand(operands, node, chosen, this.#types);
      return blamed ? this.fail(blamed, () => `${showValue(blamed)} decides the shape of ${node.op}`) : next();
    };
    const place = (at: number): boolean => {
      if (at === operands.length) return done();
      const operand = operands[at];
      if (!operand) return place(at + 1);
      if (!free) {
        const input = inputs[at];
        chosen[at] = at;
        return input ? this.#solve(operand, input, () => place(at + 1)) : place(at + 1);
      }
      return this.#anyOrder(operands, inputs as readonly Value[], chosen, at, place);
    };
    return place(0);
  }

  /** Tries the inputs that are left for the operand at `at`: those that look right first, else in their own order. */
  #anyOrder(
    operands: readonly (Pat | undefined)[],
    inputs: readonly Value[],
    chosen: number[],
    at: number,
    place: (at: number) => boolean,
  ): boolean {
    const count = inputs.length;
    for (const wanted of [true, false]) {
      for (let turn = 0; turn < count; turn++) {
        const index = (at + turn) % count;
        const input = inputs[index] as Value;
        if (isTaken(chosen, at, index) || this.#isRepeated(inputs, chosen, at, turn)) continue;
        chosen[at] = index;
        if (this.#isHopeful(operands, inputs, chosen, at) !== wanted) continue;
        if (this.#solve(operands[at] as Pat, input, () => place(at + 1))) return true;
      }
    }
    return false;
  }

  /** Whether an earlier turn has tried the same value. */
  #isRepeated(inputs: readonly Value[], chosen: readonly number[], at: number, turn: number): boolean {
    const input = inputs[(at + turn) % inputs.length];
    for (let before = 0; before < turn; before++) {
      const index = (at + before) % inputs.length;
      if (inputs[index] === input && !isTaken(chosen, at, index)) return true;
    }
    return false;
  }

  /** Whether the choice for the operand at `at` looks right and leaves something that looks right for each later operand. */
  #isHopeful(
    operands: readonly (Pat | undefined)[],
    inputs: readonly Value[],
    chosen: readonly number[],
    at: number,
  ): boolean {
    if (!this.#could(operands[at] as Pat, inputs[chosen[at] as number] as Value)) return false;
    for (let later = at + 1; later < operands.length; later++) {
      const operand = operands[later] as Pat;
      if (!inputs.some((input, index) => !isTaken(chosen, at + 1, index) && this.#could(operand, input))) return false;
    }
    return true;
  }

  #could(pattern: Pat, value: Value): boolean {
    const bound = this.#values.get(pattern);
    return bound ? same(bound, value) : couldMatch(pattern, value);
  }
}

/** Whether two values are one, or constants of the same dtype, shape and bits. */
function same(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [left, right] = [constantOf(a), constantOf(b)];
  if (!left || !right || left.dtype !== right.dtype || left.size !== right.size) return false;
  return contentKey(left) === contentKey(right);
}

function isFunction({ graph, domain, opType, overload }: Node): boolean {
  const { functions } = graph.model;
  return functions.size > 0 && functions.has(functionKey({ domain, name: opType, overload }));
}

function differs(value: Value, bound: Value): string {
  return `${showValue(value)} is not ${showValue(bound)}`;
}

/** Whether one of the operands before `at` has this input. */
function isTaken(chosen: readonly number[], at: number, index: number): boolean {
  for (let before = 0; before < at; before++) if (chosen[before] === index) return true;
  return false;
}

function allSet(inputs: readonly (Value | undefined)[]): boolean {
  return inputs.every((input) => input !== undefined);
}
