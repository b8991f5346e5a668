import { Locator, type Model, type OperationPass } from '#core';
import { findAdditions } from '../_shared/addition.js';
import { sitesOf } from '../_shared/sites.js';

/** y = x + F(x) becomes y = F(x): the skip is dropped, and with it what only the skip needed, such as a projection. */
export const removeResidual: OperationPass = {
  name: 'remove-residual',
  summary: 'drop the skip of residual additions: y = F(x)',
  semantics: 'changes-function',
  optionNames: [],
  semanticsOf: () => 'changes-function',
  equations: () => ({ before: 'y = x + F(x)', after: 'y = F(x)' }),
  run(model: Model, cx) {
    for (const { node, sum, branch } of findAdditions(new Locator(model), sitesOf(cx.options.operation))) {
      cx.rewrite('remove-residual', node, (edit) => edit.replace(sum, branch));
    }
  },
  async reference({ operation }, taps) {
    for (const { sum, branch } of findAdditions(new Locator(taps.model), sitesOf(operation))) {
      const [output] = await taps.get([branch]);
      taps.override(sum, output!);
    }
  },
};
