import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { type Elements, sizeOf } from './elements.js';
import { axisOf, broadcastShape, broadcastTo, offsets, permute, stridesOf, take } from './index-maps.js';
import { concatenate, piece } from './pieces.js';
import { invalid, unsupported } from './stop.js';

/** The same elements under another shape of as many. */
export function reshaped(x: Elements, shape: readonly number[]): Elements {
  if (elementCount(shape) !== sizeOf(x) || shape.some((dim) => !(dim >= 0)))
    throw invalid(`[${x.shape.join(', ')}] under the shape [${shape.join(', ')}]`);
  return { ...x, shape };
}

function reshape(call: Call): readonly Elements[] {
  const x = call.input(0);
  const asked = call.opset < 5 ? call.intList('shape') : call.ints(1);
  if (!asked) throw invalid('the shape is missing');
  const zero = call.maybeInt('allowzero') === 1;
  const shape = asked.map((dim, axis) => (dim === 0 && !zero ? (x.shape[axis] ?? 0) : dim));
  const open = shape.indexOf(-1);
  if (open < 0) return [reshaped(x, shape)];
  const rest = elementCount(shape.with(open, 1));
  return [reshaped(x, shape.with(open, rest === 0 ? 0 : sizeOf(x) / rest))];
}

function flatten(call: Call): readonly Elements[] {
  const x = call.input(0);
  const given = call.int('axis');
  const axis = given < 0 ? given + x.shape.length : given;
  return [reshaped(x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))])];
}

function squeeze(call: Call): readonly Elements[] {
  const x = call.input(0);
  const asked = call.opset < 13 ? call.intList('axes') : call.ints(1);
  const axes = asked?.map((axis) => axisOf(axis, x.shape.length));
  const gone = (dim: number, axis: number): boolean => (axes ? axes.includes(axis) : dim === 1);
  return [
    reshaped(
      x,
      x.shape.filter((dim, axis) => !gone(dim, axis)),
    ),
  ];
}

function unsqueeze(call: Call): readonly Elements[] {
  const x = call.input(0);
  const asked = call.opset < 13 ? call.intList('axes') : call.ints(1);
  if (!asked) throw invalid('the axes are missing');
  const rank = x.shape.length + asked.length;
  const axes = new Set(asked.map((axis) => axisOf(axis, rank)));
  if (axes.size !== asked.length) throw invalid('an axis twice');
  let next = 0;
  return [
    reshaped(
      x,
      Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : x.shape[next++]!)),
    ),
  ];
}

function transpose(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(sizeOf(x));
  return [permute(x, call.intList('perm') ?? [...x.shape.keys()].reverse())];
}

function concat(call: Call): readonly Elements[] {
  const parts = call.all();
  call.spend(parts.reduce((sum, part) => sum + sizeOf(part), 0));
  const axis = call.opset < 4 ? (call.maybeInt('axis') ?? 1) : call.int('axis');
  return [concatenate(parts, axisOf(axis, parts[0]?.shape.length ?? 0))];
}

function split(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(sizeOf(x));
  const axis = axisOf(call.int('axis'), x.shape.length);
  const total = x.shape[axis]!;
  const count = call.maybeInt('num_outputs') ?? call.node.outputs.length;
  const each = Math.ceil(total / count);
  const given = call.opset < 13 ? call.intList('split') : call.ints(1);
  const sizes = given ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, total - i * each)));
  if (sizes.reduce((sum, size) => sum + size, 0) !== total) throw invalid(`parts of [${sizes.join(', ')}] of ${total}`);
  let start = 0;
  return sizes.map((size) => {
    const part = piece(x, axis, start, size);
    start += size;
    return part;
  });
}

function expand(call: Call): readonly Elements[] {
  const x = call.input(0);
  const shape = broadcastShape(x.shape, call.ints(1) ?? []);
  call.spend(elementCount(shape));
  return [broadcastTo(x, shape)];
}

function tile(call: Call): readonly Elements[] {
  if (call.opset < 6) throw unsupported('its first version');
  const x = call.input(0);
  const repeats = call.ints(1) ?? [];
  if (repeats.length !== x.shape.length) throw invalid(`${repeats.length} repeats of rank ${x.shape.length}`);
  const shape = x.shape.map((dim, axis) => dim * repeats[axis]!);
  call.spend(elementCount(shape));
  const strides = stridesOf(x.shape);
  const split = x.shape.flatMap((dim, axis) => [repeats[axis]!, dim]);
  const places = offsets(
    split,
    x.shape.flatMap((_, axis) => [0, strides[axis]!]),
  );
  return [take(x, places, shape)];
}

/** `blocksize` squares of depth go to space; the order of depth by `mode`. */
function depthToSpace(call: Call): readonly Elements[] {
  const x = call.input(0);
  const [size, mode] = [call.int('blocksize'), call.text('mode')];
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const depth = c / size ** 2;
  call.spend(sizeOf(x));
  const rows = mode === 'CRD' ? [n, depth, size, size, h, w] : [n, size, size, depth, h, w];
  const perm = mode === 'CRD' ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return [reshaped(permute(reshaped(x, rows), perm), [n, depth, h * size, w * size])];
}

function spaceToDepth(call: Call): readonly Elements[] {
  const x = call.input(0);
  const size = call.int('blocksize');
  const [n, c, h, w] = x.shape as [number, number, number, number];
  call.spend(sizeOf(x));
  const perm = call.text('mode') === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  const parts = permute(reshaped(x, [n, c, h / size, size, w / size, size]), perm);
  return [reshaped(parts, [n, c * size ** 2, h / size, w / size])];
}

/** Operators that lay elements out anew. */
export const LAYOUT: Kernels = {
  Concat: concat,
  DepthToSpace: depthToSpace,
  Dropout: (call) => {
    const training = call.inputs[2];
    if (call.opset < 7 ? call.maybeInt('is_test') === 0 : training && training.data[0]) throw unsupported('training');
    const x = call.input(0);
    return [x, { dtype: 'bool', shape: x.shape, data: new Uint8Array(sizeOf(x)).fill(1) }];
  },
  Expand: expand,
  Flatten: flatten,
  Identity: (call) => [call.input(0)],
  Reshape: reshape,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
