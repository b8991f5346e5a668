import { type Dim, floorDiv, mul, sub } from '../dim/dim.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { intAttr, intsAttr } from '../schema/read.js';
import { isConvolution, isElementwise, isMixing, isNormalization } from '../schema/traits.js';
import type { Types } from '../shape/types.js';
import type { UseKind } from './input-use.js';

/** What one reader asks of the elements that it is given. */
export interface Sink {
  readonly kind: UseKind;
  /** Largest element that it takes. */
  readonly limit?: Dim;
  /** What the elements should be, when they are a list of sizes. */
  readonly sizes?: readonly Dim[];
  /** Constants that it compares elements with. */
  readonly compared?: readonly (number | string)[];
  /** Nothing of the elements reaches further. */
  readonly ends?: boolean;
}

/** Operators whose outputs hold elements of this input, by its index; all inputs when the list is empty. */
const LAYOUT: Readonly<Record<string, readonly number[]>> = {
  Identity: [0], Cast: [0], CastLike: [0], Reshape: [0], Squeeze: [0], Unsqueeze: [0], Flatten: [0], Transpose: [0],
  Expand: [0], Tile: [0], Slice: [0], Split: [0], Gather: [0], GatherElements: [0], GatherND: [0], Pad: [0],
  Where: [1, 2], ScatterND: [0, 2], ScatterElements: [0, 2], Concat: [], Optional: [0], OptionalGetElement: [0],
  SequenceConstruct: [], SequenceAt: [0], SequenceInsert: [0, 1], ConcatFromSequence: [0], SplitToSequence: [0], If: [],
  ReduceMax: [0], ReduceMin: [0], Max: [], Min: [],
}; // prettier-ignore

/** Whether the node passes elements of this input on to its outputs. */
export function layoutOf(node: Node, index: number): boolean {
  const inputs = node.domain === '' ? LAYOUT[node.opType] : undefined;
  return inputs !== undefined && (inputs.length === 0 || inputs.includes(index));
}

/** Fixed answers by operator and input index (`*`: any); what depends on shapes or other inputs is in {@link sinkOf}. */
const SINKS: Readonly<Record<string, UseKind>> = {
  'Where 0': 'mask', 'Not 0': 'mask', 'And *': 'mask', 'Or *': 'mask', 'Xor *': 'mask', 'If 0': 'mask', 'Loop 1': 'mask',
  'Compress 1': 'mask', 'Loop 0': 'count', 'Slice 1': 'start', 'Slice 2': 'end', 'Slice 3': 'axis', 'Slice 4': 'step',
  'Range 0': 'zero', 'Range 1': 'count', 'Range 2': 'step', 'ConstantOfShape 0': 'count', 'Expand 1': 'step',
  'Reshape 1': 'shape', 'Tile 1': 'count', 'TopK 1': 'count', 'Trilu 1': 'zero', 'Unsqueeze 1': 'axis', 'Squeeze 1': 'axis',
  'ReduceSum 1': 'axis', 'ReduceMean 1': 'axis', 'ReduceMax 1': 'axis', 'ReduceMin 1': 'axis', 'ReduceProd 1': 'axis',
  'ReduceL1 1': 'axis', 'ReduceL2 1': 'axis', 'ReduceLogSum 1': 'axis', 'ReduceLogSumExp 1': 'axis',
  'ReduceSumSquare 1': 'axis', 'CumSum 1': 'axis', 'Pad 1': 'zero', 'Pad 3': 'axis', 'Resize 2': 'above', 'Upsample 1': 'above',
  'Log 0': 'positive', 'Sqrt 0': 'positive', 'Div 1': 'nonzero', 'Mod 1': 'nonzero', 'Reciprocal 0': 'nonzero', 'Pow 0': 'positive',
  'Acos 0': 'inside', 'Asin 0': 'inside', 'Atanh 0': 'inside', 'Acosh 0': 'above', 'Bernoulli 0': 'unit', 'Dropout 1': 'unit',
  'QuantizeLinear 1': 'positive', 'DequantizeLinear 1': 'positive', 'BatchNormalization 4': 'positive', 'STFT 0': 'wave',
  'STFT 1': 'count', 'STFT 3': 'count', 'DFT 0': 'wave', 'DFT 1': 'count', 'BitShift 1': 'count', 'NonMaxSuppression 2': 'count',
  'NonMaxSuppression 3': 'unit', 'NonMaxSuppression 4': 'unit', 'NonMaxSuppression 1': 'unit', 'RNN 5': 'state', 'GRU 5': 'state',
  'LSTM 5': 'state', 'LSTM 6': 'state', 'HannWindow 0': 'count', 'HammingWindow 0': 'count', 'BlackmanWindow 0': 'count',
  'CenterCropPad 1': 'count', 'SequenceAt 1': 'zero', 'SequenceInsert 2': 'zero', 'SequenceErase 1': 'zero',
  'MelWeightMatrix *': 'count', 'com.microsoft.Attention 3': 'mask', 'com.microsoft.MultiHeadAttention 4': 'mask',
  'com.microsoft.EmbedLayerNormalization 7': 'mask', 'Attention 3': 'mask',
}; // prettier-ignore

const COMPARISONS: ReadonlySet<string> = new Set(['Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual']);

/** What the node asks of the elements of this input; `undefined` when it asks nothing. */
export function sinkOf(node: Node, index: number, types: Types): Sink | undefined {
  const table = tableOf(node, index, types);
  if (table) return { ...table, ends: true };
  const fixed = SINKS[`${node.op} ${index}`] ?? SINKS[`${node.op} *`];
  if (fixed === 'end' || fixed === 'start' || fixed === 'axis') return { kind: fixed, ends: true };
  if (fixed) return { kind: isWholePower(node, index) ? 'compute' : fixed };
  if (node.domain === '' && COMPARISONS.has(node.opType)) return comparison(node, index);
  if (isMaskComplement(node, index)) return { kind: 'mask' };
  if (isConvolution(node)) return index === 0 ? convolution(node, types) : { kind: 'compute' };
  if (node.domain === '' && node.opType.endsWith('VectorEncoder')) return undefined;
  const vocabulary = stringsOf(node);
  if (vocabulary) return { kind: 'compute', compared: vocabulary };
  return isMixing(node) || isNormalization(node) || isElementwise(node) ? { kind: 'compute' } : undefined;
}

/** The base of a power of whole numbers may be negative. */
function isWholePower(node: Node, index: number): boolean {
  if (node.op !== 'Pow' || index !== 0) return false;
  return constantOf(node.inputs[1])?.floats().every(Number.isInteger) ?? false;
}

function convolution(node: Node, types: Types): Sink {
  const rank = types.shape(node.inputs[0]!)?.length;
  return { kind: rank === 3 ? 'wave' : 'image' };
}

/** Constants that a comparison may have to be followed. */
const MOST_COMPARED = 1024;

function comparison(node: Node, index: number): Sink {
  const other = constantOf(node.inputs[1 - index]);
  if (!other || other.size > MOST_COMPARED) return { kind: 'compute' };
  const values = other.dtype === 'string' ? (other.array().data as readonly string[]) : [...other.floats()];
  return { kind: 'compute', compared: values };
}

/** `1 - x`, whose result is multiplied by something large and negative. */
function isMaskComplement(node: Node, index: number): boolean {
  if (node.domain !== '' || node.opType !== 'Sub' || index !== 1) return false;
  if (constantOf(node.inputs[0])?.scalar() !== 1) return false;
  for (const use of node.outputs[0]?.uses ?? []) {
    if (use.kind !== 'input') continue;
    if (use.node.opType === 'Cast' || use.node.opType === 'Where') return true;
    const factor = constantOf(use.node.inputs[1 - use.index])?.scalar();
    if (use.node.opType === 'Mul' && factor !== undefined && factor < -1) return true;
  }
  return false;
}

/** Words that an operator on strings knows. */
function stringsOf(node: Node): readonly string[] | undefined {
  const utf8 = new TextDecoder();
  for (const name of ['pool_strings', 'keys_strings', 'cats_strings', 'classlabels_strings', 'string_vocabulary']) {
    const attr = node.attrs.get(name);
    if (attr?.type === 'STRINGS') return attr.value.slice(0, 64).map((text) => utf8.decode(text));
  }
  return undefined;
}

/** Readers that look elements up in something, or take them for lengths: the limit follows from a shape. */
function tableOf(node: Node, index: number, types: Types): Sink | undefined {
  const at = (input: number, axis: number): Dim => sizeOf(node.inputs[input], axis, types);
  const row = (input: number, axis = 0): Sink => ({ kind: 'index', limit: sub(at(input, axis), 1) });
  const length = (dim: Dim): Sink => ({ kind: 'length', limit: dim });
  switch (`${node.op} ${index}`) {
    case 'Gather 1':
    case 'GatherElements 1':
    case 'ScatterElements 1':
    case 'Scatter 1':
    case 'TensorScatter 2':
      return row(0, intAttr(node, 'axis') ?? 0);
    case 'com.microsoft.GatherBlockQuantized 1':
      return row(0, intAttr(node, 'gather_axis') ?? 0);
    case 'GatherND 1':
    case 'ScatterND 1':
      return { kind: 'index', limit: sub(smallest(node.inputs[0], types), 1) };
    case 'OneHot 0': {
      const depth = types.elements(node.inputs[1]!)?.elements[0] ?? null;
      return { kind: 'index', limit: sub(depth, 1) };
    }
    case 'Resize 3':
    case 'Upsample 3':
      return { kind: 'count', sizes: sizesAlong(node, types) };
    case 'AffineGrid 1':
      return { kind: 'count', sizes: [at(0, 0), 2, 3, 4, 5] };
    case 'Split 1':
      return { kind: 'count', sizes: parts(at(0, intAttr(node, 'axis') ?? 0), node.outputs.length) };
    case 'OneHot 1':
      return { kind: 'count' };
    case 'com.microsoft.EmbedLayerNormalization 0':
      return row(2);
    case 'com.microsoft.EmbedLayerNormalization 1':
      return row(4);
    case 'com.microsoft.EmbedLayerNormalization 8':
      return row(3);
    case 'com.microsoft.RotaryEmbedding 1':
      return row(2);
    case 'RotaryEmbedding 3':
      return row(1);
    case 'com.microsoft.GroupQueryAttention 5':
      return { kind: 'index', limit: sub(at(0, 1), 1) };
    case 'com.microsoft.GroupQueryAttention 6':
      return { kind: 'count', limit: at(0, 1) };
    case 'RoiAlign 2':
      return row(0);
    case 'NegativeLogLikelihoodLoss 1':
    case 'SoftmaxCrossEntropyLoss 1':
      return row(0, 1);
    case 'RNN 4':
    case 'GRU 4':
    case 'LSTM 4':
      return length(at(0, 0));
    case 'ReverseSequence 1':
      return length(at(0, intAttr(node, 'time_axis') ?? 0));
    default:
      return undefined;
  }
}

/** The sizes of the axes that a Resize changes. */
function sizesAlong(node: Node, types: Types): readonly Dim[] {
  const shape = types.shape(node.inputs[0]!) ?? [];
  return intsAttr(node, 'axes')?.map((axis) => shape.at(axis) ?? null) ?? shape;
}

/** A size in equal parts, the last one with the rest. */
function parts(size: Dim, count: number): readonly Dim[] {
  const part = floorDiv(size, count);
  return Array.from({ length: count }, (_, i) => (i < count - 1 ? part : sub(size, mul(part, count - 1))));
}

function sizeOf(value: Value | undefined, axis: number, types: Types): Dim {
  const shape = value && types.shape(value);
  return shape?.at(axis) ?? null;
}

/** The smallest known size of a tensor: what an index into any of its axes may reach. */
function smallest(value: Value | undefined, types: Types): Dim {
  const sizes = (value && types.shape(value)) ?? [];
  const numbers = sizes.filter((dim) => typeof dim === 'number');
  return numbers.length === sizes.length && numbers.length > 0 ? Math.min(...numbers) : 1;
}
