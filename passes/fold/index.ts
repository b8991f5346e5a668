import { type Model, type Operation, type OperationPass, recipeCodes, ResonnxError } from '#core';
import { foldBatchNorms } from './batch-norm.js';
import { foldNorms } from './norm-affine.js';

/** What is folded into what; the names of docs/recipes.md. */
export type Fold = 'norm-affine' | 'conv-bn' | 'bn-conv' | 'bn-linear' | 'all-foldable';

const FOLDS: readonly Fold[] = ['norm-affine', 'conv-bn', 'bn-conv', 'bn-linear', 'all-foldable'];

/**
 * Parameters of norms move into the linear operators beside them: W(N(x)γ + β) + b = (Wγ)N(x) + (b + Wβ), and
 * s(Wx + b) + t = (sW)x + (sb + t) with s = γ/√(σ² + ε), t = β − sμ (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2).
 */
export const fold: OperationPass = {
  name: 'fold',
  summary: 'norm parameters move into the linear operators beside them',
  semantics: 'equivalent',
  optionNames: ['what', 'final_norm', 'through_add', 'padding'],
  semanticsOf: () => 'equivalent',
  equations: ({ operation }) =>
    foldOf(operation) === 'norm-affine'
      ? { before: 'y = W(γ·N(x) + β) + b', after: 'y = (Wγ)·N(x) + (b + Wβ)' }
      : { before: 'y = s·(Wx + b) + t, or W(sx + t) + b', after: "y = W'x + b'" },
  run(model: Model, cx) {
    const what = foldOf(cx.options.operation);
    if (what === 'norm-affine') foldNorms(model, cx);
    else foldBatchNorms(model, what, cx);
  },
};

function foldOf({ operation, options }: Operation): Fold {
  const what = FOLDS.find((name) => name === (options['what'] ?? 'all-foldable'));
  if (what) return what;
  throw new ResonnxError([
    recipeCodes.optionInvalid({ path: operation }, 'what', options['what'], `one of ${FOLDS.join(', ')}`),
  ]);
}
