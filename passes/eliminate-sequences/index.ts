import { constantOf, type Edit, intAttr, isOp, type Node, type Pass, Tensor, type Types, type Value } from '#core';
import { knownInts, normalAxis } from '../_shared/facts.js';
import { nodeRules, type NodeRule, passThrough } from '../_shared/node-rules.js';

/** The elements of a sequence that is built in front of our eyes. */
function elementsOf(value: Value | undefined): readonly Value[] | undefined {
  const inserted: { value: Value; at: number | undefined }[] = [];
  let node = value?.producer;
  for (let steps = 0; steps < 256 && isOp(node, 'SequenceInsert'); steps++) {
    const position = node.inputs[2] ? constantOf(node.inputs[2])?.scalar() : undefined;
    if (node.inputs[2] && position === undefined) return undefined;
    inserted.push({ value: node.inputs[1]!, at: position });
    node = node.inputs[0]?.producer;
  }
  if (!isOp(node, 'SequenceConstruct', 'SequenceEmpty')) return undefined;
  const list = node.opType === 'SequenceEmpty' ? [] : ([...node.inputs] as Value[]);
  for (const { value: item, at } of inserted.reverse()) {
    const index = at === undefined ? list.length : at < 0 ? at + list.length : at;
    if (index < 0 || index > list.length) return undefined;
    list.splice(index, 0, item);
  }
  return list;
}

const elementAt: NodeRule = {
  name: 'element-of-known',
  summary: 'SequenceAt of a sequence that is built from known values is that value',
  ops: ['SequenceAt'],
  plan(node, { types }) {
    const [index] = knownInts(types, node.inputs[1]) ?? [];
    const list = index === undefined ? undefined : elementsOf(node.inputs[0]);
    return index === undefined ? undefined : passThrough(node, list?.at(index));
  },
};

const sequenceLength: NodeRule = {
  name: 'length-of-known',
  summary: 'SequenceLength of a sequence that is built from known values is a constant',
  ops: ['SequenceLength'],
  plan(node) {
    const list = elementsOf(node.inputs[0]);
    return list && ((edit) => edit.replace(node.outputs[0]!, edit.constant('', Tensor.int64([], [list.length]))));
  },
};

const concatKnown: NodeRule = {
  name: 'concat-of-known',
  summary: 'ConcatFromSequence of known values is a Concat, of what was split along that axis the whole',
  ops: ['ConcatFromSequence'],
  plan(node, { types }) {
    const axis = intAttr(node, 'axis');
    if (axis === undefined || intAttr(node, 'new_axis') === 1) return undefined;
    const list = elementsOf(node.inputs[0]);
    if (list && list.length > 0) return (edit) => edit.replace(node.outputs[0]!, edit.node('Concat', list, { axis }));
    const split = node.inputs[0]?.producer;
    if (!isOp(split, 'SplitToSequence') || (!split.inputs[1] && intAttr(split, 'keepdims') === 0)) return undefined;
    const rank = types.shape(split.inputs[0]!)?.length;
    if (rank === undefined || normalAxis(axis, rank) !== normalAxis(intAttr(split, 'axis'), rank)) return undefined;
    return passThrough(node, split.inputs[0]);
  },
};

const partAt: NodeRule = {
  name: 'part-of-split',
  summary: 'SequenceAt of SplitToSequence becomes a Gather or a Slice',
  ops: ['SequenceAt'],
  plan(node, { types }) {
    const split = node.inputs[0]?.producer;
    const [index] = knownInts(types, node.inputs[1]) ?? [];
    if (!isOp(split, 'SplitToSequence') || index === undefined || index < 0 || (node.graph.opset('') ?? 0) < 11)
      return undefined;
    const data = split.inputs[0]!;
    const shape = types.shape(data);
    const axis = shape && normalAxis(intAttr(split, 'axis'), shape.length);
    const size = axis === undefined ? undefined : shape?.[axis];
    if (axis === undefined || typeof size !== 'number') return undefined;
    if (!split.inputs[1]) {
      if (index >= size) return undefined;
      const rank = intAttr(split, 'keepdims') === 0 ? [] : [1];
      return (edit) => {
        const at = edit.constant('', Tensor.int64(rank, [index]));
        edit.replace(node.outputs[0]!, edit.node('Gather', [data, at], { axis }));
      };
    }
    const range = rangeOf(split, index, size, types);
    return range && ((edit) => edit.replace(node.outputs[0]!, sliceOf(edit, data, axis, range)));
  },
};

function rangeOf(split: Node, index: number, size: number, types: Types): readonly [number, number] | undefined {
  const known = split.inputs[1] ? types.elements(split.inputs[1]) : undefined;
  const sizes = knownInts(types, split.inputs[1]);
  if (!known || !sizes) return undefined;
  if (known.shape.length === 0) {
    const start = index * sizes[0]!;
    return sizes[0]! > 0 && start < size ? [start, Math.min(size, start + sizes[0]!)] : undefined;
  }
  if (index >= sizes.length) return undefined;
  const start = sizes.slice(0, index).reduce((sum, each) => sum + each, 0);
  return [start, start + sizes[index]!];
}

function sliceOf(edit: Edit, data: Value, axis: number, [start, end]: readonly [number, number]): Value {
  const list = (item: number): Value => edit.constant('', Tensor.int64([1], [item]));
  return edit.node('Slice', [data, list(start), list(end), list(axis)]);
}

const optional: NodeRule = {
  name: 'known-optional',
  summary: 'OptionalGetElement of what is there is that; OptionalHasElement of it is true',
  ops: ['OptionalGetElement', 'OptionalHasElement'],
  plan(node, { types }) {
    const [value] = node.inputs;
    const made = value?.producer;
    const inner = isOp(made, 'Optional') ? made.inputs[0] : undefined;
    const kind = value && types.of(value)?.kind;
    const content = inner ?? (kind === 'tensor' || kind === 'sequence' ? value : undefined);
    if (!content) return undefined;
    if (node.opType === 'OptionalGetElement') return passThrough(node, content);
    const yes = Tensor.from({ dtype: 'bool', shape: [], data: Uint8Array.of(1) });
    return (edit) => edit.replace(node.outputs[0]!, edit.constant('', yes));
  },
};

/** Sequences and optionals whose content is known give way to the content. */
export const eliminateSequences: Pass = nodeRules({
  name: 'eliminate-sequences',
  summary: 'sequences and optionals whose elements are known are taken apart',
  semantics: 'exact',
  rules: [elementAt, sequenceLength, concatKnown, partAt, optional],
});
