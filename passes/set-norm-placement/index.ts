import { type Model, type OperationPass } from '#core';
import { moveBatchNorms } from './batch-norm.js';
import { batchNormReference } from './batch-norm-reference.js';
import { moveNorms } from './edit.js';
import { placementEquations, placementOptions } from './options.js';
import { placementReference } from './reference.js';

/**
 * Moves the norms of residual blocks, with their parameters: before the branch, behind the addition (Xiong et al. 2020,
 * arXiv:2002.04745), at the branch's end, at both ends, with DeepNorm's α on the skip (Wang et al. 2022, arXiv:2203.00555); or
 * between the two forms of ResNet (He et al. 2016, arXiv:1603.05027). The function changes: the result is the network that would have
 * been built so, with these weights.
 */
export const setNormPlacement: OperationPass = {
  name: 'set-norm-placement',
  summary:
    'move the norms of residual blocks: pre, post, post-branch, sandwich, deepnorm, full-preactivation, original',
  semantics: 'changes-function',
  optionNames: ['placement', 'final_norm', 'new_norm', 'norm_assignment', 'tail', 'skip_from', 'alpha'],
  semanticsOf: () => 'changes-function',
  equations: ({ operation }) => placementEquations(placementOptions(operation)),
  run(model: Model, cx) {
    const options = placementOptions(cx.options.operation);
    const isConvolutional = options.placement === 'full-preactivation' || options.placement === 'original';
    if (isConvolutional) moveBatchNorms(model, options, cx);
    else moveNorms(model, options, cx);
  },
  async reference(request, taps) {
    const options = placementOptions(request.operation);
    const isConvolutional = options.placement === 'full-preactivation' || options.placement === 'original';
    await (isConvolutional ? batchNormReference(request, options, taps) : placementReference(request, options, taps));
  },
};
