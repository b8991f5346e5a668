import type { NumericArray } from '../tensor/array.js';
import { isInteger } from '../tensor/dtype.js';
import { type Binding, choicesOf, type Feeds, type InputPlan, makeFeeds, type Mood } from './inputs.js';
import { RuntimeRefusal, type Session } from './runtime.js';
import { beside, bindingLadder, hinted, isTooLarge, lifted, roomy, variations } from './sizes.js';

/** Inputs that a model ran on, and what it gave. */
export interface Sample {
  readonly binding: Binding;
  readonly seed: number;
  readonly mood: Mood;
  readonly feeds: Feeds;
  readonly outputs: Readonly<Record<string, NumericArray>>;
}

/** What {@link sampleModel} came to. */
export interface Sampling {
  readonly samples: readonly Sample[];
  /** Why the first try was refused; absent when it was not. */
  readonly refusal?: RuntimeRefusal;
}

export interface SampleOptions {
  /** Samples wanted; fewer when the model takes only some sizes. */
  readonly count: number;
  readonly seed?: number;
  /** No new try is begun after this many milliseconds. */
  readonly limitMs?: number;
  readonly clock?: () => number;
  /** Milliseconds for the samples beyond the first; 8000 when absent. */
  readonly moreMs?: number;
  /** Sizes to try first. */
  readonly hint?: Binding;
  /** One sample more, with values at the edges of what operators do. */
  readonly edges?: boolean;
}

const MOODS: readonly Mood[] = ['lively', 'tame', 'still'];
const ATTEMPTS = 150;
const FEW = 100;
/** Steps of the ladder between two sizes that a refusal named. */
const PATIENCE = 3;

/** Finds sizes and values that the model runs on, by trying, and runs it on `count` of them with different sizes and seeds. */
export async function sampleModel(session: Session, plan: InputPlan, options: SampleOptions): Promise<Sampling> {
  const { seed = 0, limitMs = 30_000, clock = () => performance.now() } = options;
  const deadline = clock() + limitMs;
  let count = options.count > 1 ? Math.max(options.count, choicesOf(plan)) : options.count;
  let refused = 0;
  const samples: Sample[] = [];
  let refusal: RuntimeRefusal | undefined;
  const attempt = async (binding: Binding, mood: Mood): Promise<string | undefined> => {
    if (isTooLarge(plan, binding)) return 'the input is too large to be made';
    const at = seed + samples.length + refused;
    const feeds = makeFeeds(plan, binding, at, mood);
    try {
      samples.push({ binding, seed: at, mood, feeds, outputs: await session.run(feeds) });
      return undefined;
    } catch (cause) {
      if (!(cause instanceof RuntimeRefusal)) throw cause;
      refusal ??= cause;
      return cause.kind === 'run' ? cause.message : '';
    }
  };
  const base = await findBase(bindingLadder(plan, options.hint), plan, attempt, () => clock() < deadline);
  if (!base) return { samples, ...(refusal && { refusal }) };
  const patience = Math.min(deadline, clock() + (options.moreMs ?? 8000));
  const larger = count > 1 ? lifted(plan, base.binding) : undefined;
  if (larger && (await attempt(larger, base.mood)) === undefined) count++;
  for (const binding of variations(plan, base.binding)) {
    if (samples.length >= count || clock() >= patience) break;
    await attempt(binding, base.mood);
  }
  while (samples.length + refused < count && clock() < patience) {
    if ((await attempt(base.binding, base.mood)) === undefined) continue;
    // Another value of a control input may go with other sizes.
    const other = await findBase(beside(plan, base.binding), plan, attempt, () => clock() < patience, {
      attempts: FEW,
      moods: [base.mood],
    });
    if (!other) refused++;
  }
  for (const binding of options.edges ? [roomy(plan, base.binding), base.binding] : []) {
    if (clock() >= patience || (await attempt(binding, 'edge')) === undefined) break;
  }
  return { samples, ...(refusal && { refusal }) };
}

function moodsOf(plan: InputPlan): readonly Mood[] {
  return plan.inputs.some(({ dtype }) => isInteger(dtype)) ? MOODS : ['lively'];
}

type Attempt = (binding: Binding, mood: Mood) => Promise<string | undefined>;

/** The first binding that runs. Sizes named in a refusal come before the rest of the ladder. */
async function findBase(
  ladder: Iterator<Binding>,
  plan: InputPlan,
  attempt: Attempt,
  mayGoOn: () => boolean,
  { attempts = ATTEMPTS, moods = moodsOf(plan) }: { readonly attempts?: number; readonly moods?: readonly Mood[] } = {},
): Promise<{ readonly binding: Binding; readonly mood: Mood } | undefined> {
  const tried = new Set<string>();
  let left = attempts;
  const queue: { readonly binding: Binding; readonly depth: number }[] = [];
  for (; left > 0 && mayGoOn(); left--) {
    const hint = left % (PATIENCE + 1) === 0 ? queue.shift() : undefined;
    const next = hint ?? ladderItem(ladder) ?? queue.shift();
    if (!next) return undefined;
    const key = [...next.binding].join(';');
    if (tried.has(key)) continue;
    tried.add(key);
    for (const mood of moods) {
      const message = await attempt(next.binding, mood);
      if (message === undefined) return { binding: next.binding, mood };
      if (message === '') return undefined;
      if (mood === moods.at(-1) && next.depth < 2) {
        for (const binding of hinted(plan, message, next.binding)) queue.push({ binding, depth: next.depth + 1 });
      }
    }
  }
  return undefined;
}

function ladderItem(ladder: Iterator<Binding>): { readonly binding: Binding; readonly depth: number } | undefined {
  const next = ladder.next();
  return next.done ? undefined : { binding: next.value, depth: 0 };
}
