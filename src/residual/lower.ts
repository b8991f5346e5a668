import type { Node } from '../ir/node.js';
import { isFloat } from '../tensor/dtype.js';
import { findDType } from '../tensor/dtype.js';
import {
  isAttention,
  isConvolution,
  isDataMovement,
  isElementwise,
  isLayout,
  isMixing,
  isNormalization,
  isPooling,
  isReduction,
  randomness,
} from '../schema/traits.js';
import { intAttr } from '../schema/read.js';
import type { Builder, Scope } from './builder.js';
import { isLeast, lowerFused } from './lower-fused.js';
import { lowerNorm } from './lower-norm.js';
import { dataInputs, type OpKind, type Val } from './view.js';

type Operands = readonly (Val | undefined)[];

/** Operators that give their first operand unchanged, as far as structure is concerned. */
const ALIASES: ReadonlySet<string> = new Set([
  'Identity',
  'Dropout',
  'QuantizeLinear',
  'DequantizeLinear',
  'CastLike',
  'com.microsoft.QuantizeLinear',
  'com.microsoft.DequantizeLinear',
  'BitmaskDropout',
  'OptionalGetElement',
  'Optional',
  'com.microsoft.nchwc.ReorderInput',
  'com.microsoft.nchwc.ReorderOutput',
]);

/** Domains of onnxruntime whose operators are those of the default domain in another layout. */
const LAYOUT_DOMAINS: ReadonlySet<string> = new Set(['com.microsoft.nchwc', 'com.ms.internal.nhwc']);

/** The operator that a node is, whatever layout it works in. */
function nameOf(node: Node): string {
  return LAYOUT_DOMAINS.has(node.domain) ? node.opType : node.op;
}

/** Operators whose result tells about shapes and nothing about data. */
const SHAPE_ONLY: ReadonlySet<string> = new Set(['Shape', 'Size', 'EyeLike', 'RandomNormalLike', 'RandomUniformLike']);

const KINDS: ReadonlyMap<string, OpKind> = new Map<string, OpKind>([
  ['Mul', 'mul'],
  ['Div', 'div'],
  ['Concat', 'concat'],
  ['Softmax', 'softmax'],
  ['LogSoftmax', 'softmax'],
  ['Hardmax', 'softmax'],
  ['com.microsoft.QLinearSoftmax', 'softmax'],
  ['com.microsoft.BiasSoftmax', 'softmax'],
  ['Resize', 'resize'],
  ['Upsample', 'resize'],
  ['ConvTranspose', 'mix'],
  ['com.microsoft.RotaryEmbedding', 'pointwise'],
  ['RotaryEmbedding', 'pointwise'],
  ['DepthToSpace', 'resize'],
  ['ScatterElements', 'mix'],
  ['ScatterND', 'mix'],
  ['CumSum', 'mix'],
  ['DFT', 'mix'],
  ['STFT', 'mix'],
]);

/** Adds to the view what a node computes; calls and bodies are not its matter. */
export function lowerNode(builder: Builder, node: Node, inputs: Operands, scope: Scope): void {
  const first = inputs[0];
  if (node.opType === 'Constant' && node.domain === '') {
    for (const value of node.outputs) scope.values.set(value, builder.leaf(value, true));
  } else if (first && cutsOff(node, inputs)) {
    builder.add(node, scope, { kind: 'pointwise', type: 'Relu', inputs: [first], gives: node.outputs[0] });
  } else if (first && (ALIASES.has(node.op) || isTransparentCast(node))) lowerAlias(builder, node, first, scope);
  else if (node.op === 'DynamicQuantizeLinear' && first) lowerAlias(builder, node, first, scope);
  else if (SHAPE_ONLY.has(node.op)) {
    for (const value of node.outputs) scope.values.set(value, builder.leaf(value, true));
  } else if (lowerFused(builder, node, inputs, scope)) return;
  else if (isNormalization(node) && lowerNorm(builder, node, inputs, scope)) return;
  else lowerPlain(builder, node, inputs, scope);
}

/** Whether a quantization took the place of a Relu after a layer or a sum. */
function cutsOff(node: Node, [first, , zeroPoint]: Operands): boolean {
  const op = first?.op?.norm?.kind === 'batch' ? first.op.inputs[0]?.op : first?.op;
  const layer = op?.kind === 'mix' || (op?.kind === 'add' && dataInputs(op).length > 1);
  return node.opType === 'QuantizeLinear' && layer && isLeast(zeroPoint);
}

/** Casts to floats are looked through; casts to integers and booleans round and compare. */
function isTransparentCast(node: Node): boolean {
  if (node.op !== 'Cast') return false;
  const to = findDType(intAttr(node, 'to') ?? 1);
  return to === undefined || isFloat(to);
}

/** The first output is the first input; the others (masks, scales) are of no interest. */
function lowerAlias(builder: Builder, node: Node, first: Val, scope: Scope): void {
  node.outputs.forEach((value, index) => {
    scope.values.set(value, index === 0 ? first : builder.leaf(value, true));
  });
}

function lowerPlain(builder: Builder, node: Node, inputs: Operands, scope: Scope): void {
  if (node.domain === '' && (node.opType === 'Add' || node.opType === 'Sum' || node.opType === 'Sub')) {
    const signs = inputs.map((_, index) => (node.opType === 'Sub' && index === 1 ? -1 : 1));
    const only = inputs.length === 1 ? inputs[0] : undefined;
    if (only) scope.values.set(node.outputs[0]!, only);
    else builder.add(node, scope, { kind: 'add', inputs, signs, gives: node.outputs[0] });
    return;
  }
  const sequence = concatenated(node, inputs);
  if (sequence) {
    builder.add(node, scope, { kind: 'concat', inputs: sequence, gives: node.outputs[0] });
    return;
  }
  const random = randomness(node) === 'always';
  let kind = builder.kinds.get(node.op);
  if (!kind) builder.kinds.set(node.op, (kind = kindOf(node)));
  builder.addMany(node, scope, { kind, inputs: dataOperands(node, inputs), random }, node.outputs);
}

/** The parts that ConcatFromSequence joins, where SequenceConstruct lists them. */
function concatenated(node: Node, inputs: Operands): Operands | undefined {
  if (node.op !== 'ConcatFromSequence') return undefined;
  const from = inputs[0]?.op;
  return from?.type === 'SequenceConstruct' ? from.inputs : undefined;
}

function kindOf(node: Node): OpKind {
  const known = KINDS.get(nameOf(node));
  if (known) return known;
  if (isAttention(node) || isConvolution(node) || isMixing(node)) return 'mix';
  if (isPooling(node)) return 'pool';
  if (isReduction(node)) return 'reduce';
  if (isLayout(node)) return 'layout';
  if (isElementwise(node)) return 'pointwise';
  if (isDataMovement(node) || SEQUENCE.has(nameOf(node))) return 'move';
  if (randomness(node) === 'unknown') return 'mix';
  return 'other';
}

const SEQUENCE: ReadonlySet<string> = new Set(['SequenceConstruct', 'SequenceInsert', 'SequenceMap', 'TopK', 'OneHot']);

/** Operators that read data from their first operands alone; the others tell them sizes and places. */
const LEADING: ReadonlyMap<string, number> = new Map([
  ['Reshape', 1],
  ['Squeeze', 1],
  ['Unsqueeze', 1],
  ['Expand', 1],
  ['Tile', 1],
  ['Slice', 1],
  ['Split', 1],
  ['SplitToSequence', 1],
  ['SequenceAt', 1],
  ['Pad', 1],
  ['Resize', 1],
  ['Upsample', 1],
  ['TopK', 1],
  ['CumSum', 1],
  ['Trilu', 1],
  ['com.microsoft.RotaryEmbedding', 1],
  ['RotaryEmbedding', 1],
  ['DFT', 1],
  ['STFT', 1],
]);

function dataOperands(node: Node, inputs: Operands): Operands {
  const count = LEADING.get(nameOf(node));
  return count === undefined ? inputs : inputs.slice(0, count);
}
