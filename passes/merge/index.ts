import { type Equations, type Model, type Operation, type OperationPass, recipeCodes, ResonnxError } from '#core';
import { mergeGates } from './branch-gate.js';
import { mergeBranches } from './parallel-branches.js';
import { absorbResiduals } from './residual-into.js';

type Merge = 'parallel-conv-branches' | 'branch-gate' | 'residual-into-conv' | 'residual-into-linear';

const MERGES: readonly Merge[] = [
  'parallel-conv-branches',
  'branch-gate',
  'residual-into-conv',
  'residual-into-linear',
];

/**
 * Linear paths that meet become one: branches of convolutions (RepVGG, Ding et al. 2021, arXiv:2101.03697, section 3.3), a gate and the
 * layer in front of it, a residual and its branch (RMNet, Meng et al. 2021, arXiv:2111.00687).
 */
export const merge: OperationPass = {
  name: 'merge',
  summary: 'linear paths that meet become one: branches, gates, residuals',
  semantics: 'equivalent',
  optionNames: ['what'],
  semanticsOf: () => 'equivalent',
  equations: ({ operation }) => EQUATIONS[mergeOf(operation)],
  run(model: Model, cx) {
    const what = mergeOf(cx.options.operation);
    switch (what) {
      case 'parallel-conv-branches':
        return mergeBranches(model, cx);
      case 'branch-gate':
        return mergeGates(model, cx);
      case 'residual-into-conv':
        return absorbResiduals(model, 'conv', cx);
      case 'residual-into-linear':
        return absorbResiduals(model, 'linear', cx);
    }
  },
};

const EQUATIONS: Readonly<Record<Merge, Equations>> = {
  'parallel-conv-branches': { before: 'y = W₁x + W₂x + … + x', after: "y = W'x + b'" },
  'branch-gate': { before: 'y = x + λ·(W·h + b)', after: 'y = x + (λW)·h + λb' },
  'residual-into-conv': { before: 'y = x + W₂·σ(W₁x), x ≥ 0', after: 'y = [W₂ I]·σ([W₁; I]x)' },
  'residual-into-linear': { before: 'y = x + W₂·σ(W₁x), x ≥ 0', after: 'y = [W₂ I]·σ([W₁; I]x)' },
};

function mergeOf({ operation, options }: Operation): Merge {
  const what = MERGES.find((name) => name === options['what']);
  if (what) return what;
  throw new ResonnxError([
    recipeCodes.optionInvalid({ path: operation }, 'what', options['what'], `one of ${MERGES.join(', ')}`),
  ]);
}
