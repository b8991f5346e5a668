import { type Equations, type Operation, recipeCodes, ResonnxError } from '#core';

/** What `set-norm-placement` is asked for; the names of docs/recipes.md. */
export interface PlacementOptions {
  readonly placement: 'pre' | 'post' | 'post-branch' | 'sandwich' | 'deepnorm' | 'full-preactivation' | 'original';
  readonly finalNorm: 'none' | 'keep' | 'drop' | 'identity' | 'last-post-norm';
  /** Each norm stays for the branch that reads it; only the skips are taken from in front of the norms. */
  readonly skipsOnly: boolean;
  readonly alpha: number;
  readonly tail: 'none' | 'relu' | 'bn-relu';
}

/** Reads the options. @throws ResonnxError `recipe/option-invalid` */
export function placementOptions({ operation, options }: Operation): PlacementOptions {
  const pick = <T extends string>(name: string, fallback: T, allowed: readonly T[]): T => {
    const given = options[name] ?? fallback;
    const found = allowed.find((value) => value === given);
    if (found !== undefined) return found;
    throw new ResonnxError([
      recipeCodes.optionInvalid({ path: operation }, name, given, `one of ${allowed.join(', ')}`),
    ]);
  };
  const placements = ['pre', 'post', 'post-branch', 'sandwich', 'deepnorm', 'full-preactivation', 'original'] as const;
  const placement = pick('placement', 'pre', placements);
  pick('new_norm', 'identity-affine', ['identity-affine']);
  const assignment = pick('norm_assignment', 'own-branch', ['own-branch', 'next-branch']);
  const skipFrom = pick('skip_from', 'stream', ['stream', 'norm-input']);
  const alpha = options['alpha'] ?? 1;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) {
    throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, 'alpha', alpha, 'a finite number')]);
  }
  return {
    placement,
    finalNorm: pick('final_norm', 'keep', ['none', 'keep', 'drop', 'identity', 'last-post-norm']),
    skipsOnly: assignment === 'next-branch' || skipFrom === 'norm-input',
    alpha,
    tail: pick('tail', 'none', ['none', 'relu', 'bn-relu']),
  };
}

const AFTER: Readonly<Record<PlacementOptions['placement'], string>> = {
  pre: 'y = x + F(N(x))',
  post: 'y = N(x + F(x))',
  'post-branch': 'y = x + N(F(x))',
  sandwich: 'y = x + M(F(N(x)))',
  deepnorm: 'y = N(α·x + F(x))',
  'full-preactivation': 'y = x + W₂·relu(N₂(W₁·relu(N₁(x))))',
  original: 'y = relu(x + N₂(W₂·relu(N₁(W₁x))))',
};

/** Where the norm N of a block stands afterwards; where it stood is for each block to say. */
export function placementEquations({ placement, skipsOnly, alpha }: PlacementOptions): Equations {
  if (skipsOnly) return { before: 'y = N(x) + F(N(x))', after: 'y = x + F(N(x))' };
  const before = { 'full-preactivation': AFTER.original, original: AFTER['full-preactivation'] };
  const known = placement === 'full-preactivation' || placement === 'original' ? before[placement] : undefined;
  return { before: known ?? 'y = x + F(x) with its norm N', after: AFTER[placement].replace('α', String(alpha)) };
}
