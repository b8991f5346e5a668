import { isOp, type Node, type Value } from '#core';
import { uniformValue } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';

/** Optional inputs whose absence means zeros, by position, with the version from which they are optional. */
const OPTIONAL: Readonly<Record<string, { readonly since: number; readonly inputs: readonly number[] }>> = {
  Conv: { since: 1, inputs: [2] },
  ConvTranspose: { since: 1, inputs: [2] },
  Gemm: { since: 11, inputs: [2] },
  GRU: { since: 7, inputs: [3, 5] },
  LSTM: { since: 7, inputs: [3, 5, 6, 7] },
  RNN: { since: 7, inputs: [3, 5] },
};

/** Biases and initial states of zeros add nothing, whether constant or made by ConstantOfShape, Expand and the like. */
export const zeroOperand: NodeRule = {
  name: 'zero-operand',
  summary: 'Conv, ConvTranspose, Gemm, GRU, LSTM and RNN need no bias and no initial state of zeros',
  ops: Object.keys(OPTIONAL),
  plan(node) {
    const { since, inputs } = OPTIONAL[node.opType]!;
    if ((node.graph.opset('') ?? 0) < since) return undefined;
    const zeros = inputs.filter((index) => isZero(node.inputs[index]));
    if (zeros.length === 0) return undefined;
    return (edit) => {
      const left = node.inputs.map((value, index) => (zeros.includes(index) ? undefined : value));
      edit.graph.setInputs(node, left.slice(0, left.findLastIndex((value) => value !== undefined) + 1));
    };
  },
};

/** Operators whose results are zeros where their first inputs are. */
const SPREADING = [
  'Expand',
  'Split',
  'Slice',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Tile',
  'Identity',
  'Cast',
];

function isZero(value: Value | undefined): boolean {
  let at = value;
  for (let steps = 0; at && steps < 8; steps++) {
    const node: Node | undefined = at.producer;
    if (isOp(node, ...SPREADING)) at = node.inputs[0];
    else return isOp(node, 'ConstantOfShape') ? fillsZeros(node) : uniformValue(at) === 0;
  }
  return false;
}

function fillsZeros(node: Node): boolean {
  const fill = node.attrs.get('value');
  return fill === undefined || (fill.type === 'TENSOR' && fill.value.scalar() === 0);
}
