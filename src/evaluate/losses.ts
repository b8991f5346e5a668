import { elementCount } from '../tensor/array.js';
import { logSoftmaxRow, mapRows } from './activations.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, integers, numbers, sizeOf } from './elements.js';
import { rowsAlong } from './index-maps.js';
import { invalid } from './stop.js';

/** -x[n, t] · w[t] for the class t of every place; classes to be ignored weigh nothing. */
function likelihoodLoss(call: Call, x: Elements, target: Elements, weights: Elements | undefined): Elements {
  const classes = x.shape[1]!;
  const inner = elementCount(x.shape.slice(2));
  const ignored = call.maybeInt('ignore_index');
  const [data, weight] = [numbers(x), weights && numbers(weights)];
  call.spend(sizeOf(target));
  const losses = new Float64Array(sizeOf(target));
  let total = 0;
  integers(target).forEach((given, i) => {
    if (given === ignored) return;
    const index = given < 0 ? given + classes : given;
    if (!(index >= 0 && index < classes)) throw invalid(`class ${given} of ${classes}`);
    const factor = weight ? weight[index]! : 1;
    total += factor;
    losses[i] = -data[(Math.floor(i / inner) * classes + index) * inner + (i % inner)]! * factor;
  });
  const reduction = call.text('reduction');
  if (reduction === 'none') return floats(x.dtype, target.shape, losses);
  const sum = losses.reduce((all, loss) => all + loss, 0);
  return floats(x.dtype, [], Float64Array.of(reduction === 'sum' ? sum : sum / total));
}

function softmaxCrossEntropy(call: Call): readonly Elements[] {
  const x = call.input(0);
  const logs = mapRows(call, x, rowsAlong(x.shape, [1]), logSoftmaxRow);
  return [likelihoodLoss(call, logs, call.input(1), call.inputs[2]), logs];
}

/** Losses of classifiers. */
export const LOSSES: Kernels = {
  NegativeLogLikelihoodLoss: (call) => [likelihoodLoss(call, call.input(0), call.input(1), call.inputs[2])],
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
