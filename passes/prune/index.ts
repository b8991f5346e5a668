import { Locator, type Model, type Operation, type OperationPass, recipeCodes, ResonnxError, type Value } from '#core';
import { type Addition, findAdditions } from '../_shared/addition.js';
import { sitesOf } from '../_shared/sites.js';
import { trunkNorm } from '../_shared/trunk-norm.js';

/**
 * The named residual blocks become identities: y = x + F(x) becomes y = x, and the branch goes with its parameters (ShortGPT, Men et
 * al. 2024, arXiv:2403.03853). In a post-norm network the block is N(x + F(x)): its norm goes as well. A whole layer goes when all its additions
 * are named; `keep: "skip"` drops the branch alone.
 */
export const prune: OperationPass = {
  name: 'prune',
  summary: 'remove residual blocks: their output becomes their input',
  semantics: 'changes-function',
  optionNames: ['keep'],
  semanticsOf: () => 'changes-function',
  equations: () => ({ before: 'y = x + F(x)', after: 'y = x' }),
  run(model: Model, cx) {
    const { operation } = cx.options;
    const { keep } = operation.options;
    if (keep !== undefined && keep !== 'skip') {
      throw new ResonnxError([
        recipeCodes.optionInvalid({ path: operation.operation }, 'keep', keep, '"skip", or leave it out'),
      ]);
    }
    for (const addition of findAdditions(new Locator(model), sitesOf(operation))) {
      const output = outputOf(addition, operation);
      cx.rewrite('prune', addition.node, (edit) => edit.replace(output, addition.skip));
    }
  },
  async reference({ operation }, taps) {
    for (const addition of findAdditions(new Locator(taps.model), sitesOf(operation))) {
      const [x] = await taps.get([addition.skip]);
      taps.override(outputOf(addition, operation), x!);
    }
  },
};

/** What a block gives: its sum, or, where the whole block goes, the norm on the stream behind it. */
function outputOf(addition: Addition, { options }: Operation): Value {
  const norm = options['keep'] === 'skip' ? undefined : trunkNorm(addition);
  return norm?.output ?? addition.sum;
}
