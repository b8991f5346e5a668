import { float } from '../../src/ir/attribute.js';
import type { Node } from '../../src/ir/node.js';
import { pathOf } from '../../src/ir/path.js';
import type { Value } from '../../src/ir/value.js';
import { constantOf } from '../../src/schema/constant.js';
import { floatAttr, isOp } from '../../src/schema/read.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { type Mutation, type Place, type Scene, toAttribute, toNode, toOperator } from './mutant.js';

const NORMS = [
  'LayerNormalization',
  'BatchNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'RMSNormalization',
];

/** Inputs that hold a bias, by operator. */
const BIAS: Readonly<Record<string, number>> = {
  Conv: 2, ConvTranspose: 2, Gemm: 2, LayerNormalization: 2, BatchNormalization: 2, InstanceNormalization: 2, LSTM: 3, GRU: 3, RNN: 3,
}; // prettier-ignore

type Weight = { readonly node: Node; readonly index: number; readonly tensor: Tensor };

/** A kind of damage to the elements of one constant that `fits`. */
function toWeight(
  kind: string,
  fits: (weight: Weight) => boolean,
  change: (values: Float64Array, shape: readonly number[], scene: Scene) => void,
  least = 2,
): Mutation {
  return {
    kind,
    *places(scene): Generator<Place> {
      for (const weight of scene.weights(least)) {
        const { node, index } = weight;
        if (!fits(weight)) continue;
        const damage = (): void => scene.reweigh(node, index, (values, shape) => change(values, shape, scene));
        yield { at: `${pathOf(node)} input ${index}`, damage };
      }
    },
  };
}

const isBias = ({ node, index, tensor }: Weight): boolean =>
  BIAS[node.opType] === index || (isOp(node, 'Add') && tensor.shape.length === 1);
const isMatrix = ({ tensor }: Weight): boolean => tensor.shape.length >= 2;
/** Values that stand for "masked" or for ends of a range: a hundredth more or less of them is nothing. */
const isScale = ({ node, tensor }: Weight): boolean =>
  isOp(node, 'Mul', 'Div', 'Add', 'Sub') && tensor.size === 1 && Math.abs(tensor.scalar()!) < 1e4;

function one(change: (value: number) => number) {
  return (values: Float64Array, _shape: readonly number[], { random }: Scene): void => {
    const at = random.integer(0, values.length - 1);
    values[at] = change(values[at]!);
  };
}

/** Elements of a square matrix of the last two axes, transposed. */
function transposed(values: Float64Array, shape: readonly number[]): void {
  const n = shape.at(-1)!;
  for (let at = 0; at < values.length; at += n * n) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [at + i * n + j, at + j * n + i];
        [values[a], values[b]] = [values[b]!, values[a]!];
      }
    }
  }
}

/** Two blocks along the first axis change places. */
function swapRows(values: Float64Array, shape: readonly number[]): void {
  const width = values.length / shape[0]!;
  const first = values.slice(0, width);
  values.copyWithin(0, width, 2 * width);
  values.set(first, width);
}

/** The constant operand that is an epsilon: added to what Sqrt, Pow, Rsqrt-like chains read. */
function epsilonOf(node: Node): number | undefined {
  const [index, tensor] = [0, 1].flatMap((i) => {
    const found = constantOf(node.inputs[i]);
    return found ? ([[i, found]] as const) : [];
  })[0] ?? [undefined, undefined];
  const size = tensor?.scalar() ?? 0;
  const reader = [...(node.outputs[0]?.uses ?? [])].find((use) => use.kind === 'input');
  const feeds = reader?.kind === 'input' && isOp(reader.node, 'Sqrt', 'Pow');
  return feeds && size > 0 && size < 1e-2 ? index : undefined;
}

function withoutConstant(node: Node, scene: Scene): (() => void) | undefined {
  const index = node.inputs.findIndex((value) => constantOf(value) && scene.isFloat(value));
  const rest = node.inputs[1 - index];
  if (index < 0 || !rest || !scene.alike(rest, node.outputs[0])) return undefined;
  if (
    constantOf(node.inputs[index])!
      .floats()
      .every((value) => value === 0)
  )
    return undefined;
  return () => scene.edit(node).replace(node.outputs[0]!, rest);
}

/** The bias of `[…, n, n]` read as a column in place of a row. */
function asColumn(node: Node, scene: Scene): (() => void) | undefined {
  const index = node.inputs.findIndex((value) => constantOf(value)?.shape.length === 1);
  const bias = constantOf(node.inputs[index]);
  const shape = scene.shape(node.outputs[0]);
  if (!bias || bias.size < 2 || shape?.at(-1) !== bias.size || shape.at(-2) !== bias.size) return undefined;
  return () => scene.put(node, index, new Tensor(bias.dtype, [bias.size, 1], bias.data));
}

const others = (node: Node, index: number, value: Value | undefined): readonly (Value | undefined)[] =>
  node.inputs.map((input, i) => (i === index ? value : input));

/** Damage to weights, biases and other numbers that a model holds. */
export const constants: readonly Mutation[] = [
  toWeight('one element of a weight', isMatrix, one((value) => value * 1.5 + 0.1)),
  toWeight('one element of a weight by a hundredth', isMatrix, one((value) => value * 1.01 + 1e-3)),
  toWeight('one element of a bias', isBias, one((value) => value * 1.5 + 0.1)),
  toWeight('a weight negated', isMatrix, (values) => values.forEach((value, i) => (values[i] = -value))),
  toWeight('a square weight transposed', ({ tensor }) => isMatrix({ tensor } as Weight) && tensor.shape.at(-1) === tensor.shape.at(-2) && tensor.shape.at(-1)! > 1, transposed),
  toWeight('two rows of a weight swapped', ({ tensor }) => isMatrix({ tensor } as Weight) && tensor.shape[0]! > 1, swapRows),
  toWeight('groups of a convolution permuted', ({ node, index, tensor }) => isOp(node, 'Conv') && index === 1 && tensor.shape[0]! > 1 && tensor.shape[0] === Number(node.attrs.get('group')?.value ?? 1), swapRows),
  toWeight('a scale off by a twentieth', isScale, (values) => (values[0] = values[0] === 0 ? 0.01 : values[0]! * 1.05), 1),
  toWeight('an exponent changed', ({ node, index, tensor }) => isOp(node, 'Pow') && index === 1 && tensor.size === 1, (values) => (values[0]! += 1), 1),
  toWeight('a bound of Clip changed', ({ node, index }) => isOp(node, 'Clip') && index > 0, (values) => (values[0]! += 0.5), 1),
  toWeight('a bound of Max or Min changed', ({ node, tensor }) => isOp(node, 'Max', 'Min') && Math.abs(tensor.scalar() ?? Infinity) < 1e4, (values) => (values[0]! += 0.25), 1),
  toWeight('a scale of QuantizeLinear by a unit', ({ node, index }) => isOp(node, 'QuantizeLinear', 'DequantizeLinear') && index === 1, one((value) => value * (1 + 2 ** -10)), 1),
  {
    kind: 'a shared weight gone stale',
    *places(scene) {
      for (const { node, index, tensor } of scene.weights()) {
        if (node.inputs[index]!.uses.size < 2 || tensor.shape.length < 1) continue;
        yield {
          at: pathOf(node),
          damage: () => scene.reweigh(node, index, (values) => values.forEach((value, i) => (values[i] = value * 0.9 + 0.01))),
        };
      }
    },
  },
  toAttribute('epsilon ten times as large', NORMS, 'epsilon', (node) => float((floatAttr(node, 'epsilon') ?? 1e-5) * 10)),
  toAttribute('epsilon a tenth', NORMS, 'epsilon', (node) => float((floatAttr(node, 'epsilon') ?? 1e-5) / 10)),
  toNode('epsilon of a spelled norm ten times as large', ['Add'], (node, scene) => {
    const index = epsilonOf(node);
    return index !== undefined && (() => scene.reweigh(node, index, (values) => (values[0]! *= 10)));
  }),
  toNode('epsilon of a spelled norm dropped', ['Add'], (node, scene) => {
    const index = epsilonOf(node);
    return index !== undefined && (() => scene.reweigh(node, index, (values) => values.fill(0)));
  }),
  toNode('a bias dropped', ['Add'], withoutConstant),
  toNode('the bias of an operator dropped', Object.keys(BIAS), (node, scene) => {
    const index = BIAS[node.opType]!;
    const bias = constantOf(node.inputs[index]);
    return bias && bias.floats().some((value) => value !== 0) && (() => scene.reweigh(node, index, (values) => values.fill(0)));
  }),
  toNode('a constant added', ['MatMul', 'Gemm', 'Conv', 'Relu', 'Sigmoid', 'Mul', 'Add', 'LayerNormalization'], (node, scene) => {
    const value = node.outputs[0];
    if (!value || !scene.isFloat(value)) return undefined;
    const tensor = Tensor.from({ dtype: 'float32', shape: [], data: Float32Array.of(0.01) });
    if (scene.types.dtype(value) !== 'float32') return undefined;
    return () => scene.after(value, node, (edit) => edit.node('Add', [value, edit.constant('', tensor)]));
  }),
  toNode('a bias along another axis of its size', ['Add', 'Mul', 'Sub'], asColumn),
  toOperator('scale and bias of a norm swapped', ['LayerNormalization', 'InstanceNormalization', 'BatchNormalization'], ({ opType, inputs, attrs }) => {
    const [x, scale, bias, ...rest] = inputs;
    return scale && bias && scale !== bias && [opType, [x, bias, scale, ...rest], Object.fromEntries(attrs)];
  }),
  toOperator('mean and variance of a norm swapped', ['BatchNormalization'], ({ opType, inputs, attrs, outputs }) => {
    const [x, scale, bias, mean, variance] = inputs;
    const positive = constantOf(mean)?.floats().every((value) => value >= 0);
    return outputs.length === 1 && positive && [opType, [x, scale, bias, variance, mean], Object.fromEntries(attrs)];
  }),
  toAttribute('alpha of Gemm', ['Gemm', 'LeakyRelu', 'Elu', 'ThresholdedRelu', 'HardSigmoid', 'Celu', 'Selu'], 'alpha', (node) => float((floatAttr(node, 'alpha') ?? 1) * 1.05)),
  toAttribute('beta of Gemm', ['Gemm', 'HardSigmoid'], 'beta', (node) => (node.opType === 'Gemm' && !node.inputs[2] ? undefined : float((floatAttr(node, 'beta') ?? 1) * 0.9))),
  toAttribute('transB of Gemm', ['Gemm'], 'transB', (node, scene) => {
    const shape = scene.shape(node.inputs[1]);
    return shape && shape[0] === shape[1] && shape[0]! > 1 ? 1 - Number(node.attrs.get('transB')?.value ?? 0) : undefined;
  }),
  toNode('a zero point off by one', ['QuantizeLinear', 'DequantizeLinear', 'QLinearConv', 'QLinearMatMul', 'MatMulInteger', 'ConvInteger'], (node, scene) => {
    const index = { QLinearConv: 2, QLinearMatMul: 2, MatMulInteger: 2, ConvInteger: 2 }[node.opType] ?? 2;
    const zero = constantOf(node.inputs[index]);
    return zero && zero.dtype !== 'int32' && (() => scene.reweigh(node, index, (values) => values.forEach((value, i) => (values[i] = value > 100 ? value - 1 : value + 1))));
  }),
  toNode('a zero point left out', ['QuantizeLinear', 'DequantizeLinear'], (node) => {
    const zero = constantOf(node.inputs[2]);
    const typed = zero && (zero.dtype === 'uint8' || node.opType === 'DequantizeLinear');
    return typed && zero.floats().some((value) => value !== 0) && (() => node.graph.setInputs(node, others(node, 2, undefined).slice(0, 2)));
  }),
]; // prettier-ignore
