import { constantOf, intAttr, isOp, type Node, type Shape, type Types, type Value } from '#core';
import { normalAxis, sameDims } from '../_shared/facts.js';
import { readSlice } from '../_shared/slices.js';

/** Where an element along the trailing axes comes from: an index along the last axis of another value, possibly negated. */
export interface Origin {
  readonly from: Value;
  readonly index: number;
  readonly sign: 1 | -1;
}

/** Trailing axes with more elements than this are not followed. */
const MAX_ELEMENTS = 4096;

/** Operators followed from one value. */
const MAX_DEPTH = 16;

/** Operators that only choose, order and negate elements, as far as this module follows them. */
export const FOLLOWED = [
  'Concat',
  'Gather',
  'Mul',
  'Neg',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
];

/** Follows elements along the axes behind a common prefix of sizes. */
export class Tracer {
  readonly #prefix: Shape;
  readonly #types: Types;
  /** Nodes that were followed. */
  readonly nodes = new Set<Node>();

  constructor(prefix: Shape, types: Types) {
    this.#prefix = prefix;
    this.#types = types;
  }

  /** Where the elements of a value along its trailing axes come from, row-major; `undefined` when it has other leading axes. */
  trace(value: Value, depth = 0): readonly Origin[] | undefined {
    const trailing = this.#trailing(value);
    if (!trailing) return undefined;
    const node = value.producer;
    const followed =
      depth < MAX_DEPTH && isOp(node, ...FOLLOWED) ? this.#follow(value, node, trailing, depth + 1) : undefined;
    if (followed) {
      this.nodes.add(node!);
      return followed;
    }
    if (trailing.length !== 1) return undefined;
    return Array.from({ length: trailing[0]! }, (_, index) => ({ from: value, index, sign: 1 }));
  }

  /** The sizes behind the prefix; `undefined` when the prefix is another one or they are not numbers. */
  #trailing(value: Value | undefined): readonly number[] | undefined {
    const shape = value && this.#types.shape(value);
    const rank = this.#prefix.length;
    if (!shape || shape.length < rank || !sameDims(shape.slice(0, rank), this.#prefix)) return undefined;
    const trailing = shape.slice(rank);
    if (!trailing.every((dim) => typeof dim === 'number')) return undefined;
    const sizes = trailing as readonly number[];
    return sizes.reduce((product, size) => product * size, 1) <= MAX_ELEMENTS ? sizes : undefined;
  }

  #follow(value: Value, node: Node, trailing: readonly number[], depth: number): readonly Origin[] | undefined {
    const input = node.inputs[0];
    const before = this.#trailing(input);
    if (node.opType === 'Concat') return this.#concat(node, trailing, depth);
    const origins = input && before ? this.trace(input, depth) : undefined;
    if (!input || !before || !origins) return undefined;
    switch (node.opType) {
      case 'Neg':
        return origins.map(negated);
      case 'Mul':
        return this.#signed(node, trailing, origins);
      case 'Slice':
        return this.#slice(node, before, origins);
      case 'Split': {
        const axis = this.#axis(node, before.length);
        if (axis === undefined) return undefined;
        const starts = node.outputs
          .slice(0, node.outputs.indexOf(value))
          .map((output) => this.#trailing(output)?.[axis]);
        const start = starts.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0);
        return choose(origins, before, axis, range(start, trailing[axis]!));
      }
      case 'Gather': {
        const axis = this.#axis(node, before.length);
        const indices = constantOf(node.inputs[1])?.ints().map(Number);
        const size = axis === undefined ? undefined : before[axis];
        if (axis === undefined || !indices || size === undefined) return undefined;
        return choose(
          origins,
          before,
          axis,
          indices.map((index) => (index < 0 ? index + size : index)),
        );
      }
      default:
        return origins; // another shape of the same elements
    }
  }

  /** The axis of a node, counted from the end of the prefix. */
  #axis(node: Node, trailing: number): number | undefined {
    const rank = this.#prefix.length;
    const axis = normalAxis(intAttr(node, 'axis'), rank + trailing);
    return axis === undefined || axis < rank ? undefined : axis - rank;
  }

  #slice(node: Node, before: readonly number[], origins: readonly Origin[]): readonly Origin[] | undefined {
    const rank = this.#prefix.length;
    let [left, sizes]: [readonly Origin[] | undefined, readonly number[]] = [origins, before];
    for (const { axis, start, end, step } of readSlice(node, this.#types) ?? [
      { axis: -1, start: 0, end: 0, step: 1 },
    ]) {
      if (axis < rank || typeof start !== 'number' || typeof end !== 'number' || !left) return undefined;
      const indices = range(start, Math.max(0, Math.ceil((end - start) / step)), step);
      left = choose(left, sizes, axis - rank, indices);
      sizes = sizes.with(axis - rank, indices.length);
    }
    return left;
  }

  #concat(node: Node, trailing: readonly number[], depth: number): readonly Origin[] | undefined {
    const axis = this.#axis(node, trailing.length);
    if (axis === undefined) return undefined;
    const inner = trailing.slice(axis + 1).reduce((product, size) => product * size, 1);
    const outer = trailing.slice(0, axis).reduce((product, size) => product * size, 1);
    const parts: { readonly origins: readonly Origin[]; readonly row: number }[] = [];
    for (const input of node.inputs) {
      const origins = input && this.trace(input, depth);
      if (!origins) return undefined;
      parts.push({ origins, row: this.#trailing(input)![axis]! * inner });
    }
    return Array.from({ length: outer }, (_, at) =>
      parts.flatMap(({ origins, row }) => origins.slice(at * row, (at + 1) * row)),
    ).flat();
  }

  /** A product with a constant of ones and minus ones along the trailing axes. */
  #signed(node: Node, trailing: readonly number[], origins: readonly Origin[]): readonly Origin[] | undefined {
    const signs = signsOf(node.inputs[1], trailing);
    return signs && origins.map((origin, at) => (signs[at] === 1 ? origin : negated(origin)));
  }
}

/** The elements of a constant that holds ones and minus ones in this shape. */
export function signsOf(value: Value | undefined, shape: readonly number[]): Float64Array | undefined {
  const tensor = constantOf(value);
  if (!tensor || tensor.size > MAX_ELEMENTS || !sameDims(tensor.shape, shape) || tensor.dtype === 'string')
    return undefined;
  const signs = tensor.floats();
  return signs.every((sign) => Math.abs(sign) === 1) ? signs : undefined;
}

const negated = ({ from, index, sign }: Origin): Origin => ({ from, index, sign: sign === 1 ? -1 : 1 });

function range(start: number, count: number, step = 1): readonly number[] {
  return Array.from({ length: count }, (_, at) => start + at * step);
}

/** The elements at these indices of an axis. */
function choose(
  origins: readonly Origin[],
  shape: readonly number[],
  axis: number,
  indices: readonly number[],
): readonly Origin[] | undefined {
  const size = shape[axis]!;
  if (!indices.every((index) => index >= 0 && index < size)) return undefined;
  const inner = shape.slice(axis + 1).reduce((product, each) => product * each, 1);
  const outer = shape.slice(0, axis).reduce((product, each) => product * each, 1);
  const chosen: Origin[] = [];
  for (let at = 0; at < outer; at++) {
    for (const index of indices) {
      for (let low = 0; low < inner; low++) chosen.push(origins[(at * size + index) * inner + low]!);
    }
  }
  return chosen;
}
