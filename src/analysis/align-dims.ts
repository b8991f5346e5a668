import { type Dim, format, isProven, selectionFor, solve, symbols } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';

/**
 * How two sizes, or two shapes, meet: proven `equal` · proven to `broadcast` (a size of 1, or a missing axis, is stretched) · proven
 * `wrong` · `conditional`: right only where an equation over the input dims holds · `unknown`: it depends on data, or a size is unknown.
 */
export type Verdict = 'equal' | 'broadcast' | 'wrong' | 'conditional' | 'unknown';

/** Two sizes that meet. */
export interface DimAlignment {
  readonly verdict: Verdict;
  readonly left: Dim;
  readonly right: Dim;
  /** What makes the two sizes equal, reduced: `2*h == w+1`, `s <= 64`; `undefined` where they are equal, broadcast, or unknown. */
  readonly equation: string | undefined;
}

/** Two sizes that meet along an axis, counted from the front of the longer shape. */
export interface AxisAlignment extends DimAlignment {
  readonly axis: number;
}

/** Two shapes that meet. */
export interface ShapeAlignment {
  /** The weakest verdict of any axis. */
  readonly verdict: Verdict;
  readonly axes: readonly AxisAlignment[];
}

/** Best first. */
const ORDER: readonly Verdict[] = ['equal', 'broadcast', 'conditional', 'unknown', 'wrong'];

/** The weakest of verdicts: `equal` for none. */
export function weakest(verdicts: readonly Verdict[]): Verdict {
  let worst = 0;
  for (const verdict of verdicts) worst = Math.max(worst, ORDER.indexOf(verdict));
  return ORDER[worst] ?? 'unknown';
}

/** Tells the symbols that stand for sizes which depend on data. */
export type IsFresh = (symbol: string) => boolean;

const NOT_EMPTY = { minimum: 1 } as const;

/** How two sizes meet that must be equal. That an axis is empty is not considered: sizes of at least 1 prove. */
export function alignEqual(left: Dim, right: Dim, isFresh: IsFresh): DimAlignment {
  const equation = solve(left, right);
  if (!equation) return { verdict: 'unknown', left, right, equation: undefined };
  if (equation.holds === 'always' || isProven(left, '==', right, NOT_EMPTY)) {
    return { verdict: 'equal', left, right, equation: undefined };
  }
  if (equation.holds === 'never') {
    return { verdict: 'wrong', left, right, equation: `${format(left)} == ${format(right)}` };
  }
  const text = equation.solution
    ? equation.text
    : (selectionFor(left, right, NOT_EMPTY)?.join(' and ') ?? equation.text);
  return { verdict: condition(left, right, isFresh), left, right, equation: text };
}

/** How two sizes of operands meet that broadcast to each other. */
export function alignBroadcast(left: Dim, right: Dim, isFresh: IsFresh): DimAlignment {
  const aligned = alignEqual(left, right, isFresh);
  if (aligned.verdict === 'equal') return aligned;
  if (left === 1 || right === 1) return { ...aligned, verdict: 'broadcast', equation: undefined };
  const mayStretch = !isProven(left, '!=', 1) || !isProven(right, '!=', 1);
  return aligned.verdict === 'wrong' && mayStretch ? stretched(aligned, isFresh) : aligned;
}

/** Sizes that are never equal, but one of them may be 1. */
function stretched(aligned: DimAlignment, isFresh: IsFresh): DimAlignment {
  const { left, right } = aligned;
  const small = isProven(left, '!=', 1) ? right : left;
  const equation = solve(small, 1)?.text ?? `${format(small)} == 1`;
  return { left, right, verdict: condition(left, right, isFresh), equation };
}

function condition(left: Dim, right: Dim, isFresh: IsFresh): Verdict {
  return [...symbols(left), ...symbols(right)].some(isFresh) ? 'unknown' : 'conditional';
}

/** How the shapes of two elementwise operands meet, aligned at their last axes. */
export function alignShapes(left: Shape | undefined, right: Shape | undefined, isFresh: IsFresh): ShapeAlignment {
  if (!left || !right) return { verdict: 'unknown', axes: [] };
  const rank = Math.max(left.length, right.length);
  const axes = Array.from({ length: rank }, (_, axis): AxisAlignment => {
    const [a, b] = [sizeAt(left, axis, rank), sizeAt(right, axis, rank)];
    if (a !== undefined && b !== undefined) return { axis, ...alignBroadcast(a, b, isFresh) };
    return { axis, verdict: 'broadcast', left: a ?? 1, right: b ?? 1, equation: undefined };
  });
  return { verdict: weakest(axes.map((each) => each.verdict)), axes };
}

function sizeAt(shape: Shape, axis: number, rank: number): Dim | undefined {
  return shape[axis - rank + shape.length];
}
