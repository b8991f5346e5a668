import { Locator, type Model, type OperationPass, recipeCodes, ResonnxError } from '#core';
import { findAdditions } from '../_shared/addition.js';
import { sitesOf } from '../_shared/sites.js';

/**
 * The named residual blocks become identities: y = x + F(x) becomes y = x, and the branch goes with its parameters (ShortGPT, Men et
 * al. 2024, arXiv:2403.03853). A whole layer goes when all its additions are named; `keep: "skip"` says the same of one branch.
 */
export const prune: OperationPass = {
  name: 'prune',
  summary: 'remove residual blocks: their output becomes their input',
  semantics: 'changes-function',
  semanticsOf: () => 'changes-function',
  run(model: Model, cx) {
    const { operation } = cx.options;
    const { keep } = operation.options;
    if (keep !== undefined && keep !== 'skip') {
      throw new ResonnxError([
        recipeCodes.optionInvalid({ path: operation.operation }, 'keep', keep, '"skip", or leave it out'),
      ]);
    }
    for (const addition of findAdditions(new Locator(model), sitesOf(operation))) {
      cx.rewrite('prune', addition.node, (edit) => edit.replace(addition.sum, addition.skip));
    }
  },
  async reference({ operation }, taps) {
    for (const { sum, skip } of findAdditions(new Locator(taps.model), sitesOf(operation))) {
      const [x] = await taps.get([skip]);
      taps.override(sum, x!);
    }
  },
};
