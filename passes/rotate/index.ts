import {
  Locator,
  type Model,
  type NumericArray,
  type OperationOptions,
  type OperationPass,
  recipeCodes,
  ResonnxError,
  type Types,
} from '#core';
import { checkOrthonormal, hadamard, randomOrthogonal } from '../_shared/orthogonal.js';
import { readAffine } from '../_shared/bare-norm.js';
import { findStream, mayUntie, type NamedStream, reorient } from '../_shared/reorient.js';
import { refuse } from '../_shared/weight-edit.js';

/**
 * The residual stream in other coordinates, x' = xQ with orthogonal Q: root mean square norms without scale do not see the difference
 * (Ashkboos et al. 2024, QuaRot, arXiv:2404.00456, section 4; SliceGPT, arXiv:2401.15024, equation 2).
 */
export const rotate: OperationPass = {
  name: 'rotate',
  summary: 'the residual stream is rotated by an orthogonal matrix',
  semantics: 'equivalent',
  optionNames: ['mode', 'rank', 'fold_gamma_first', 'untie', 'seed'],
  semanticsOf: () => 'equivalent',
  equations: () => ({ before: 'y = x + F(N(x))', after: "y' = x' + QᵀF(N(x')·Qᵀ), x' = xQ" }),
  run(model: Model, cx) {
    const { operation } = cx.options;
    const stream = findStream(new Locator(model), operation, cx.types);
    if (operation.options['fold_gamma_first'] === false) checkUniform(stream, cx.types);
    const q = matrixFor(stream.size, cx.options);
    cx.rewrite('rotate', stream.norms[0]!.output.producer!, (edit) =>
      reorient(edit, stream, [q], cx.types, mayUntie(operation)),
    );
  },
};

/** A scale that differs by feature does not commute with Q. */
function checkUniform({ norms }: NamedStream, types: Types): void {
  for (const norm of norms) {
    const { scale } = readAffine(norm, types);
    if (scale.some((element) => element !== scale[0])) {
      const hint = 'Give the option fold_gamma_first: true.';
      refuse(norm.output, 'the scale of the norm differs by feature: it does not commute with a rotation', hint);
    }
  }
}

/** Q of the parameters, or what the option `mode` names. @throws ResonnxError of `recipe/` */
function matrixFor(size: number, { operation, parameters }: OperationOptions): NumericArray {
  const mode = operation.options['mode'] ?? 'rotate';
  const fail = (option: string, allowed: string): never => {
    throw new ResonnxError([recipeCodes.optionInvalid({ path: 'rotate' }, option, operation.options[option], allowed)]);
  };
  if (parameters.has('Q') || mode === 'rotate') {
    const q = parameters.get('Q', [size, size]);
    checkOrthonormal('Q', q);
    return q;
  }
  if (mode === 'hadamard') return hadamard(size) ?? fail('mode', `another mode: ${size} features are no power of two`);
  if (mode !== 'random') return fail('mode', '"rotate" with the parameter Q, "hadamard" or "random"');
  const seed = operation.options['seed'] ?? 0;
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed)) return fail('seed', 'an integer');
  return randomOrthogonal(size, seed);
}
