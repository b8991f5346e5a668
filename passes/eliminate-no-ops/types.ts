import { DTYPES, intAttr, trainingMode } from '#core';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';

const identity: NodeRule = {
  name: 'identity',
  summary: 'Identity',
  ops: ['Identity'],
  plan: (node) => passThrough(node, node.inputs[0]),
};

const cast: NodeRule = {
  name: 'cast-to-same',
  summary: 'Cast or CastLike to the dtype that is there',
  ops: ['Cast', 'CastLike'],
  plan(node, { types }) {
    const [from, to] = [types.dtype(node.inputs[0]!), types.dtype(node.outputs[0]!)];
    return from !== undefined && from === to ? passThrough(node, node.inputs[0]) : undefined;
  },
};

/** CastLike reads its second operand for the dtype alone, yet ties the node to it. */
const castLike: NodeRule = {
  name: 'cast-like-to-cast',
  summary: 'CastLike to a dtype that is known becomes Cast',
  ops: ['CastLike'],
  plan(node, { types }) {
    const dtype = types.dtype(node.inputs[1]!);
    if (!dtype || node.attrs.get('saturate')?.type === 'REFERENCE') return undefined;
    const saturate = node.attrs.has('saturate') ? { saturate: intAttr(node, 'saturate') } : {};
    return (edit) =>
      edit.replace(node.outputs[0]!, edit.node('Cast', [node.inputs[0]], { to: DTYPES[dtype].onnx, ...saturate }));
  },
};

/** The mask of a Dropout that is read keeps the node; what its first output passes on is its input all the same. */
const dropout: NodeRule = {
  name: 'dropout-in-inference',
  summary: 'Dropout that does not train',
  ops: ['Dropout'],
  plan: (node) => (trainingMode(node) === 'inference' ? passThrough(node, node.inputs[0]) : undefined),
};

/** Rules about operators that change neither elements nor their order. */
export const TYPE_RULES: readonly NodeRule[] = [identity, cast, castLike, dropout];
