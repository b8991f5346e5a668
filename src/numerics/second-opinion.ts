import type { Model } from '../ir/model.js';
import type { NumericArray } from '../tensor/array.js';
import { evaluateModel, roundedOutputs } from '../evaluate/evaluate.js';
import type { Feeds } from './inputs.js';
import { type Judgement, judge, spread } from './judge.js';
import type { Region } from './region.js';

/** One side of a region that the runtime computes wrongly, with what it was run on. */
export interface RuntimeFault {
  /** `before` what was there, `after` what came in its place. */
  readonly side: 'before' | 'after';
  readonly model: Model;
  readonly feeds: Feeds;
  readonly output: string;
  /** How the runtime's output lies to the one computed in float64, in a few words. */
  readonly why: string;
}

/**
 * What float64 says of two sides that the runtime finds different: `differ` so do they there · `rounding` they are equal, and neither is
 * further from float64 than rounding puts the first side · `unstable` they are equal, but the second one is that much further off
 * because of how it rounds · `fault` they are equal, and the runtime is off on one of them beyond all rounding · `none` not covered, or
 * too much work.
 */
export type SecondOpinion =
  | { readonly kind: 'none' }
  | { readonly kind: 'differ' }
  | { readonly kind: 'rounding'; readonly noise: number }
  | { readonly kind: 'unstable' }
  | { readonly kind: 'fault'; readonly fault: RuntimeFault };

type Outputs = Readonly<Record<string, NumericArray>>;

/** Operations that a second opinion may take, on each of four evaluations. */
const LIMIT = 2 ** 24;

/** What the runtime gave on some feeds, and how far equal results may lie apart. */
export interface Disagreement {
  readonly feeds: Feeds;
  readonly expected: Outputs;
  readonly actual: Outputs;
  readonly floor: number;
}

/**
 * Decides between two sides of a region. The first side evaluated with every result rounded to its dtype shows what rounding alone does;
 * a runtime may be as far off as the judge allows for that.
 */
export function secondOpinion(
  { before, after }: Region,
  { feeds, expected, actual, floor }: Disagreement,
): SecondOpinion {
  const [truth, other] = [evaluated(before, feeds), evaluated(after, feeds)];
  const rounding = truth && other && evaluated(before, feeds, true);
  if (!rounding) return { kind: 'none' };
  const against = (results: Outputs, noise: readonly Outputs[]): Comparison => compare(truth, results, noise, floor);
  if (against(other, []).wrong !== undefined) return { kind: 'differ' };
  const [first, second] = [against(expected, [rounding]), against(actual, [rounding])];
  const side = first.wrong === undefined ? 'after' : 'before';
  const { wrong, judgement } = side === 'after' ? second : first;
  if (wrong === undefined) return { kind: 'rounding', noise: judgement.noiseFloor };
  const model = side === 'after' ? after : before;
  const own = side === 'after' && evaluated(after, feeds, true);
  if (own && against(actual, [own]).wrong === undefined) return { kind: 'unstable' };
  return { kind: 'fault', fault: { side, model, feeds, output: wrong, why: judgement.why ?? 'differs' } };
}

/**
 * How far rounding every result to its dtype takes a model from what float64 gives, relative to the largest element, the worst output;
 * `undefined` where it is not evaluated.
 */
export function ownRounding(model: Model, feeds: Feeds): number | undefined {
  const truth = evaluated(model, feeds);
  const rounding = truth && evaluated(model, feeds, true);
  if (!rounding) return undefined;
  return Object.entries(truth).reduce((most, [name, output]) => Math.max(most, spread(output, rounding[name]!)), 0);
}

interface Comparison {
  /** The first output that is off, and the judgement on it; else the judgement on all. */
  readonly wrong?: string;
  readonly judgement: Judgement;
}

function evaluated(model: Model, feeds: Feeds, round = false): Outputs | undefined {
  const result = evaluateModel(model, feeds, { limit: LIMIT, round });
  return result.kind === 'values' ? roundedOutputs(result.outputs) : undefined;
}

function compare(truth: Outputs, results: Outputs, noise: readonly Outputs[], floor: number): Comparison {
  const rows = Object.entries(truth).map(([name, expected]) => ({
    name,
    row: { expected, actual: results[name], noise: noise.map((run) => run[name]!), finite: true },
  }));
  for (const { name, row } of rows) {
    const judgement = judge([row], floor);
    if (!judgement.ok) return { wrong: name, judgement };
  }
  return {
    judgement: judge(
      rows.map(({ row }) => row),
      floor,
    ),
  };
}
