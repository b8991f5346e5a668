import { intAttr, isOp, type Node, type NumericArray, type Use, type Value } from '#core';
import { transposed } from './arrays.js';
import { carriedAxis, isUnpadded } from './carriers.js';
import { knownInts, normalAxis } from './facts.js';
import { type FeatureMap, matrixOf } from './feature-map.js';
import { foldLinear, isLinear, type ReaderOptions, type Recoordinated } from './linear-readers.js';
import { redirect } from './readers.js';
import { addShift, along, copyNode, makeConstant, refuse, type Weights } from './weight-edit.js';

type Kind = 'linear' | 'carrier' | 'shape' | 'other';

/** Makes these readers of the old value read the new one. Gives how many linear operators took the change into their weights. */
export function readThrough(w: Weights, at: Recoordinated, uses: readonly Use[], options: ReaderOptions): number {
  let folded = 0;
  const others: Use[] = [];
  for (const use of uses) {
    const kind = kindOf(w, at, use, options, 0);
    if (kind === 'linear' && use.kind === 'input') {
      foldLinear(w, at, use.node, use.index);
      folded++;
    } else if (kind === 'carrier' && use.kind === 'input') folded += throughCarrier(w, at, use, options);
    else if (kind === 'shape') redirect([use], at.next);
    else others.push(use);
  }
  if (others.length === 0) return folded;
  if (options.others === 'refuse') refuseOther(others[0]!, at);
  redirect(others, oldCoordinates(w, at));
  return folded;
}

function refuseOther(use: Use, { old }: Recoordinated): never {
  if (use.kind === 'output') return refuse(old, `"${old.hint}" is an output of the graph`);
  const padded = isOp(use.node, 'Conv') && use.index === 0 && !isUnpadded(use.node);
  const why = padded
    ? 'the convolution pads with zeros behind the norm: folding the norm would pad in front of it and change the border'
    : `${use.node.op} reads "${old.hint}" and has no weights that could take the change`;
  return refuse(use.node, why, padded ? 'Give the option padding: "exact".' : undefined);
}

/** next·M + shift as nodes. */
function oldCoordinates(w: Weights, { old, next, axis, map, shift }: Recoordinated): Value {
  const rank = w.types.shape(old)?.length ?? 0;
  const scaled = map.scale ? byFactor(w, next, map.scale, axis, rank, old) : byMatrix(w, next, map, axis, rank, old);
  return addShift(w, scaled, axis, shift, old);
}

function byFactor(w: Weights, value: Value, scale: Float64Array, axis: number, rank: number, like: Value): Value {
  if (scale.every((factor) => factor === 1)) return value;
  return w.edit.node('Mul', [value, makeConstant(w, like, along(scale, axis, rank), 'scale')]);
}

function byMatrix(w: Weights, value: Value, map: FeatureMap, axis: number, rank: number, like: Value): Value {
  const back = transposed(matrixOf(map));
  return multiplyFeatures(w, value, back, { axis, rank, like });
}

/** value·A along one axis, as a product at run time. */
export function multiplyFeatures(
  w: Weights,
  value: Value,
  matrix: NumericArray,
  { axis, rank, like }: { readonly axis: number; readonly rank: number; readonly like: Value },
): Value {
  const constant = makeConstant(w, like, matrix, 'map');
  if (axis === rank - 1) return w.edit.node('MatMul', [value, constant]);
  const perm = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
  perm.push(axis);
  const product = w.edit.node('MatMul', [w.edit.node('Transpose', [value], { perm }), constant]);
  return w.edit.node('Transpose', [product], { perm: perm.map((_, at) => perm.indexOf(at)) });
}

/** How deep readers are looked for below a value. */
const DEPTH = 32;

function kindOf(w: Weights, at: Recoordinated, use: Use, options: ReaderOptions, depth: number): Kind {
  if (use.kind === 'output' || depth > DEPTH) return 'other';
  const { node, index } = use;
  if (node.graph !== w.edit.graph || node.inputs.filter((input) => input === at.old).length > 1) return 'other';
  if (isOp(node, 'CastLike') && index === 1) return 'shape';
  if (isOp(node, 'Shape')) return at.map.from === at.map.to || !readsSize(w, node, at.axis) ? 'shape' : 'other';
  if (isLinear(w, at, node, index, options)) return 'linear';
  return carriesToLinear(w, at, use, options, depth) ? 'carrier' : 'other';
}

/** Whether somebody reads the number of features out of a shape. */
function readsSize(w: Weights, shape: Node, axis: number): boolean {
  const rank = w.types.shape(shape.inputs[0]!)?.length ?? 0;
  const start = normalAxis(intAttr(shape, 'start') ?? 0, rank + 1) ?? 0;
  const end = intAttr(shape, 'end');
  if (end !== undefined && axis >= (normalAxis(end, rank + 1) ?? rank)) return false;
  return [...shape.outputs[0]!.uses].some((use) => {
    if (use.kind === 'output') return true;
    const [, first, last] = use.node.inputs.map((input) => knownInts(w.types, input));
    if (isOp(use.node, 'Gather'))
      return !first || first.some((place) => (place < 0 ? place + rank : place + start) === axis);
    if (isOp(use.node, 'Slice') && first?.length === 1 && last?.length === 1 && last[0]! >= 0)
      return first[0]! + start <= axis && axis < last[0]! + start;
    return true;
  });
}

function carrierOutputs(
  w: Weights,
  at: Recoordinated,
  { node, index }: Extract<Use, { kind: 'input' }>,
): readonly { readonly output: Value; readonly axis: number }[] | undefined {
  const outputs: { readonly output: Value; readonly axis: number }[] = [];
  for (const output of node.outputs) {
    const carried = carriedAxis({ index, axis: at.axis }, output, w.types);
    if (!carried) {
      if (output.uses.size > 0 || outputs.length === 0) return undefined;
      continue;
    }
    const { carrier } = carried;
    const alone = carrier.edges.length === 1;
    const keepsShift = carrier.kind === 'move' || carrier.kind === 'mean';
    if (!alone || (at.shift && !keepsShift)) return undefined;
    if (at.map.from !== at.map.to && isOp(node, 'Reshape', 'Expand')) return undefined;
    outputs.push({ output, axis: carried.axis });
  }
  return outputs;
}

function carriesToLinear(
  w: Weights,
  at: Recoordinated,
  use: Extract<Use, { kind: 'input' }>,
  options: ReaderOptions,
  depth: number,
): boolean {
  const outputs = carrierOutputs(w, at, use) ?? [];
  const kinds = outputs.flatMap(({ output, axis }) =>
    [...output.uses].map((each) => kindOf(w, { ...at, old: output, axis }, each, options, depth + 1)),
  );
  return kinds.some((kind) => kind === 'linear' || kind === 'carrier');
}

function throughCarrier(
  w: Weights,
  at: Recoordinated,
  use: Extract<Use, { kind: 'input' }>,
  options: ReaderOptions,
): number {
  const { node, index } = use;
  const outputs = carrierOutputs(w, at, use)!;
  const inputs = node.inputs.map((input, i) => (i === index ? at.next : input));
  const first = copyNode(node, inputs);
  const copies = first.producer!.outputs;
  return outputs.reduce((folded, { output, axis }) => {
    const next = copies[node.outputs.indexOf(output)]!;
    return folded + readThrough(w, { ...at, old: output, next, axis }, [...output.uses], options);
  }, 0);
}
