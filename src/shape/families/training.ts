import { like } from '../like.js';
import type { Family, Infer, NodeContext } from '../context.js';

/** Outputs as inputs: output `i` as input `index(i)`. */
function mirror(cx: NodeContext, index: (i: number) => number): void {
  for (let i = 0; i < cx.outputCount; i++) cx.output(i, cx.shape(index(i)), cx.dtype(index(i)));
}

/**
 * ai.onnx.preview.training.Adagrad 1, Adam 1, Momentum 1: after R and T come n tensors X, n gradients, then `states` times n states;
 * the outputs are new X and new states, each as what it replaces.
 */
function optimizer(states: number): Infer {
  return (cx) => {
    const n = Math.floor((cx.inputCount - 2) / (states + 2));
    mirror(cx, (i) => (i < n ? 2 + i : 2 + n + i));
  };
}

/** ai.onnx.preview.training.Gradient 1: the gradient by each of `xs`, which are the first inputs, as that input. */
const gradient: Infer = (cx) => mirror(cx, (i) => i);

/** NegativeLogLikelihoodLoss 12-22: as target `[N, d_1 … d_k]` with reduction none, else a scalar. */
const negativeLogLikelihood: Infer = (cx) => {
  cx.output(0, cx.string('reduction') === 'none' ? cx.shape(1) : []);
};

/** SoftmaxCrossEntropyLoss 12-13: as labels `[N, d_1 … d_k]` with reduction none, else a scalar; log_prob as scores. */
const softmaxCrossEntropy: Infer = (cx) => {
  negativeLogLikelihood(cx);
  if (cx.outputCount > 1) cx.output(1, cx.shape(0));
};

/** com.microsoft.IsAllFinite 1: a scalar. */
const scalar: Infer = (cx) => cx.output(0, []);

/** com.microsoft.SampleOp 1: as the input. */
export const TRAINING: Family = {
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
  'ai.onnx.preview.training.Adagrad': optimizer(1),
  'ai.onnx.preview.training.Adam': optimizer(2),
  'ai.onnx.preview.training.Gradient': gradient,
  'ai.onnx.preview.training.Momentum': optimizer(1),
  'com.microsoft.IsAllFinite': scalar,
  'com.microsoft.SampleOp': like(),
};
