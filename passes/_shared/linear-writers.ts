import { intAttr, type Node, toFloat64, trainingMode, type Value } from '#core';
import { broadcast } from './arrays.js';
import { type FeatureMap, mapAlong, widened } from './feature-map.js';
import { staticArray } from './static-array.js';
import {
  added,
  addShift,
  type Change,
  copyNode,
  isZero,
  makeConstant,
  mappedWeight,
  rankOf,
  refuse,
  type Weights,
} from './weight-edit.js';

/**
 * The output of an operator with weights, with its features changed: the operator once more with changed weights and bias.
 * @throws ResonnxError `rewrite/refused` for every other operator
 */
export function writeLinear(w: Weights, value: Value, axis: number, change: Change): Value {
  const node = value.producer;
  const rank = rankOf(w, value);
  if (node && node.domain === '') {
    switch (node.opType) {
      case 'MatMul':
        return matMul(w, node, axis, change);
      case 'Gemm':
        if (axis === 1) return gemm(w, node, change);
        break;
      case 'Conv':
      case 'ConvTranspose':
        if (axis === 1) return convolution(w, node, change);
        break;
      case 'Gather': {
        const table = gatherTable(w, node, axis, rank);
        if (table !== undefined) {
          const gathered = copyNode(node, [mappedWeight(w, node.inputs[0]!, table, change.map), node.inputs[1]]);
          return addShift(w, gathered, axis, change.shift, value);
        }
        break;
      }
      case 'BatchNormalization':
        if (axis === 1 && trainingMode(node) === 'inference') return normParameters(w, node, change);
        break;
      case 'InstanceNormalization':
        if (axis === 1) return normParameters(w, node, change);
        break;
      case 'LayerNormalization':
        if (axis === rank - 1 && isLastAxis(node, rank)) return normParameters(w, node, change);
        break;
      default:
    }
  }
  return refuse(
    value,
    `${node ? node.op : `"${value.hint}"`} writes the value: not an operator whose weights could take the change`,
  );
}

function isLastAxis(node: Node, rank: number): boolean {
  const axis = intAttr(node, 'axis') ?? -1;
  return axis === -1 || axis === rank - 1;
}

function gatherTable(w: Weights, node: Node, axis: number, rank: number): number | undefined {
  const [table, indices] = node.inputs as readonly [Value, Value];
  const along0 = intAttr(node, 'axis') ?? 0;
  const tableRank = staticArray(table, w.types)?.shape.length;
  const indexRank = w.types.shape(indices)?.length;
  if (tableRank === undefined || indexRank === undefined) return undefined;
  const at = along0 < 0 ? along0 + tableRank : along0;
  if (axis < at) return axis;
  return axis >= at + indexRank && rank === tableRank + indexRank - 1 ? axis - indexRank + 1 : undefined;
}

function matMul(w: Weights, node: Node, axis: number, { map, shift }: Change): Value {
  const [a, b] = node.inputs as readonly [Value, Value];
  const output = node.outputs[0]!;
  const rank = rankOf(w, output);
  const index = axis === rank - 1 ? 1 : axis === rank - 2 ? 0 : undefined;
  const weight = index === 1 ? b : a;
  const array = index === undefined ? undefined : staticArray(weight, w.types);
  if (!array || array.shape.length < 2) return refuse(node, 'a product of two computed values writes the value');
  const at = index === 1 ? array.shape.length - 1 : array.shape.length - 2;
  const mapped = mappedWeight(w, weight, at, map);
  return addShift(w, copyNode(node, index === 1 ? [a, mapped] : [mapped, b]), axis, shift, output);
}

function gemm(w: Weights, node: Node, { map, shift }: Change): Value {
  const [a, b, c] = node.inputs as readonly [Value, Value, Value | undefined];
  const transposed = intAttr(node, 'transB') === 1;
  const weight = mappedWeight(w, b, transposed ? 0 : 1, map);
  const beta = node.attrs.get('beta');
  const factor = beta?.type === 'FLOAT' ? beta.value : 1;
  return copyNode(node, [a, weight, mappedBias(w, { bias: c, like: b, axisFromEnd: 1 }, { map, shift, factor })]);
}

/** Bias of a linear operator, mapped and shifted; `factor` is what the operator multiplies it by. */
function mappedBias(
  w: Weights,
  { bias, like, axisFromEnd }: { readonly bias: Value | undefined; readonly like: Value; readonly axisFromEnd: number },
  { map, shift, factor }: Change & { readonly factor: number },
): Value | undefined {
  const given = bias && (staticArray(bias, w.types) ?? refuse(bias, 'a bias is computed when the model runs'));
  if (!given && isZero(shift)) return undefined;
  if (factor === 0 && !isZero(shift)) refuse(like, 'a bias that is multiplied by 0 cannot take a shift');
  const start = given
    ? widened(given)
    : { dtype: 'float64' as const, shape: [map.from], data: new Float64Array(map.from) };
  const rank = Math.max(start.shape.length, axisFromEnd);
  const padded = [...Array<number>(rank - start.shape.length).fill(1), ...start.shape];
  const axis = rank - axisFromEnd;
  const shape = padded.map((dim, at) => (at === axis ? map.from : dim));
  const mapped = mapAlong(broadcast({ ...start, shape: padded }, shape), axis, map);
  const total = isZero(shift)
    ? mapped
    : added(
        mapped,
        axis,
        shift!.map((element) => element / factor),
      );
  return makeConstant(w, bias ?? like, total, 'bias');
}

/** Output channels of Conv are axis 0 of its weights; of ConvTranspose axis 1, within each group. */
function convolution(w: Weights, node: Node, { map, shift }: Change): Value {
  const [x, weight, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const groups = intAttr(node, 'group') ?? 1;
  const axis = node.opType === 'Conv' ? 0 : 1;
  const mapped = groups === 1 ? mappedWeight(w, weight, axis, map) : scaledGroups(w, node, weight, groups, map);
  return copyNode(node, [x, mapped, mappedBias(w, { bias, like: weight, axisFromEnd: 1 }, { map, shift, factor: 1 })]);
}

function scaledGroups(w: Weights, node: Node, weight: Value, groups: number, map: FeatureMap): Value {
  if (!map.scale) return refuse(node, 'a convolution with groups cannot mix its output channels');
  if (node.opType === 'Conv') return mappedWeight(w, weight, 0, map);
  const array = staticArray(weight, w.types) ?? refuse(weight, 'a weight is computed when the model runs');
  const [inn, out, ...kernel] = array.shape as readonly [number, number, ...number[]];
  const inner = kernel.reduce((a, b) => a * b, 1);
  const data = Float64Array.from(toFloat64(array), (element, i) => {
    const group = Math.floor(Math.floor(i / (out * inner)) / (inn / groups));
    return element * map.scale![group * out + (Math.floor(i / inner) % out)]!;
  });
  return makeConstant(w, weight, { dtype: 'float64', shape: array.shape, data }, 'mapped');
}

/** Scale and bias of a norm, one number per feature each. */
function normParameters(w: Weights, node: Node, { map, shift }: Change): Value {
  const [x, scale, bias, ...rest] = node.inputs as readonly [Value, Value, Value | undefined, ...Value[]];
  if (!map.scale) return refuse(node, 'a norm writes the value: it cannot mix features');
  return copyNode(node, [
    x,
    mappedWeight(w, scale, 0, map),
    mappedBias(w, { bias, like: scale, axisFromEnd: 1 }, { map, shift, factor: 1 }),
    ...rest,
  ]);
}
