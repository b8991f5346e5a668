import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** Concatenation widens the stream many times over. */
export function concatGrowth(at: Place, from: string, to: string, count: number): Diagnostic {
  const message = `${count} concatenations widen the stream from ${from} to ${to}`;
  const hint = 'Every layer reads all of it: compress with a 1×1 convolution between stages, or add instead.';
  return diagnostic('info', 'residual/concat-growth', at, message, hint);
}

/** The branch adds the same for every input. */
export function constantBranch(at: Place, what: string): Diagnostic {
  const message = `the branch does not depend on its input: ${what} is all zeros, only a bias is added`;
  return diagnostic('warning', 'residual/constant-branch', at, message, 'Add the bias alone, or load trained weights.');
}

/** Nothing of the branch reaches the sum. */
export function deadBranch(at: Place, what: string): Diagnostic {
  const message = `the branch adds nothing: ${what} is all zeros`;
  return diagnostic('warning', 'residual/dead-branch', at, message, 'Remove the block, or load trained weights.');
}

/** Nothing of the input reaches the sum. */
export function deadSkip(at: Place): Diagnostic {
  const message = 'the skip is multiplied by zero: the block replaces its input';
  return diagnostic(
    'warning',
    'residual/dead-skip',
    at,
    message,
    'Remove the skip, or give it a scale other than zero.',
  );
}

/** A stream passes many blocks that nothing scales. */
export function depth(at: Place, sites: number): Diagnostic {
  const message = `the stream takes up ${sites} blocks in a row without projection, scale or gate; most paths through it are about ${Math.round(sites / 2)} blocks long`;
  const hint =
    'Measure what each block contributes before adding more: scale branches (LayerScale, ReZero), or drop blocks.';
  return diagnostic('info', 'residual/depth', at, message, hint);
}

/** A norm reads the result of another one. */
export function doubleNorm(at: Place, first: string, second: string): Diagnostic {
  const message = `norm "${second}" follows norm "${first}" with nothing between`;
  return diagnostic('warning', 'residual/double-norm', at, message, 'Keep one of the two norms.');
}

/** Skip and sum have different element types. */
export function dtypeChange(at: Place, from: string, to: string): Diagnostic {
  const message = `the stream enters as ${from} and is added as ${to}`;
  const hint = `Keep the stream in ${from} and cast branches only.`;
  return diagnostic('warning', 'residual/dtype', at, message, hint);
}

/** Epsilon vanishes in the type in which the norm runs. */
export function epsilon(at: Place, value: number, dtype: string): Diagnostic {
  const message = `epsilon ${value} is 0 in ${dtype}: rows of zeros give NaN or infinity`;
  const hint = 'Use a larger epsilon, or run the norm in float32.';
  return diagnostic('warning', 'residual/epsilon', at, message, hint);
}

/** A norm has another epsilon than those that play its part elsewhere. */
export function epsilonDiffers(at: Place, own: number, common: number, count: number): Diagnostic {
  const message = `epsilon is ${own} here and ${common} in ${count} norms of the same kind and place`;
  return diagnostic(
    'info',
    'residual/epsilon-differs',
    at,
    message,
    `Check that it is meant; ${common} is what the others use.`,
  );
}

/** A pre-norm stream reaches the head as it is. */
export function finalNormMissing(at: Place, sites: number): Diagnostic {
  const message = `the pre-norm stream of ${sites} sites leaves without a final norm: its size grows with every block`;
  return diagnostic('warning', 'residual/final-norm-missing', at, message, 'Normalize the stream before the head.');
}

/** A long stream in float16. */
export function float16Stream(at: Place, dtype: string, sites: number): Diagnostic {
  const message = `${sites} branches add up in a ${dtype} stream that no norm brings back; beyond 65504 it overflows`;
  const hint = 'Keep the stream in float32, or scale all its writers down by a power of two.';
  return diagnostic('warning', 'residual/float16-stream', at, message, hint);
}

/** The branch is linear in its input. */
export function linearBranch(at: Place): Diagnostic {
  const message = 'the branch is linear: skip and branch together are one layer';
  const hint = 'Fold the skip into the weights: I + W.';
  return diagnostic('info', 'residual/linear-branch', at, message, hint);
}

/** A layer of the stream is not added to its input, as those like it are. */
export function missingSkip(at: Place, alike: number): Diagnostic {
  const message = `the stream is replaced by the result of a layer that ${alike} others like it are added to`;
  return diagnostic('warning', 'residual/missing-skip', at, message, 'Add the input of the layer to its result.');
}

/** Norms stand at different places in one stream. */
export function mixedPlacement(at: Place, most: string, count: number, own: string): Diagnostic {
  const message = `this site is ${own} in a stream whose other ${count} sites are ${most}`;
  return diagnostic(
    'warning',
    'residual/mixed-placement',
    at,
    message,
    'Check which value the skip reads: before or after the norm.',
  );
}

/** A projection where nothing changes shape. */
export function needlessProjection(at: Place, shape: string): Diagnostic {
  const message = `the skip is projected from ${shape} to the same shape`;
  return diagnostic(
    'info',
    'residual/needless-projection',
    at,
    message,
    'An identity skip fits and keeps the path free.',
  );
}

/** The branch can only increase the stream. */
export function oneSidedBranch(at: Place): Diagnostic {
  const message = 'the branch ends in Relu: it can only increase the stream';
  return diagnostic('info', 'residual/one-sided-branch', at, message, 'End the branch with a linear layer or a norm.');
}

/** Shapes are made to fit by cropping or filling up the skip. */
export function paddedSkip(at: Place, ops: string): Diagnostic {
  const message = `skip and branch differ in shape; ${ops} on the skip makes them fit`;
  const hint = 'What is filled in carries nothing and what is cut off is lost: a 1×1 projection keeps both.';
  return diagnostic('info', 'residual/padded-skip', at, message, hint);
}

/** A very deep post-norm stream without scales. */
export function postNormDepth(at: Place, sites: number): Diagnostic {
  const message = `post-norm stream of ${sites} sites without residual scaling`;
  const hint = 'Scale the skip as DeepNorm does (arXiv:2203.00555), or move the norms into the branches.';
  return diagnostic('warning', 'residual/post-norm-depth', at, message, hint);
}

/** A value is added to itself. */
export function selfSum(at: Place): Diagnostic {
  const message = 'the skip goes around nothing: a value is added to a multiple of itself';
  return diagnostic(
    'warning',
    'residual/self-sum',
    at,
    message,
    'Replace the sum by one multiplication, or remove it.',
  );
}

/** Activations on the stream. */
export function trunkActivation(at: Place, count: number, sites: number): Diagnostic {
  const message = `an activation follows ${count} of ${sites} sums on the stream: what is passed on is one-sided`;
  return diagnostic(
    'info',
    'residual/trunk-activation',
    at,
    message,
    'Move activations into the branches (full pre-activation).',
  );
}

/** A norm on the stream of a pre-norm network. */
export function trunkNorm(at: Place, count: number): Diagnostic {
  const message = `a norm stands on the stream between sites, in a stream whose ${count} sites are pre-norm`;
  return diagnostic(
    'warning',
    'residual/trunk-norm',
    at,
    message,
    'Take the skip before the norm, so that the stream passes unchanged.',
  );
}
