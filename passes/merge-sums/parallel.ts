import {
  constantOf,
  type Edit,
  fromFloat64,
  hasReference,
  intAttr,
  intsAttr,
  isOp,
  type Node,
  stringAttr,
  Tensor,
  type Value,
} from '#core';
import { onlyReader } from '../_shared/facts.js';

/** A convolution whose windows are known: the taps along each axis, and what they reach before the first position. */
export interface Windows {
  readonly conv: Node;
  readonly weight: Tensor;
  readonly kernel: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first position, for each axis. */
  readonly begins: readonly number[];
}

/** The convolution that gives a term, if that alone is read: of constant float32 weights that nothing else reads. */
export function windowsOf(term: Value): Windows | undefined {
  const conv = term.producer;
  if (!isOp(conv, 'Conv') || hasReference(conv) || !onlyReader(term)) return undefined;
  const weight = constantOf(conv.inputs[1]);
  if (weight?.dtype !== 'float32' || weight.size === 0 || conv.inputs[1]!.uses.size > 1) return undefined;
  const auto = stringAttr(conv, 'auto_pad') ?? 'NOTSET';
  const kernel = weight.shape.slice(2);
  const pads = auto === 'NOTSET' ? intsAttr(conv, 'pads') : auto === 'VALID' ? undefined : [];
  if (pads && pads.length !== 2 * kernel.length) return undefined;
  if (conv.inputs[2] && !constantOf(conv.inputs[2])) return undefined;
  const ones = kernel.map(() => 1);
  return {
    conv,
    weight,
    kernel,
    dilations: intsAttr(conv, 'dilations') ?? ones,
    begins: pads?.slice(0, kernel.length) ?? kernel.map(() => 0),
  };
}

/** What convolutions of one value must have in common before their windows are compared. */
export function parallelKey({ conv, weight, kernel }: Windows): string {
  const strides = intsAttr(conv, 'strides') ?? kernel.map(() => 1);
  return [conv.inputs[0]!.id, intAttr(conv, 'group') ?? 1, weight.shape.slice(0, 2), strides, kernel.length].join(' ');
}

/** Where the taps of `inner` are among those of `outer`, for each axis; `undefined` when they are not among them. */
export function placeWithin(outer: Windows, inner: Windows): readonly number[] | undefined {
  const place: number[] = [];
  for (const [axis, size] of inner.kernel.entries()) {
    const dilation = outer.dilations[axis] ?? 1;
    const at = (outer.begins[axis]! - inner.begins[axis]!) / dilation;
    const fits = Number.isInteger(at) && at >= 0 && at + size <= outer.kernel[axis]!;
    if (!fits || (size > 1 && inner.dilations[axis] !== dilation)) return undefined;
    place.push(at);
  }
  return place;
}

/** The largest float32. */
const MAX_FLOAT = (2 - 2 ** -23) * 2 ** 127;

/** One convolution with the taps of `outer`, to which those of the others are added; `undefined` when they overflow. */
export function together(
  edit: Edit,
  outer: Windows,
  inner: readonly { readonly windows: Windows; readonly place: readonly number[] }[],
): Value | undefined {
  const { conv, weight } = outer;
  const sum = Float64Array.from(weight.floats());
  for (const { windows, place } of inner) addTaps(sum, outer.kernel, windows, place);
  if (sum.some((number) => Math.abs(number) > MAX_FLOAT)) return undefined;
  const joined = edit.constant(conv.inputs[1]!.hint, Tensor.from(fromFloat64('float32', weight.shape, sum)));
  const bias = sumOfBiases(edit, [conv, ...inner.map(({ windows }) => windows.conv)]);
  return edit.node('Conv', [conv.inputs[0], joined, bias], conv.attrs, { name: conv.name });
}

function addTaps(sum: Float64Array, outer: readonly number[], windows: Windows, place: readonly number[]): void {
  const { kernel, weight } = windows;
  const [taps, all] = [kernel, outer].map((sizes) => sizes.reduce((total, size) => total * size, 1)) as [
    number,
    number,
  ];
  for (const [at, number] of weight.floats().entries()) {
    let [rest, to, stride] = [at % taps, 0, 1];
    for (let axis = kernel.length - 1; axis >= 0; axis--) {
      to += ((rest % kernel[axis]!) + place[axis]!) * stride;
      rest = Math.floor(rest / kernel[axis]!);
      stride *= outer[axis]!;
    }
    sum[Math.floor(at / taps) * all + to]! += number;
  }
}

/** Added up in float64 and rounded once. */
export function sumOfBiases(edit: Edit, convs: readonly Node[]): Value | undefined {
  const biases = convs.flatMap((conv) => constantOf(conv.inputs[2]) ?? []);
  const [first] = biases;
  if (!first) return undefined;
  const total = new Float64Array(first.size);
  for (const bias of biases) for (const [channel, number] of bias.floats().entries()) total[channel]! += number;
  return edit.constant('', Tensor.from(fromFloat64('float32', first.shape, total)));
}
