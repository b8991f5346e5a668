import { intAttr, isOp, type Node, ResonnxError, toFloat64, type Types, type Use, type Value } from '#core';
import { describeNorm } from '../_shared/norm-kind.js';
import { applyNorm, findNorm, type NormSite } from '../_shared/norm-site.js';
import { redirect } from '../_shared/readers.js';
import { staticArray } from '../_shared/static-array.js';
import type { Stream } from '../_shared/stream.js';
import { refuse, type Weights } from '../_shared/weight-edit.js';

/** A reader of the stream that is not one of the named norms. */
interface Reader {
  readonly value: Value;
  readonly use: Use;
}

/**
 * Lets a reader read the centred stream where that changes nothing: other layer norms, shapes, linear operators whose weights sum to
 * zero over the features.
 * @throws ResonnxError `rewrite/refused` for every other reader
 */
export function moveReader(w: Weights, stream: Stream, { value, use }: Reader): void {
  if (use.kind === 'output')
    refuse(value, `the stream "${value.hint}" is an output of the graph: without its mean it would be another`);
  const { node, index } = use;
  if (isBlind(node, index, w.types)) return redirect([use], stream.built(value));
  const norm = normAt(node, value, w.types);
  if (!norm) {
    refuse(node, `${node.op} reads the stream "${value.hint}" as it is: without its mean it would give something else`);
  }
  w.edit.replace(norm.output, applyNorm(w.edit, norm, stream.built(value)));
}

/** How far below its input a norm may end. */
const STEPS = 16;

/** The layer norm that this reader of its input belongs to. */
function normAt(reader: Node, input: Value, types: Types): NormSite | undefined {
  const queue = [reader];
  const seen = new Set(queue);
  for (let at = 0; at < queue.length && at < STEPS; at++) {
    for (const output of queue[at]!.outputs) {
      const norm = findNorm(output);
      if (norm?.input === input && isLayer(norm, types)) return norm;
      for (const use of output.uses) {
        if (use.kind === 'output' || seen.has(use.node)) continue;
        seen.add(use.node);
        queue.push(use.node);
      }
    }
  }
  return undefined;
}

function isLayer(norm: NormSite, types: Types): boolean {
  try {
    return describeNorm(norm, types).kind === 'layer';
  } catch (cause) {
    if (cause instanceof ResonnxError) return false;
    throw cause;
  }
}

/** Whether a number that is added to every feature changes nothing that the node gives. */
function isBlind(node: Node, index: number, types: Types): boolean {
  return isOp(node, 'Shape') || (isOp(node, 'CastLike') && index === 1) || sumsToZero(node, index, types);
}

/** How large a sum may be beside the largest weight to count as zero: what rounding to float32 leaves. */
const ZERO = 1e-6;

function sumsToZero(node: Node, index: number, types: Types): boolean {
  if (!isOp(node, 'MatMul', 'Gemm') || index !== 0 || (isOp(node, 'Gemm') && intAttr(node, 'transA') === 1))
    return false;
  const weight = staticArray(node.inputs[1]!, types);
  if (weight?.shape.length !== 2) return false;
  const elements = toFloat64(weight);
  const [rows, columns] = weight.shape as readonly [number, number];
  const isTransposed = isOp(node, 'Gemm') && intAttr(node, 'transB') === 1;
  const outputs = isTransposed ? rows : columns;
  const sums = new Float64Array(outputs);
  elements.forEach((element, i) => {
    sums[isTransposed ? Math.floor(i / columns) : i % columns]! += element;
  });
  const largest = elements.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return sums.every((sum) => Math.abs(sum) <= ZERO * largest);
}
