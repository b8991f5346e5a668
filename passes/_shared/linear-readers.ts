import { intAttr, isOp, type Node, type NumericArray, Tensor, toFloat64, type Value } from '#core';
import { broadcast, zip } from './arrays.js';
import { isUnpadded } from './carriers.js';
import { type FeatureMap, mapAlong, widened } from './feature-map.js';
import { staticArray } from './static-array.js';
import { along, copyNode, makeConstant, refuse, type Weights } from './weight-edit.js';

/**
 * A value in new coordinates: `old = next·M + shift`. Readers change their weights by the transpose of M, `[old features, new features]`,
 * which is `map`.
 */
export interface Recoordinated {
  readonly old: Value;
  readonly next: Value;
  readonly axis: number;
  readonly map: FeatureMap;
  readonly shift?: Float64Array | undefined;
}

/** What to do with readers that have no weights to change: `keep` gives them the value in its old coordinates, made from the new. */
export interface ReaderOptions {
  readonly others: 'keep' | 'refuse';
  /** Convolutions that pad with zeros: `border` pads with what the norm maps to zero instead, at the price of a few nodes. */
  readonly padding?: 'refuse' | 'border';
}

/** Whether a node reads the value through weights that could take the change. */
export function isLinear(
  w: Weights,
  at: Recoordinated,
  node: Node,
  index: number,
  { padding }: ReaderOptions,
): boolean {
  const { axis, map, shift } = at;
  const rank = w.types.shape(at.old)?.length;
  const other = node.inputs[1 - index];
  if (rank === undefined || node.domain !== '') return false;
  const isWeight = (value: Value | undefined): boolean =>
    value !== undefined && staticArray(value, w.types) !== undefined;
  switch (node.opType) {
    case 'MatMul':
      if (!isWeight(other) || (w.types.shape(other!)?.length ?? 0) < 2) return false;
      return index === 0 ? axis === rank - 1 : axis === rank - 2;
    case 'Gemm':
      return (
        index === 0 &&
        axis === 1 &&
        (intAttr(node, 'transA') ?? 0) === 0 &&
        isWeight(other) &&
        isBias(w, node.inputs[2])
      );
    case 'Conv': {
      if (index !== 0 || axis !== 1 || !isWeight(other) || !isBias(w, node.inputs[2])) return false;
      if ((intAttr(node, 'group') ?? 1) !== 1 && !map.scale) return false;
      return !shift || isUnpadded(node) || (padding === 'border' && hasBorder(node, at));
    }
    case 'ConvTranspose':
      return (
        index === 0 &&
        axis === 1 &&
        !shift &&
        isWeight(other) &&
        (map.scale !== undefined || (intAttr(node, 'group') ?? 1) === 1)
      );
    default:
      return false;
  }
}

function isBias(w: Weights, bias: Value | undefined): boolean {
  return bias === undefined || staticArray(bias, w.types) !== undefined;
}

/** Whether there is a number for each channel that the norm maps to zero, and the padding is spelled out. */
function hasBorder(node: Node, { map, shift }: Recoordinated): boolean {
  const pads = node.attrs.get('pads');
  const auto = node.attrs.has('auto_pad') && !isUnpadded(node) && pads?.type !== 'INTS';
  return !auto && map.scale !== undefined && map.scale.every((factor, i) => factor !== 0 || shift![i] === 0);
}

/** old·W = next·(M·W) + shift·W: the linear operator once more with new weights; its output takes the place of the old one. */
export function foldLinear(w: Weights, at: Recoordinated, node: Node, index: number): void {
  switch (node.opType) {
    case 'MatMul':
      return foldMatMul(w, at, node, index);
    case 'Gemm':
      return foldGemm(w, at, node);
    default:
      return foldConvolution(w, at, node);
  }
}

function weightOf(w: Weights, value: Value): NumericArray {
  return widened(staticArray(value, w.types) ?? refuse(value, 'a weight is computed when the model runs'));
}

/** shift·W along an axis of W: the other axes are left. */
function shiftThrough(weight: NumericArray, axis: number, shift: Float64Array): NumericArray {
  const sum = mapAlong(weight, axis, {
    from: shift.length,
    to: 1,
    apply(source, target) {
      target[0] = source.reduce((total, element, i) => total + element * shift[i]!, 0);
    },
  });
  return { ...sum, shape: sum.shape.filter((_, at) => at !== axis) };
}

function foldMatMul(w: Weights, { next, map, shift }: Recoordinated, node: Node, index: number): void {
  const weightValue = node.inputs[1 - index]!;
  const weight = weightOf(w, weightValue);
  const axis = index === 0 ? weight.shape.length - 2 : weight.shape.length - 1;
  const folded = makeConstant(w, weightValue, mapAlong(weight, axis, map), 'folded');
  const product = copyNode(node, index === 0 ? [next, folded] : [folded, next]);
  const output = node.outputs[0]!;
  if (!shift) return w.edit.replace(output, product);
  const through = shiftThrough(weight, axis, shift);
  const extra = index === 0 ? through : { ...through, shape: [...through.shape, 1] };
  const add = soleBias(w, output, extra);
  if (!add) return w.edit.replace(output, w.edit.node('Add', [product, makeConstant(w, weightValue, extra, 'bias')]));
  const bias = makeConstant(w, add.bias, add.sum, 'folded');
  w.edit.replace(
    add.node.outputs[0]!,
    copyNode(
      add.node,
      add.node.inputs.map((input) => (input === output ? product : bias)),
    ),
  );
}

/** The addition of a static bias that alone reads a product, with the bias plus `extra`. */
function soleBias(
  w: Weights,
  product: Value,
  extra: NumericArray,
): { readonly node: Node; readonly bias: Value; readonly sum: NumericArray } | undefined {
  const [use, ...more] = product.uses;
  if (use?.kind !== 'input' || more.length > 0 || !isOp(use.node, 'Add')) return undefined;
  const bias = use.node.inputs[1 - use.index]!;
  const array = staticArray(bias, w.types);
  if (
    !array ||
    array.shape.some((dim, at) => dim !== 1 && dim !== extra.shape[at - array.shape.length + extra.shape.length])
  )
    return undefined;
  const rank = Math.max(array.shape.length, extra.shape.length);
  const shape = Array.from({ length: rank }, (_, at) => extra.shape[at - rank + extra.shape.length] ?? 1);
  return { node: use.node, bias, sum: zip((a, b) => a + b, broadcast(widened(array), shape), broadcast(extra, shape)) };
}

function foldGemm(w: Weights, { next, map, shift }: Recoordinated, node: Node): void {
  const [, weightValue, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const weight = weightOf(w, weightValue);
  const axis = intAttr(node, 'transB') === 1 ? 1 : 0;
  const inputs: (Value | undefined)[] = [
    next,
    makeConstant(w, weightValue, mapAlong(weight, axis, map), 'folded'),
    bias,
  ];
  let attrs = node.attrs;
  if (shift) {
    const [alpha, beta] = [floatOf(node, 'alpha'), floatOf(node, 'beta')];
    const through = shiftThrough(weight, axis, shift);
    const base = bias
      ? widened(weightOf(w, bias))
      : { dtype: 'float64' as const, shape: through.shape, data: new Float64Array(through.data.length) };
    const shape = base.shape.length === 2 ? [base.shape[0]!, through.shape[0]!] : through.shape;
    const sum = zip((a, b) => beta * a + alpha * b, broadcast(base, shape), broadcast(through, shape));
    inputs[2] = makeConstant(w, bias ?? weightValue, sum, 'bias');
    attrs = new Map([...attrs, ['beta', { type: 'FLOAT', value: 1 }]]);
  }
  w.edit.replace(node.outputs[0]!, copyNode(node, inputs, 0, attrs));
}

function floatOf(node: Node, name: string): number {
  const attr = node.attrs.get(name);
  return attr?.type === 'FLOAT' ? attr.value : 1;
}

function foldConvolution(w: Weights, at: Recoordinated, node: Node): void {
  const [, weightValue, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const { map, shift } = at;
  const weight = weightOf(w, weightValue);
  const groups = intAttr(node, 'group') ?? 1;
  const isTransposed = node.opType === 'ConvTranspose';
  const mapped = isTransposed ? mapAlong(weight, 0, map) : mapGroups(weight, groups, map);
  const inputs: (Value | undefined)[] = [at.next, makeConstant(w, weightValue, mapped, 'folded'), bias];
  let attrs = node.attrs;
  if (shift) {
    const through = convolveShift(weight, groups, shift);
    const base = bias ? weightOf(w, bias) : { ...through, data: new Float64Array(through.data.length) };
    inputs[2] = makeConstant(
      w,
      bias ?? weightValue,
      zip((a, b) => a + b, base, through),
      'bias',
    );
    if (!isUnpadded(node)) {
      inputs[0] = padded(w, at, node);
      attrs = new Map([...attrs].filter(([name]) => name !== 'pads' && name !== 'auto_pad'));
    }
  }
  w.edit.replace(node.outputs[0]!, copyNode(node, inputs, 0, attrs));
}

/** Weights `[O, C/groups, …]` by input channels; where there are groups the map mixes none. */
function mapGroups(weight: NumericArray, groups: number, map: FeatureMap): NumericArray {
  if (groups === 1) return mapAlong(weight, 1, map);
  const place = channelOf(weight, groups);
  return { ...weight, data: toFloat64(weight).map((element, i) => element * map.scale![place(i)]!) };
}

/** The input channel that an element of convolution weights belongs to. */
function channelOf(weight: NumericArray, groups: number): (index: number) => number {
  const [out, perGroup, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const inner = kernel.reduce((a, b) => a * b, 1);
  return (index) => {
    const group = Math.floor(Math.floor(index / (perGroup * inner)) / (out / groups));
    return group * perGroup + (Math.floor(index / inner) % perGroup);
  };
}

/** What a convolution makes of a shift that is the same at every position and beyond the border. */
function convolveShift(weight: NumericArray, groups: number, shift: Float64Array): NumericArray {
  const out = weight.shape[0]!;
  const place = channelOf(weight, groups);
  const sums = new Float64Array(out);
  const perOutput = weight.data.length / out;
  toFloat64(weight).forEach((element, i) => {
    sums[Math.floor(i / perOutput)]! += element * shift[place(i)]!;
  });
  return { dtype: 'float64', shape: [out], data: sums };
}

/** x padded with v = −shift/scale, which the norm maps to zero: pad₀(x − v) + v. */
function padded(w: Weights, { old, next, axis, map, shift }: Recoordinated, node: Node): Value {
  const rank = w.types.shape(old)?.length ?? 0;
  const vector = shift!.map((element, i) => (element === 0 ? 0 : -element / map.scale![i]!));
  const border = makeConstant(w, old, along(vector, axis, rank), 'border');
  const given = node.attrs.get('pads');
  const pads = given?.type === 'INTS' ? given.value.map(Number) : [];
  const half = pads.length / 2;
  const all = [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)];
  const moved = w.edit.node('Sub', [next, border]);
  const opset = node.graph.opset('') ?? 0;
  const framed =
    opset >= 11
      ? w.edit.node('Pad', [moved, w.edit.constant('pads', Tensor.int64([all.length], all))])
      : w.edit.node('Pad', [moved], { pads: all });
  return w.edit.node('Add', [framed, border]);
}
