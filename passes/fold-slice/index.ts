import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { sliceOfPad } from './pad.js';
import { sliceOfWindow } from './window.js';

/** What a Slice cuts off at the ends of spatial axes need not be computed, or padded, in front of it. */
export const foldSlice: Pass = nodeRules({
  name: 'fold-slice',
  summary: 'Conv, pools and Pad leave out what a Slice behind them cuts off',
  semantics: 'exact',
  rules: [sliceOfWindow, sliceOfPad],
});
