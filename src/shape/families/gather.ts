import { shapeIndex } from '../../diagnostics/codes/shape.js';
import type { Dim } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, NodeContext } from '../context.js';
import { isStatic, MAX_ELEMENTS } from '../fact.js';
import { like } from '../like.js';
import { stridesOf } from './layout.js';

const likeFirst = like();

/** Operators that read or write at indices. */
export const GATHER: Family = {
  Gather: inferGather,
  GatherElements: (cx) => cx.output(0, cx.shape(1)),
  GatherND: inferGatherND,
  OneHot: inferOneHot,
  Scatter: likeFirst,
  ScatterElements: likeFirst,
  ScatterND: inferScatterND,
  TensorScatter: likeFirst,
  TopK: inferTopK,
  'com.microsoft.GatherND': inferGatherND,
};

/** Gather (1, 11, 13): `data.shape[:axis] + indices.shape + data.shape[axis + 1:]`. */
function inferGather(cx: NodeContext): void {
  const data = cx.shape(0);
  const indices = cx.shape(1);
  const axis = data && cx.axis(cx.int('axis') ?? 0, data.length);
  if (!data || !indices || axis === undefined) {
    cx.output(0, undefined);
    return;
  }
  cx.output(0, [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]);
  checkIndices(cx, data[axis] ?? null);
  gatherElements(cx, axis);
}

function checkIndices(cx: NodeContext, size: Dim): void {
  if (typeof size !== 'number') return;
  const outside = cx.elements(1)?.elements.find((at) => typeof at === 'number' && (at >= size || at < -size));
  if (typeof outside === 'number') cx.problem(shapeIndex(cx.at, outside, size));
}

function gatherElements(cx: NodeContext, axis: number): void {
  const data = cx.elements(0);
  const shape = cx.outputShape(0);
  const positions = cx.elements(1)?.elements;
  if (!data || !positions || !isStatic(shape)) return;
  const inner = data.shape.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const outer = data.shape.slice(0, axis).reduce((size, dim) => size * dim, 1);
  if (outer * positions.length * inner > MAX_ELEMENTS) return;
  const size = data.shape[axis] ?? 0;
  const elements: Dim[] = [];
  for (let before = 0; before < outer; before++) {
    for (const position of positions) {
      const at = typeof position !== 'number' ? -1 : position < 0 ? position + size : position;
      for (let i = 0; i < inner; i++) {
        elements.push(at < 0 || at >= size ? null : (data.elements[(before * size + at) * inner + i] ?? null));
      }
    }
  }
  cx.outputElements(0, shape, elements);
}

/** GatherND (11, 12, 13): `indices.shape[:-1] + data.shape[batch_dims + indices.shape[-1]:]`. */
function inferGatherND(cx: NodeContext): void {
  const data = cx.shape(0);
  const indices = cx.shape(1);
  const depth = indices?.at(-1);
  const batch = cx.int('batch_dims') ?? 0;
  const isKnown = data && indices && typeof depth === 'number';
  cx.output(0, isKnown ? [...indices.slice(0, -1), ...data.slice(batch + depth)] : undefined);
}

/** OneHot (9, 11): the indices' shape with `depth` inserted at `axis`, which counts in the output. */
function inferOneHot(cx: NodeContext): void {
  const shape = cx.shape(0);
  const axis = shape && cx.axis(cx.int('axis') ?? -1, shape.length + 1);
  const isKnown = shape && axis !== undefined;
  cx.output(0, isKnown ? [...shape.slice(0, axis), cx.scalar(1), ...shape.slice(axis)] : undefined);
}

/** TopK (1: attribute `k`; 10, 11, 24: input): `k` elements along `axis`; values and int64 indices. */
function inferTopK(cx: NodeContext): void {
  const shape = cx.shape(0);
  const axis = shape && cx.axis(cx.int('axis') ?? -1, shape.length);
  const count = cx.since < 10 ? (cx.int('k') ?? null) : cx.scalar(1);
  const result: Shape | undefined = shape && axis !== undefined ? shape.with(axis, count) : undefined;
  cx.output(0, result);
  cx.output(1, cx.outputShape(0));
}

/** The data's shape; elements are followed where whole rows are written at known indices. */
function inferScatterND(cx: NodeContext): void {
  cx.output(0, cx.shape(0));
  const data = cx.elements(0);
  const indices = cx.elements(1);
  const depth = indices?.shape.at(-1);
  const [reduction, updates] = [cx.string('reduction') ?? 'none', cx.elements(2)?.elements];
  if (!data || !indices || depth === undefined || reduction !== 'none') return;
  const strides = stridesOf(data.shape);
  const inner = data.shape.slice(depth).reduce((size, dim) => size * dim, 1);
  const elements = [...data.elements];
  for (let row = 0; row * depth < indices.elements.length && depth > 0; row++) {
    let offset = 0;
    for (let axis = 0; axis < depth; axis++) {
      const index = indices.elements[row * depth + axis];
      const size = data.shape[axis] ?? 0;
      if (typeof index !== 'number' || index < -size || index >= size) return;
      offset += (index < 0 ? index + size : index) * (strides[axis] ?? 0);
    }
    for (let i = 0; i < inner; i++) elements[offset + i] = updates?.[row * inner + i] ?? null;
  }
  cx.outputElements(0, data.shape, elements);
}
