import { type Attribute, intsAttr, isOp, Tensor } from '#core';
import { knownInts, onlyReader } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { cutEnds } from './cuts.js';

/** A Slice of what a Pad has just added. */
export const sliceOfPad: NodeRule = {
  name: 'slice-of-pad',
  summary: 'a Pad adds less where a Slice cuts some of it off again',
  ops: ['Slice'],
  plan(node, cx) {
    const { types } = cx;
    const pad = node.inputs[0]?.producer;
    if (!isOp(pad, 'Pad') || pad.graph !== node.graph || onlyReader(node.inputs[0]!) !== node || pad.inputs[3])
      return undefined;
    const rank = types.shape(node.inputs[0]!)?.length ?? 0;
    const isInput = (node.graph.opset('') ?? 0) >= 11;
    const pads = isInput ? knownInts(types, pad.inputs[1]) : intsAttr(pad, 'pads');
    const cuts = cutEnds(node, types);
    if (!cuts || pads?.length !== 2 * rank || pads.some((amount) => amount < 0)) return undefined;
    const left = [...pads];
    for (const { axis, begin, end } of cuts) {
      left[axis]! -= begin;
      left[rank + axis]! -= end;
    }
    if (left.some((amount) => amount < 0)) {
      cx.decline('slice-of-pad', node, 'it cuts more than the Pad adds', 2);
      return undefined;
    }
    return (edit) => {
      const list = isInput ? edit.constant('', Tensor.int64([left.length], left)) : undefined;
      const inputs = isInput ? [pad.inputs[0], list, ...pad.inputs.slice(2)] : pad.inputs;
      const attrs = new Map<string, Attribute>(pad.attrs);
      if (!isInput) attrs.set('pads', { type: 'INTS', value: left.map(BigInt) });
      edit.replace(node.outputs[0]!, edit.node('Pad', inputs, attrs, { name: pad.name }));
    };
  },
};
