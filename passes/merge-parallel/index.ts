import { intAttr, intsAttr, isOp, type Node, type Pass, type Types } from '#core';
import { knownInts, normalAxis, onlyReader } from '../_shared/facts.js';
import { nodeRules, type NodeRule } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';
import { isPointwise } from '../_shared/pointwise.js';
import { addReshape, reshapeTarget } from '../_shared/reshape-target.js';

/** An operator that may be applied before a Split or behind a Concat as well, and the axis of these then. */
interface Common {
  readonly node: Node;
  readonly axis: number;
}

/** Whether nodes are the same operator with the same attributes and operands, but for the first one. */
function areAlike(nodes: readonly Node[]): boolean {
  const [first] = nodes;
  return nodes.every((node) => {
    if (node.op !== first!.op || node.graph !== first!.graph || node.inputs.length !== first!.inputs.length)
      return false;
    if (node.attrs.size !== first!.attrs.size) return false;
    if (!node.inputs.every((value, index) => index === 0 || value === first!.inputs[index])) return false;
    return [...node.attrs].every(([name, attr]) => {
      const other = first!.attrs.get(name);
      return other?.type === attr.type && attr.type !== 'REFERENCE' && textOf(attr.value) === textOf(other.value);
    });
  });
}

/** A number, text or list as text; anything else is like nothing. */
function textOf(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array || (Array.isArray(value) && value.every((item) => typeof item !== 'object')))
    return value.join();
  return Symbol('different');
}

const splitFirst: NodeRule = {
  name: 'behind-split',
  summary: 'what is done to every part of a Split is done once, before it',
  ops: ['Split'],
  plan(node, { types }) {
    const readers = node.outputs.map((value) => onlyReader(value));
    if (readers.length < 2 || !readers.every((reader, at) => reader?.inputs[0] === node.outputs[at])) return undefined;
    const parts = readers as readonly Node[];
    const common = areAlike(parts) && parts[0]!.graph === node.graph ? commonOf(parts[0]!, node, types) : undefined;
    if (!common) return undefined;
    return (edit) => {
      const { node: first, axis } = common;
      const whole = edit.node(first.opType, [node.inputs[0], ...first.inputs.slice(1)], first.attrs);
      const attrs = new Map([...node.attrs, ['axis', { type: 'INT' as const, value: BigInt(axis) }]] as const);
      const made = edit.nodes(
        'Split',
        [whole, ...node.inputs.slice(1)],
        attrs,
        parts.map(() => ''),
      );
      parts.forEach((part, at) => edit.replace(part.outputs[0]!, made[at]!));
    };
  },
};

function commonOf(first: Node, split: Node, types: Types): Common | undefined {
  const rank = types.shape(split.inputs[0]!)?.length;
  const axis = rank === undefined ? undefined : normalAxis(intAttr(split, 'axis'), rank);
  if (axis === undefined) return undefined;
  if (isPointwise(first, types)) return { node: first, axis };
  if (isOp(first, 'Transpose')) {
    const to = permutationOf(first, types)?.indexOf(axis) ?? -1;
    return to < 0 ? undefined : { node: first, axis: to };
  }
  if (isOp(first, 'Squeeze', 'Unsqueeze')) {
    const to = axisBehind(first, axis, rank!, types);
    return to === undefined ? undefined : { node: first, axis: to };
  }
  return isOp(first, 'Slice') && !sliced(first, rank!, types)?.includes(axis) && sliced(first, rank!, types)
    ? { node: first, axis }
    : undefined;
}

/** Where an axis goes when others are dropped or put in by known axes. */
function axisBehind(node: Node, axis: number, rank: number, types: Types): number | undefined {
  const isSqueeze = node.opType === 'Squeeze';
  const given = node.inputs[1] ? knownInts(types, node.inputs[1]) : intsAttr(node, 'axes');
  const total = isSqueeze ? rank : rank + (given?.length ?? 0);
  const axes = given?.map((each) => normalAxis(each, total));
  if (!axes?.every((each) => each !== undefined)) return undefined;
  const kept = Array.from({ length: total }, (_, at) => at).filter((at) => !axes.includes(at));
  const to = isSqueeze ? kept.indexOf(axis) : kept[axis];
  return to === -1 ? undefined : to;
}

function sliced(node: Node, rank: number, types: Types): readonly (number | undefined)[] | undefined {
  const given = node.inputs[3] ? types.elements(node.inputs[3])?.elements : undefined;
  return given?.map((axis) => (typeof axis === 'number' ? normalAxis(axis, rank) : undefined));
}

const concatFirst: NodeRule = {
  name: 'before-concat',
  summary: 'what is done to every operand of a Concat is done once, behind it',
  ops: ['Concat'],
  plan(node, { types }) {
    const makers = node.inputs.map((value) => value?.producer);
    if (makers.length < 2 || !makers.every((maker, at) => maker && onlyReader(node.inputs[at]!) === node))
      return undefined;
    const parts = makers as readonly Node[];
    if (parts[0]!.graph !== node.graph || new Set(parts).size < parts.length) return undefined;
    if (!areAlike(parts) || !isPointwise(parts[0]!, types)) return undefined;
    const rank = types.shape(node.outputs[0]!)?.length;
    if (!parts.every((part) => types.shape(part.inputs[0]!)?.length === rank)) return undefined;
    const dtype = types.dtype(parts[0]!.inputs[0]!);
    if (!dtype || !parts.every((part) => types.dtype(part.inputs[0]!) === dtype)) return undefined;
    return (edit) => {
      const joined = edit.node(
        'Concat',
        parts.map((part) => part.inputs[0]),
        node.attrs,
      );
      const [first] = parts;
      edit.replace(node.outputs[0]!, edit.node(first!.opType, [joined, ...first!.inputs.slice(1)], first!.attrs));
    };
  },
};

/** Unsqueezed operands that are joined along their new axis lie behind each other along the axis that follows it, too. */
const stack: NodeRule = {
  name: 'stack',
  summary: 'Concat along an axis that every operand was given just now joins first and is reshaped once',
  ops: ['Concat'],
  plan(node, { types }) {
    const to = types.shape(node.outputs[0]!);
    const axis = to && normalAxis(intAttr(node, 'axis'), to.length);
    const opset = node.graph.opset('') ?? 0;
    if (axis === undefined || !to || node.inputs.length < 3 || axis >= to.length - 1 || opset < 5) return undefined;
    const makers = node.inputs.map((value) => value?.producer);
    const isAdded = (maker: Node | undefined, at: number): boolean => {
      const before = isOp(maker, 'Unsqueeze', 'Reshape') ? types.shape(maker.inputs[0]!) : undefined;
      const after = types.shape(node.inputs[at]!);
      if (!before || !after || onlyReader(node.inputs[at]!) !== node || after[axis] !== 1) return false;
      return maker!.opType === 'Unsqueeze' && before.length === after.length - 1;
    };
    if (!makers.every(isAdded)) return undefined;
    const size = to[axis + 1] ?? null;
    const joined = to.toSpliced(axis, 2, typeof size === 'number' ? size * node.inputs.length : null);
    const target = reshapeTarget(joined, to, { opset });
    if (!target) return undefined;
    return (edit) => {
      const whole = edit.node(
        'Concat',
        makers.map((maker) => maker!.inputs[0]),
        { axis },
      );
      edit.replace(node.outputs[0]!, addReshape(edit, whole, target));
    };
  },
};

/** Equal work on the parts of a whole is done on the whole. */
export const mergeParallel: Pass = nodeRules({
  name: 'merge-parallel',
  summary: 'the same operator on all parts of a Split, or on all operands of a Concat, is applied once',
  semantics: 'exact',
  rules: [splitFirst, concatFirst, stack],
});
