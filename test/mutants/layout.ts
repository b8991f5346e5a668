import type { Node } from '../../src/ir/node.js';
import { constantOf } from '../../src/schema/constant.js';
import { intAttr, intsAttr, isOp, stringAttr } from '../../src/schema/read.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { type Mutation, type Scene, toAttribute, toNode, toOperator } from './mutant.js';

const attributes = (node: Node): Readonly<Record<string, never>> => Object.fromEntries(node.attrs) as never;

/** Two axes of one size beyond 1, after a permutation. */
function equalAxes(shape: readonly number[] | undefined): readonly [number, number] | undefined {
  for (let a = 0; a < (shape?.length ?? 0); a++) {
    for (let b = a + 1; b < shape!.length; b++) if (shape![a] === shape![b] && shape![a]! > 1) return [a, b];
  }
  return undefined;
}

function swappedAxes(length: number, [a, b]: readonly [number, number]): number[] {
  const perm = Array.from({ length }, (_, i) => i);
  [perm[a], perm[b]] = [perm[b]!, perm[a]!];
  return perm;
}

/** Lets every reader of the result see two equal axes swapped. */
function transposeAfter(node: Node, scene: Scene): (() => void) | undefined {
  const shape = scene.shape(node.outputs[0]);
  const axes = equalAxes(shape);
  if (!shape || !axes || !scene.isFloat(node.outputs[0])) return undefined;
  const perm = swappedAxes(shape.length, axes);
  return () => scene.after(node.outputs[0]!, node, (edit, value) => edit.node('Transpose', [value], { perm }));
}

/** A reshape that reads its elements in another order: the two last axes of the result exchanged. */
function reorder(node: Node, scene: Scene): (() => void) | undefined {
  const shape = scene.shape(node.outputs[0]);
  if (!shape || shape.length < 2 || !scene.isFloat(node.outputs[0])) return undefined;
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  if (rows < 2 || columns < 2) return undefined;
  const turned = [...shape.slice(0, -2), columns, rows];
  const perm = swappedAxes(shape.length, [shape.length - 2, shape.length - 1]);
  return () =>
    scene.after(node.outputs[0]!, node, (edit, value) =>
      edit.node('Transpose', [edit.node('Reshape', [value, edit.constant('', Tensor.int64([shape.length], turned))])], {
        perm,
      }),
    );
}

/** The constant input of integers, when all its elements may move by `step` within `[low, high]`. */
function moved(node: Node, index: number, step: number, high: number): Tensor | undefined {
  const tensor = constantOf(node.inputs[index]);
  if (!tensor || (tensor.dtype !== 'int64' && tensor.dtype !== 'int32')) return undefined;
  const values = tensor.floats().map((value) => value + step);
  if (!values.every((value) => value <= high && Math.sign(value - step) !== -Math.sign(value || step)))
    return undefined;
  if (tensor.dtype === 'int64') return Tensor.int64(tensor.shape, [...values]);
  return Tensor.from({ dtype: 'int32', shape: tensor.shape, data: Int32Array.from(values) });
}

/** Starts and ends of a Slice moved by one where there is room, so that the shape stays. */
function slide(node: Node, scene: Scene): (() => void) | undefined {
  const [data, starts, ends, axes, steps] = node.inputs;
  const [from, to, along] = [constantOf(starts), constantOf(ends), constantOf(axes)];
  const size = scene.types.shape(data!)?.at(along?.scalar() ?? 0);
  if (!from || !to || from.size !== 1 || (steps && constantOf(steps)?.scalar() !== 1)) return undefined;
  const [start, end] = [from.scalar()!, to.scalar()!];
  const step = start > 0 ? -1 : 1;
  if (start < 0 || end <= start || typeof size !== 'number' || end + step > size) return undefined;
  return () => {
    scene.put(node, 1, Tensor.from({ ...Tensor.int64(from.shape, [start + step]).array() }));
    scene.put(node, 2, Tensor.from({ ...Tensor.int64(to.shape, [end + step]).array() }));
  };
}

/** A triangle of 0 and something else: a causal mask that a model holds. */
function triangle(tensor: Tensor): number | undefined {
  const [rows, columns] = tensor.shape.slice(-2);
  if (tensor.shape.length < 2 || rows !== columns || rows! < 3 || tensor.size !== rows! * rows!) return undefined;
  const values = tensor.floats();
  const [below, above] = [values[rows!]!, values[1]!];
  if (below === above) return undefined;
  for (let i = 0; i < values.length; i++)
    if (values[i] !== (i % rows! > Math.floor(i / rows!) ? above : below)) return undefined;
  return rows;
}

function shiftMask(node: Node, scene: Scene): (() => void) | undefined {
  const index = node.inputs.findIndex((value) => value && triangle(constantOf(value) ?? Tensor.int64([], [0])));
  const rows = triangle(constantOf(node.inputs[index]) ?? Tensor.int64([], [0]));
  if (!rows) return undefined;
  return () => scene.reweigh(node, index, (values) => { for (let i = 0; i + 1 < rows; i++) values[i * rows + i + 1] = values[0]!; });
} // prettier-ignore

/** Reads pieces of one size of a Split in another order. */
function swapPieces(node: Node, scene: Scene): (() => void) | undefined {
  const [a, b] = node.outputs;
  if (!a || !b || !scene.alike(a, b) || a.isGraphOutput || b.isGraphOutput) return undefined;
  return () => {
    const [one, other] = [[...a.uses], [...b.uses]];
    for (const use of one) if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, b);
    for (const use of other) if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, a);
  };
}

/** Damage to layout, order and selection. */
export const layout: readonly Mutation[] = [
  toAttribute('perm changed on equal sizes', ['Transpose'], 'perm', (node, scene) => {
    const shape = scene.shape(node.outputs[0]);
    const axes = equalAxes(shape);
    const perm = [...(intsAttr(node, 'perm') ?? (shape ?? []).map((_, i) => shape!.length - 1 - i))];
    if (!axes) return undefined;
    [perm[axes[0]], perm[axes[1]]] = [perm[axes[1]]!, perm[axes[0]]!];
    return perm;
  }),
  toNode('two equal axes exchanged', ['MatMul', 'Softmax', 'Add', 'Conv', 'Relu'], transposeAfter),
  toNode('elements of a Reshape in another order', ['Reshape', 'Flatten'], reorder),
  toOperator('order of Concat', ['Concat'], (node, scene) => {
    const [a, b, ...rest] = node.inputs;
    return a && b && a !== b && scene.isFloat(a) && [node.opType, [b, a, ...rest], attributes(node)];
  }),
  toNode('order of Split', ['Split'], swapPieces),
  toNode('an index of Gather off by one', ['Gather', 'GatherElements'], (node, scene) => {
    if (!scene.isFloat(node.outputs[0])) return undefined;
    const size = scene.shape(node.inputs[0])?.at(intAttr(node, 'axis') ?? 0) ?? 0;
    const tensor = moved(node, 1, 1, size - 1) ?? moved(node, 1, -1, size - 1);
    return tensor && (() => scene.put(node, 1, tensor));
  }),
  toNode('an index of a shape off by one', ['Gather'], (node, scene) => {
    if (!isOp(node.inputs[0]?.producer, 'Shape')) return undefined;
    const tensor = moved(node, 1, 1, 1);
    return tensor && (() => scene.put(node, 1, tensor));
  }),
  toNode('a Slice off by one', ['Slice'], slide),
  toNode('a causal mask off by one', ['Add', 'Where', 'Mul', 'Slice', 'Gather'], shiftMask),
  toAttribute('upper of Trilu', ['Trilu'], 'upper', (node) => 1 - (intAttr(node, 'upper') ?? 1)),
  toNode('k of Trilu', ['Trilu'], (node, scene) => {
    const k = node.inputs[1] ? constantOf(node.inputs[1])?.scalar() : 0;
    return k !== undefined && (() => scene.put(node, 1, Tensor.int64([], [k + 1])));
  }),
  toNode('Range off by one', ['Range'], (node, scene) => {
    if (scene.types.dtype(node.outputs[0]!) !== 'int64') return undefined;
    return () => scene.after(node.outputs[0]!, node, (edit, value) => edit.node('Add', [value, edit.constant('', Tensor.int64([], [1]))]));
  }),
  toAttribute('exclusive of CumSum', ['CumSum'], 'exclusive', (node) => 1 - (intAttr(node, 'exclusive') ?? 0)),
  toAttribute('reverse of CumSum', ['CumSum'], 'reverse', (node) => 1 - (intAttr(node, 'reverse') ?? 0)),
  toAttribute('largest of TopK', ['TopK'], 'largest', (node) => 1 - (intAttr(node, 'largest') ?? 1)),
  toAttribute('select_last_index', ['ArgMax', 'ArgMin'], 'select_last_index', (node) => ((node.graph.opset('') ?? 0) < 12 ? undefined : 1 - (intAttr(node, 'select_last_index') ?? 0))),
  toOperator('ArgMax and ArgMin swapped', ['ArgMax', 'ArgMin'], (node) => [node.opType === 'ArgMax' ? 'ArgMin' : 'ArgMax', node.inputs, attributes(node)]),
  toAttribute('mode of DepthToSpace', ['DepthToSpace'], 'mode', (node) => (stringAttr(node, 'mode') === 'CRD' ? 'DCR' : 'CRD')),
  toAttribute('reduction of a scatter', ['ScatterND', 'ScatterElements'], 'reduction', (node) => ((node.graph.opset('') ?? 0) < 16 ? undefined : stringAttr(node, 'reduction') === 'add' ? 'none' : 'add')),
  toAttribute('mode of Pad', ['Pad'], 'mode', (node) => (stringAttr(node, 'mode') === 'reflect' ? 'edge' : stringAttr(node, 'mode') === 'edge' ? 'constant' : undefined)),
  toNode('begin and end of Pad swapped', ['Pad'], (node, scene) => {
    const pads = constantOf(node.inputs[1]);
    const values = pads && [...pads.floats()];
    const half = (values?.length ?? 0) / 2;
    if (!pads || !values || values.slice(0, half).join() === values.slice(half).join()) return undefined;
    return () => scene.put(node, 1, Tensor.int64(pads.shape, [...values.slice(half), ...values.slice(0, half)]));
  }),
  toAttribute('axis of OneHot', ['OneHot'], 'axis', (node, scene) => (equalAxes(scene.shape(node.outputs[0])) ? 0 : undefined)),
  toNode('values of OneHot swapped', ['OneHot'], (node, scene) => {
    const values = constantOf(node.inputs[2]);
    return values && (() => scene.reweigh(node, 2, (list) => list.reverse()));
  }),
  toNode('Tile for interleaved copies', ['Expand'], (node, scene) => {
    const [from, to] = [scene.shape(node.inputs[0]), scene.shape(node.outputs[0])];
    const axis = from && to && from.length === to.length ? from.findIndex((dim, i) => dim === 1 && to[i]! > 1) : -1;
    const next = axis >= 0 ? to![axis + 1]! : 0;
    if (next < 2 || from![axis + 1] !== next || !scene.isFloat(node.outputs[0])) return undefined;
    const turned = [...to!];
    [turned[axis], turned[axis + 1]] = [next, to![axis]!];
    const perm = swappedAxes(to!.length, [axis, axis + 1]);
    return () => scene.after(node.outputs[0]!, node, (edit, value) => edit.node('Transpose', [edit.node('Reshape', [value, edit.constant('', Tensor.int64([to!.length], turned))])], { perm }));
  }),
]; // prettier-ignore
