import { float } from '../../src/ir/attribute.js';
import type { Graph } from '../../src/ir/graph.js';
import type { Node } from '../../src/ir/node.js';
import { constantOf } from '../../src/schema/constant.js';
import { intAttr, intsAttr, isOp, stringAttr } from '../../src/schema/read.js';
import { fromFloat64 } from '../../src/tensor/array.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { type Mutation, type Scene, toAttribute, toNode, toOperator } from './mutant.js';

const attributes = (node: Node): Readonly<Record<string, never>> => Object.fromEntries(node.attrs) as never;
const only = (node: Node, names: readonly string[]): Readonly<Record<string, never>> =>
  Object.fromEntries([...node.attrs].filter(([name]) => names.includes(name))) as never;

const POOL = ['kernel_shape', 'strides', 'pads', 'auto_pad'];
const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3 };

/** Rows of a recurrent weight `[directions, gates · hidden, …]` with the gates in another order. */
function gates(node: Node, order: readonly number[]): (values: Float64Array, shape: readonly number[]) => void {
  const count = GATES[node.opType]!;
  return (values, shape) => {
    const block = values.length / shape[0]! / count;
    const before = values.slice();
    for (let d = 0; d < shape[0]!; d++) {
      order.forEach((from, to) => {
        const at = (d * count + from) * block;
        values.set(before.subarray(at, at + block), (d * count + to) * block);
      });
    }
  };
}

function gateOrder(node: Node, scene: Scene): (() => void) | undefined {
  if (!constantOf(node.inputs[1])) return undefined;
  const order = node.opType === 'LSTM' ? [0, 2, 1, 3] : [1, 0, 2];
  return () => scene.reweigh(node, 1, gates(node, order));
}

/** Padding with its beginning and end exchanged along one axis. */
function turnedPads(node: Node): readonly number[] | undefined {
  const pads = intsAttr(node, 'pads');
  const half = (pads?.length ?? 0) / 2;
  const axis = pads?.findIndex((pad, i) => i < half && pad !== pads[i + half]) ?? -1;
  if (!pads || axis < 0) return undefined;
  return pads.map((pad, i) => (i === axis ? pads[axis + half]! : i === axis + half ? pads[axis]! : pad));
}

/** Padding moved by one from the end to the beginning. */
function shiftedPads(node: Node): readonly number[] | undefined {
  const pads = intsAttr(node, 'pads');
  const half = (pads?.length ?? 0) / 2;
  if (!pads || half === 0 || pads[half]! < 1) return undefined;
  const kernel = intsAttr(node, 'kernel_shape')?.[0] ?? 0;
  if (!isOp(node, 'Conv') && pads[0]! + 1 >= kernel) return undefined;
  return pads.map((pad, i) => (i === 0 ? pad + 1 : i === half ? pad - 1 : pad));
}

/** Twice the dilation with padding that keeps the size. */
function dilate(node: Node): (() => void) | undefined {
  const [pads, dilations] = [intsAttr(node, 'pads'), intsAttr(node, 'dilations')];
  const kernel = intsAttr(node, 'kernel_shape') ?? constantOf(node.inputs[1])?.shape.slice(2);
  if (!pads || !kernel || kernel.every((size) => size === 1)) return undefined;
  const rank = kernel.length;
  const next = kernel.map((_, i) => (dilations?.[i] ?? 1) + 1);
  const more = kernel.map((size) => size - 1);
  const grown = pads.map((pad, i) => pad + (i < rank ? Math.floor(more[i]! / 2) : Math.ceil(more[i - rank]! / 2)));
  return () => {
    node.graph.setAttribute(node, 'dilations', next);
    node.graph.setAttribute(node, 'pads', grown);
  };
}

function scaled(node: Node, scene: Scene, factor: number): (() => void) | undefined {
  const value = node.outputs[0]!;
  const dtype = scene.types.dtype(value);
  if (!dtype || !scene.isFloat(value)) return undefined;
  return () =>
    scene.after(value, node, (edit) =>
      edit.node('Mul', [value, edit.constant('', Tensor.from(fromFloat64(dtype, [], [factor])))]),
    );
}

/** The norm of what was added, where the sum was of the norm's result: `x + norm(y)` becomes `norm(x + y)`, and the reverse. */
function normMoved(node: Node, scene: Scene): (() => void) | undefined {
  const index = node.inputs.findIndex((value) => isOp(value?.producer, 'LayerNormalization'));
  const norm = node.inputs[index]?.producer;
  const other = node.inputs[1 - index];
  if (!norm || !other || norm.graph !== node.graph || !scene.alike(norm.outputs[0], node.outputs[0])) return undefined;
  return () => {
    const edit = scene.edit(node);
    const sum = edit.node('Add', [norm.inputs[0], other]);
    scene.instead(node, 'LayerNormalization', [sum, ...norm.inputs.slice(1)], attributes(norm));
  };
}

function size(scene: Scene, node: Node): number {
  const shape = scene.types.shape(node.inputs[0]!);
  const axes = intsAttr(node, 'axes') ?? constantOf(node.inputs[1])?.floats();
  const sizes = axes ? [...axes].map((axis) => shape?.at(axis)) : (shape ?? []);
  return sizes.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : 0), 1);
}

/** The bodies of an If exchanged, where both give the same types. */
function branches(node: Node): (() => void) | undefined {
  const [yes, no] = [node.attrs.get('then_branch'), node.attrs.get('else_branch')];
  if (yes?.type !== 'GRAPH' || no?.type !== 'GRAPH') return undefined;
  const declared = (graph: Graph): string => JSON.stringify(graph.outputs.map(({ type }) => type ?? null));
  if (declared(yes.value) !== declared(no.value)) return undefined;
  return () => {
    node.graph.setAttribute(node, 'then_branch', { type: 'GRAPH', value: no.value });
    node.graph.setAttribute(node, 'else_branch', { type: 'GRAPH', value: yes.value });
  };
}

function trips(step: number): (node: Node, scene: Scene) => (() => void) | undefined {
  return (node, scene) => {
    const count = constantOf(node.inputs[0])?.scalar();
    const scans = node.outputs.length > (node.bodies[0]?.graph.inputs.length ?? 2) - 2;
    if (!node.inputs[0] || scans || (count !== undefined && (count + step < 0 || count > 1e6))) return undefined;
    return () =>
      scene.before(node, 0, (edit, value) => edit.node('Add', [value, edit.constant('', Tensor.int64([], [step]))]));
  };
}

const resized = (name: string, next: Readonly<Record<string, string>>) =>
  toAttribute(`${name} of Resize`, ['Resize'], name, (node) => {
    const now = stringAttr(node, name);
    return name === 'nearest_mode' && stringAttr(node, 'mode') !== 'nearest' ? undefined : next[now ?? ''];
  });

const UNARY: readonly (readonly [string, string, string, Readonly<Record<string, ReturnType<typeof float>>>?])[] = [
  ['LeakyRelu in place of Relu', 'Relu', 'LeakyRelu', { alpha: float(0.01) }],
  ['Elu in place of Relu', 'Relu', 'Elu'],
  ['Sigmoid in place of Tanh', 'Tanh', 'Sigmoid'],
  ['HardSigmoid in place of Sigmoid', 'Sigmoid', 'HardSigmoid'],
  ['Tanh in place of Sigmoid', 'Sigmoid', 'Tanh'],
  ['Tanh in place of Erf', 'Erf', 'Tanh'],
  ['Sin and Cos swapped', 'Sin', 'Cos'],
  ['Cos and Sin swapped', 'Cos', 'Sin'],
  ['Exp in place of Softplus', 'Softplus', 'Exp'],
]; // prettier-ignore

/** Damage to what networks are made of. */
export const network: readonly Mutation[] = [
  ...UNARY.map(([kind, from, to, attrs]) => toOperator(kind, [from], (node) => [to, node.inputs, attrs ?? {}])),
  toNode('an activation dropped', ['Relu', 'LeakyRelu', 'HardSwish', 'Gelu', 'Clip', 'PRelu'], (node, scene) => () => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!)),
  toAttribute('approximation of Gelu', ['Gelu'], 'approximate', (node) => (stringAttr(node, 'approximate') === 'tanh' ? 'none' : 'tanh')),
  toAttribute('axis of Softmax', ['Softmax', 'LogSoftmax'], 'axis', (node, scene) => {
    const rank = scene.types.shape(node.inputs[0]!)?.length ?? 0;
    const axis = intAttr(node, 'axis') ?? -1;
    return rank < 2 || (node.graph.opset('') ?? 0) < 13 ? undefined : ((axis + rank) % rank) - ((axis + rank) % rank > 0 ? 1 : -1);
  }),
  toOperator('LogSoftmax in place of Softmax', ['Softmax'], (node) => ['LogSoftmax', node.inputs, attributes(node)]),
  toOperator('Exp in place of Softmax', ['Softmax'], (node) => ['Exp', node.inputs]),
  toNode('a norm without mean subtraction', ['Sub'], (node, scene) => {
    const mean = node.inputs[1]?.producer;
    return isOp(mean, 'ReduceMean') && scene.alike(node.inputs[0], node.outputs[0]) && (() => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!));
  }),
  toNode('an unbiased variance', ['ReduceMean'], (node, scene) => {
    const n = size(scene, node);
    const squared = isOp(node.inputs[0]?.producer, 'Pow', 'Mul');
    return squared && n > 1 ? scaled(node, scene, n / (n - 1)) : undefined;
  }),
  toNode('norm and sum in the other order', ['Add'], normMoved),
  toOperator('ReduceMax in place of ReduceMean', ['ReduceMean'], (node, scene) => {
    if ((node.graph.opset('') ?? 0) >= 18) return ['ReduceMax', node.inputs, attributes(node)];
    return scene.isFloat(node.outputs[0]) && ['ReduceMax', node.inputs, attributes(node)];
  }),
  toOperator('ReduceSum in place of ReduceMean', ['ReduceMean'], (node, scene) => {
    const version = node.graph.opset('') ?? 0;
    return (version < 13 || version >= 18) && size(scene, node) !== 1 && ['ReduceSum', node.inputs, attributes(node)];
  }),
  toOperator('ReduceMean in place of ReduceSum', ['ReduceSum'], (node, scene) => {
    const version = node.graph.opset('') ?? 0;
    return scene.isFloat(node.outputs[0]) && (version < 13 || version >= 18) && ['ReduceMean', node.inputs, attributes(node)];
  }),
  toNode('a mean scaled by 1.001', ['ReduceMean', 'GlobalAveragePool'], (node, scene) => scaled(node, scene, 1.001)),
  toOperator('AveragePool in place of MaxPool', ['MaxPool'], (node) => node.outputs.length === 1 && !node.attrs.has('dilations') && ['AveragePool', node.inputs, only(node, POOL)]),
  toOperator('MaxPool in place of AveragePool', ['AveragePool'], (node) => ['MaxPool', node.inputs, only(node, [...POOL, 'ceil_mode'])]),
  toOperator('GlobalMaxPool in place of GlobalAveragePool', ['GlobalAveragePool'], (node) => ['GlobalMaxPool', node.inputs]),
  toAttribute('count_include_pad', ['AveragePool'], 'count_include_pad', (node) => ((intsAttr(node, 'pads') ?? []).some((pad) => pad > 0) ? 1 - (intAttr(node, 'count_include_pad') ?? 0) : undefined)),
  toAttribute('padding with begin and end swapped', ['Conv', 'MaxPool', 'AveragePool', 'ConvTranspose'], 'pads', turnedPads),
  toAttribute('padding shifted by one', ['Conv', 'MaxPool', 'AveragePool'], 'pads', shiftedPads),
  toAttribute('auto_pad turned over', ['Conv', 'MaxPool', 'AveragePool', 'ConvTranspose'], 'auto_pad', (node) => ({ SAME_UPPER: 'SAME_LOWER', SAME_LOWER: 'SAME_UPPER' })[stringAttr(node, 'auto_pad') ?? '']),
  toNode('a convolution dilated', ['Conv'], dilate),
  toNode('a norm without its inner epsilon', ['LayerNormalization'], (node) => () => node.graph.setAttribute(node, 'epsilon', float(0))),
  toNode('order of gates', ['LSTM', 'GRU'], gateOrder),
  toAttribute('linear_before_reset', ['GRU'], 'linear_before_reset', (node) => 1 - (intAttr(node, 'linear_before_reset') ?? 0)),
  toAttribute('direction', ['LSTM', 'GRU', 'RNN'], 'direction', (node) => ({ forward: 'reverse', reverse: 'forward' })[stringAttr(node, 'direction') ?? 'forward']),
  toNode('an initial state dropped', ['LSTM', 'GRU'], (node) => node.inputs[5] && !constantOf(node.inputs[5]) && (() => node.graph.setInput(node, 5, undefined))),
  toNode('branches of If swapped', ['If'], branches),
  toNode('a condition of If inverted', ['If'], (node, scene) => () => scene.before(node, 0, (edit, value) => edit.node('Not', [value]))),
  toNode('a trip more', ['Loop'], trips(1)),
  toNode('a trip less', ['Loop'], trips(-1)),
  resized('nearest_mode', { round_prefer_floor: 'ceil', floor: 'ceil', ceil: 'floor', round_prefer_ceil: 'floor' }),
  resized('coordinate_transformation_mode', { half_pixel: 'asymmetric', asymmetric: 'half_pixel', pytorch_half_pixel: 'asymmetric', align_corners: 'half_pixel' }),
  resized('mode', { linear: 'cubic', cubic: 'linear', nearest: 'linear' }),
]; // prettier-ignore
