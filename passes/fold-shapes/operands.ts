import { type Dim, format, intAttr, isOp, isProven, type Node, type PassContext, sub, Tensor, type Value } from '#core';
import { knownInts, normalAxis, sameDim } from '../_shared/facts.js';
import type { NodeRule, Plan } from '../_shared/node-rules.js';
import { positiveSizes, reshapeTarget, setTarget } from '../_shared/reshape-target.js';

/** A followed list of sizes that is computed although it may be a constant. */
function computed(node: Node, index: number, cx: PassContext): readonly Dim[] | undefined {
  const value = node.inputs[index];
  if (!value || value.constant || isOp(value.producer, 'Constant')) return undefined;
  const known = cx.types.elements(value);
  return known && known.shape.length <= 1 ? known.elements : [];
}

function setConstant(node: Node, index: number, sizes: readonly (number | bigint)[]): Plan {
  return (edit) => edit.graph.setInput(node, index, edit.constant('', Tensor.int64([sizes.length], sizes)));
}

const show = (dims: readonly Dim[]): string => `[${dims.map((dim) => (dim === null ? '?' : format(dim))).join(', ')}]`;

const reshape: NodeRule = {
  name: 'constant-reshape-target',
  summary: 'the target of a Reshape becomes a constant with 0 and -1 where these give the same sizes always',
  ops: ['Reshape'],
  plan(node, cx) {
    const elements = computed(node, 1, cx);
    const to = elements && cx.types.shape(node.outputs[0]!);
    if (!to) return undefined;
    const from = cx.types.shape(node.inputs[0]!);
    const target = reshapeTarget(from, to, {
      opset: node.graph.opset('') ?? 0,
      positive: positiveSizes(from, elements),
    });
    if (target) return (edit) => setTarget(edit, node, target);
    cx.decline('constant-reshape-target', node, `no constant target gives ${show(to)} from ${show(from ?? [])}`, 1);
    return undefined;
  },
};

/** A target of 1 keeps the size that is there, whatever it is. */
const expand: NodeRule = {
  name: 'constant-expand-target',
  summary: 'the target of an Expand becomes a constant where symbolic sizes are those that are there',
  ops: ['Expand'],
  plan(node, cx) {
    const to = computed(node, 1, cx) && cx.types.shape(node.outputs[0]!);
    const from = cx.types.shape(node.inputs[0]!);
    if (!to || !from) return undefined;
    const sizes = to.map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      return sameDim(from[axis - to.length + from.length] ?? null, dim) ? 1 : -1;
    });
    return sizes.includes(-1) ? undefined : setConstant(node, 1, sizes);
  },
};

/** Beyond every axis. */
const END = 2n ** 63n - 1n;

const slice: NodeRule = {
  name: 'constant-slice-bounds',
  summary: 'starts and ends of a Slice become constants where they are ends of the axis',
  ops: ['Slice'],
  plan(node, cx) {
    const shape = cx.types.shape(node.inputs[0]!);
    const steps = node.inputs[4] ? knownInts(cx.types, node.inputs[4]) : [];
    if (!shape || !steps?.every((step) => step > 0)) return undefined;
    for (const index of [1, 2]) {
      const elements = computed(node, index, cx);
      const axes = node.inputs[3] ? knownInts(cx.types, node.inputs[3]) : elements?.map((_, at) => at);
      if (!elements || elements.length === 0 || !axes) continue;
      const bounds = elements.map((bound, at) => {
        const axis = normalAxis(axes[at], shape.length);
        return axis === undefined ? undefined : constantBound(bound, shape[axis] ?? null);
      });
      if (bounds.every((bound) => bound !== undefined)) return setConstant(node, index, bounds);
    }
    return undefined;
  },
};

/** A bound as a number that means the same for every size: counted from the end, or the end itself. */
function constantBound(bound: Dim, size: Dim): bigint | undefined {
  if (typeof bound === 'number') return Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : BigInt(bound);
  if (isProven(bound, '>=', size)) return END;
  const back = sub(size, bound);
  if (typeof back !== 'number' || back <= 0) return undefined;
  return back === 1 || isProven(size, '>=', back) ? BigInt(-back) : undefined;
}

/** Whether Shape reads an axis range by attributes at this opset. */
export function hasShapeRange(opset: number | undefined): boolean {
  return (opset ?? 0) >= 15;
}

/** The range of axes that a Shape node reads. */
export function shapeRange(node: Node, rank: number): readonly [start: number, end: number] {
  const clamp = (axis: number): number => Math.min(rank, Math.max(0, axis < 0 ? axis + rank : axis));
  return [clamp(intAttr(node, 'start') ?? 0), clamp(intAttr(node, 'end') ?? rank)];
}

/** Rules that replace computed sizes by constants. */
export const OPERAND_RULES: readonly NodeRule[] = [reshape, expand, slice];

/** A value that some node computes, rather than a constant. */
export function isComputed(value: Value): boolean {
  return value.producer !== undefined && !isOp(value.producer, 'Constant');
}
