import type { Op, Val } from './view.js';

/** What a residual connection is; see {@link Site.kind}. */
export const SITE_KINDS = [
  'identity',
  'projection',
  'scaled',
  'gated',
  'parallel',
  'dense-concat',
  'long-concat',
  'long-additive',
] as const;

export type SiteKind = (typeof SITE_KINDS)[number];

/** Where the norms of a site stand. */
export type Placement = 'pre' | 'post' | 'post-branch' | 'sandwich' | 'pre-activation' | 'adaln' | 'mid' | 'none';

/** How a value comes from one further up through operations that keep or transform it linearly. */
export interface Step {
  readonly val: Val;
  readonly sign: 1 | -1;
  /** Parameters that it was multiplied with on the way. */
  readonly coefficients: readonly Val[];
  /** Factors that depend on data. */
  readonly gates: readonly Val[];
  readonly norms: number;
  /** Operations with weights. */
  readonly weights: readonly Op[];
  /** Pooling, slicing, padding, resizing: what changes the shape. */
  readonly moves: readonly Op[];
  /** Whether a single position of it was taken. */
  readonly selected: boolean;
}

/** One branch of a site. */
export interface Branch {
  /** The operand that is added or concatenated. */
  readonly operand: Val;
  /** The operand with scale, gate and layout taken off. */
  readonly end: Step;
  /** Operations between the input of the site and the operand, in order. */
  readonly ops: readonly Op[];
}

/** A merge in which a block's input meets the block's transformed output. */
export interface Site {
  /** In order of detection. */
  readonly index: number;
  kind: SiteKind;
  /** The operation that merges. */
  op: Op;
  /** What the merge gives. */
  output: Val;
  /** The value that branch and skip both read. */
  input: Val;
  /** Whether no branch does more than weights can: the merge re-parameterizes a layer. */
  readonly linear: boolean;
  /** The operand of the merge that the skip is. */
  readonly operand: Val;
  /** How the skip comes from the input. */
  skip: Step;
  branches: readonly Branch[];
  /** The site before this one on its stream. */
  previous: Site | undefined;
  /** Where the stream begins. */
  origin: Val;
  /** Whether weights on its skip were found to be the entry to an inner stream, which the site begins. */
  entered: boolean;
  /** Sites of its own stream that the skip passes by. */
  crossing: boolean;
}
