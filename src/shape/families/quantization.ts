import { type Dim, add, mul } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import { like } from '../like.js';
import type { Family, Infer } from '../context.js';
import { broadcastInputs } from './elementwise.js';

/** QuantizeLinear 10-28, com.microsoft.QuantizeLinear 1: as x, of the type of y_zero_point, else of `output_dtype`, else uint8. */
const quantize: Infer = (cx) => {
  const dtype = cx.has(2) ? cx.dtype(2) : (cx.dtypeAttribute('output_dtype') ?? 'uint8');
  cx.output(0, cx.shape(0), dtype);
};

/** DequantizeLinear 10-28, com.microsoft.DequantizeLinear 1: as x, of `output_dtype`, else of the type of x_scale. */
const dequantize: Infer = (cx) => cx.output(0, cx.shape(0), cx.dtypeAttribute('output_dtype') ?? cx.dtype(1));

/** com.microsoft.DequantizeWithOrder 1: as the input, of the type of `to`. */
const dequantizeWithOrder: Infer = (cx) => cx.output(0, cx.shape(0), cx.dtypeAttribute('to'));

/** DynamicQuantizeLinear 11: y as x; y_scale and y_zero_point are scalars. */
const dynamicQuantize: Infer = (cx) => {
  cx.output(0, cx.shape(0));
  cx.output(1, []);
  cx.output(2, []);
};

/** com.microsoft.QLinearAdd 1, QLinearMul 1 (inputs 0 and 3), MulInteger 1 (0 and 2), QLinearWhere 1 (0, 1 and 4): what the operands broadcast to. */
function broadcast(...inputs: readonly number[]): Infer {
  return (cx) => cx.output(0, broadcastInputs(cx, inputs));
}

/** com.microsoft.QLinearConcat 1: inputs 2, 5, 8 … joined along `axis`, each followed by its scale and zero point. */
const concat: Infer = (cx) => {
  const shapes: Shape[] = [];
  for (let i = 2; i < cx.inputCount; i += 3) {
    const shape = cx.shape(i);
    if (shape === undefined) return;
    shapes.push(shape);
  }
  const [first, ...others] = shapes;
  const axis = first && cx.axis(cx.int('axis'), first.length);
  if (first === undefined || axis === undefined) return;
  const result: Dim[] = [...first];
  for (const shape of others) {
    if (shape.length !== first.length) return;
    for (const [at, size] of shape.entries()) {
      result[at] =
        at === axis ? add(result[at] ?? null, size) : cx.unify(result[at] ?? null, size, `sizes of axis ${at}`);
    }
  }
  cx.output(0, result);
};

/**
 * com.microsoft.GatherBlockQuantized 1: as Gather along `gather_axis`; uint8 data hold `8 / bits` elements a byte along the last axis.
 */
const gatherBlocks: Infer = (cx) => {
  const [data, indices] = [cx.shape(0), cx.shape(1)];
  const axis = data && cx.axis(cx.int('gather_axis') ?? 0, data.length);
  if (data === undefined || indices === undefined || axis === undefined) return;
  const perByte = cx.dtype(0) === 'uint8' ? Math.floor(8 / (cx.int('bits') ?? 4)) : 1;
  const unpacked = data.map((size, at) => (at === data.length - 1 ? mul(size, perByte) : size));
  const dtype = cx.dtype(0) === undefined ? undefined : cx.outputDType(0);
  cx.output(0, [...unpacked.slice(0, axis), ...indices, ...unpacked.slice(axis + 1)], dtype);
};

const same = like();

export const QUANTIZATION: Family = {
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  QuantizeLinear: quantize,
  'com.microsoft.DequantizeLinear': dequantize,
  'com.microsoft.DequantizeWithOrder': dequantizeWithOrder,
  'com.microsoft.GatherBlockQuantized': gatherBlocks,
  'com.microsoft.MulInteger': broadcast(0, 2),
  'com.microsoft.QLinearAdd': broadcast(0, 3),
  'com.microsoft.QLinearConcat': concat,
  'com.microsoft.QLinearLeakyRelu': same,
  'com.microsoft.QLinearMul': broadcast(0, 3),
  'com.microsoft.QLinearSigmoid': same,
  'com.microsoft.QLinearWhere': broadcast(0, 1, 4),
  'com.microsoft.QOrderedGelu': same,
  'com.microsoft.QuantizeLinear': quantize,
  'com.microsoft.QuantizeWithOrder': same,
};
