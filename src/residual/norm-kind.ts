import type { Op, Val } from './view.js';

/** Kinds of normalization, and of what stands in the place of one. */
export type NormKind = 'batch' | 'layer' | 'rms' | 'group' | 'instance' | 'l2' | 'lrn' | 'dyt' | 'affine';

/** What a norm is, however it is spelled. */
export interface Norm {
  readonly kind: NormKind;
  /** The operator's name, or `decomposed`. */
  readonly spelling: string;
  /** First normalized axis as the model writes it, where there is one. */
  readonly axis: number | undefined;
  readonly axes: readonly number[] | undefined;
  readonly epsilon: number | undefined;
  /** Scale and shift, where they are parameters of the norm. */
  readonly parameters: readonly Val[];
  /** The operations that compute it. */
  readonly ops: readonly Op[];
}
