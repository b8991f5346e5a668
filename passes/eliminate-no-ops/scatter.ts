import { constantOf, intAttr, isOp, type Node, stringAttr, type Types, type Value } from '#core';
import { knownInts, normalAxis, sameDims } from '../_shared/facts.js';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';

/** Scattering operators, each with the operator that gathers from the same places. */
const GATHERS: Readonly<Record<string, string>> = { ScatterND: 'GatherND', ScatterElements: 'GatherElements' };

/** Whether elements are put, not added or compared to what is there. */
function isPlain(node: Node): boolean {
  return (stringAttr(node, 'reduction') ?? 'none') === 'none';
}

const scatterNothing: NodeRule = {
  name: 'scatter-nothing',
  summary: 'ScatterND and ScatterElements without any index',
  ops: Object.keys(GATHERS),
  plan: (node, { types }) =>
    node.inputs[1] && types.shape(node.inputs[1])?.includes(0) ? passThrough(node, node.inputs[0]) : undefined,
};

/** Whether indices `[n, 1]` name all positions of the first axis in order. */
function namesAll(indices: Value, data: Value, types: Types): boolean {
  const [shape, length] = [types.shape(indices), types.shape(data)?.[0]];
  const picked = knownInts(types, indices) ?? constantOf(indices)?.ints().map(Number);
  if (shape?.length !== 2 || shape[1] !== 1 || typeof length !== 'number' || picked?.length !== length) return false;
  return picked.every((index, at) => index === at || index === at - length);
}

const scatterAll: NodeRule = {
  name: 'scatter-all',
  summary: 'ScatterND that puts something in every place in order',
  ops: ['ScatterND'],
  plan(node, { types }) {
    const [data, indices, updates] = node.inputs as readonly (Value | undefined)[];
    if (!data || !indices || !updates) return undefined;
    const isWhole = sameDims(types.shape(updates), types.shape(data)) && namesAll(indices, data, types);
    return isPlain(node) && isWhole ? passThrough(node, updates) : undefined;
  },
};

/** The same places of the same data, however often they are named. */
const scatterGathered: NodeRule = {
  name: 'scatter-of-gathered',
  summary: 'scattering what was gathered from the same places of the same value',
  ops: Object.keys(GATHERS),
  plan(node, { types }) {
    const [data, indices, updates] = node.inputs as readonly (Value | undefined)[];
    const gather = updates?.producer;
    if (!isOp(gather, GATHERS[node.opType]!) || !isPlain(node)) return undefined;
    if (gather.inputs[0] !== data || gather.inputs[1] !== indices) return undefined;
    return data && areAligned(node, gather, data, types) ? passThrough(node, data) : undefined;
  },
};

/** Whether both walk the same axis, or no batch axes. */
function areAligned(scatter: Node, gather: Node, data: Value, types: Types): boolean {
  if (scatter.opType === 'ScatterND') return (intAttr(gather, 'batch_dims') ?? 0) === 0;
  const rank = types.shape(data)?.length;
  if (rank === undefined) return false;
  return normalAxis(intAttr(scatter, 'axis'), rank) === normalAxis(intAttr(gather, 'axis'), rank);
}

/** Rules about operators that put elements into places. */
export const SCATTER_RULES: readonly NodeRule[] = [scatterNothing, scatterAll, scatterGathered];
