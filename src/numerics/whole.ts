import type { Model } from '../ir/model.js';
import { isDeterministic } from '../analysis/training.js';
import type { NumericArray } from '../tensor/array.js';
import { crispOutputs } from './crisp.js';
import type { Feeds, InputPlan } from './inputs.js';
import { type Judgement, judge, spread } from './judge.js';
import { noisyModel } from './noise.js';
import { sumFloor } from './rounding.js';
import { type Optimization, type Runtime, RuntimeRefusal, RuntimeTimeout, type Session } from './runtime.js';
import { type Sample, sampleModel } from './sample.js';

/** What {@link Reference.prepare} needs. */
export interface ReferenceOptions {
  /** The model before any rewrite, as the runtime takes it; not changed. */
  readonly model: Model;
  readonly plan: InputPlan;
  readonly samples?: number;
  readonly seed?: number;
  /** Inputs to run on instead of made ones. */
  readonly feeds?: readonly Feeds[];
}

/** What one output came to over all samples. */
export interface OutputComparison extends Judgement {
  readonly name: string;
  /** The output differs between two runs of the original, so nothing was compared. */
  readonly excluded?: 'nondeterministic';
}

/** What a comparison of two whole models came to. */
export interface WholeComparison {
  readonly status: 'match' | 'mismatch';
  readonly outputs: readonly OutputComparison[];
  /** What is wrong, in one sentence. */
  readonly why?: string;
}

/** Weights beyond this are not copied once more to measure noise. */
const NOISE_LIMIT = 1.5 * 2 ** 30;
const NOISE_VARIANTS = 3;
/** What may differ on values at the edges, where sums of zeros show no noise: these are to show other branches, not other roundings. */
const COARSE = 1e-3;
/** Models from this on are run on fewer samples, and their noise is measured only when a difference asks for it. */
const LARGE = 2 ** 27;
const LARGE_SHARE = 1 / 8;

/** The original, run once on its samples; candidates are compared with what it gave. */
export class Reference {
  readonly samples: readonly Sample[];
  /** Outputs that differ between two runs of the original. */
  readonly excluded: ReadonlySet<string>;
  readonly #runtime: Runtime;
  readonly #options: ReferenceOptions;
  readonly #noise: (readonly Readonly<Record<string, NumericArray>>[])[] = [];

  private constructor(runtime: Runtime, options: ReferenceOptions, samples: readonly Sample[], excluded: Set<string>) {
    this.#runtime = runtime;
    this.#options = options;
    this.samples = samples;
    this.excluded = excluded;
  }

  /** Runs the original; gives why not when the runtime does not run it on any inputs that were tried. */
  static async prepare(runtime: Runtime, options: ReferenceOptions): Promise<Reference | { readonly why: string }> {
    const { plan, model, seed = 0, feeds } = options;
    const count = options.samples ?? (model.source.bytes < LARGE ? 3 : 2);
    if (plan.unsupported.length > 0 && !feeds)
      return { why: `no values can be made for the input ${plan.unsupported[0]}` };
    let session: Session | undefined;
    try {
      session = await runtime.open(model, { optimization: 'disabled', brief: true });
      const { samples, refusal } = feeds
        ? { samples: await runAll(session, feeds), refusal: undefined }
        : await sampleModel(session, plan, { count, seed, edges: model.source.bytes < LARGE });
      if (samples.length === 0) return { why: oneLine(refusal?.message ?? 'no inputs were found that it takes') };
      const excluded = mayVary(model) ? await varying(session, samples[0]!) : new Set<string>();
      return new Reference(runtime, options, samples, excluded);
    } catch (cause) {
      if (cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout) return { why: oneLine(cause.message) };
      throw cause;
    } finally {
      await session?.release();
    }
  }

  /** Compares a candidate (in its {@link runtimeForm}), run on the same inputs, with the original. */
  async compare(candidate: Model, optimization: Optimization = 'disabled'): Promise<WholeComparison> {
    const results: Readonly<Record<string, NumericArray>>[] = [];
    try {
      const session = await this.#runtime.open(candidate, { optimization, brief: optimization === 'disabled' });
      try {
        for (const sample of this.samples) results.push(await session.run(sample.feeds));
      } finally {
        await session.release();
      }
    } catch (cause) {
      if (!(cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout)) throw cause;
      return { status: 'mismatch', outputs: [], why: `the runtime refuses it: ${oneLine(cause.message)}` };
    }
    return this.#judgeAll(results);
  }

  async #judgeAll(results: readonly Readonly<Record<string, NumericArray>>[]): Promise<WholeComparison> {
    const floor = this.#options.model.source.bytes < LARGE ? 0 : this.#singleSum();
    let outputs = this.#judge(results, floor);
    for (let variant = 0; variant < NOISE_VARIANTS; variant++) {
      // One copy more of a large model is worth its cost only where its noise decides.
      const measured = variant === 0 && this.#options.model.source.bytes < LARGE;
      const settled = outputs.every((output) => (measured ? output.identical : output.ok));
      if (settled || !(await this.#measureNoise(variant))) break;
      outputs = this.#judge(results, floor);
    }
    const wrong = outputs.find((output) => !output.ok);
    if (!wrong) return { status: 'match', outputs };
    return { status: 'mismatch', outputs, why: `output ${wrong.name} ${wrong.why ?? 'differs'}` };
  }

  /** A small part of what the longest sum of the model may err by itself: less says nothing of a model of many. */
  #singleSum(): number {
    return sumFloor(this.#options.model, this.samples[0]?.binding ?? new Map()) * LARGE_SHARE;
  }

  #judge(results: readonly Readonly<Record<string, NumericArray>>[], floor: number): OutputComparison[] {
    const names = Object.keys(this.samples[0]?.outputs ?? {});
    const crisp = crispOutputs(this.#options.model);
    return names.map((name) => {
      if (this.excluded.has(name)) return { name, ...IGNORED, excluded: 'nondeterministic' };
      const rows = this.samples.map((sample, i) => ({
        expected: sample.outputs[name]!,
        actual: results[i]?.[name],
        noise: (crisp.has(name) ? [] : this.#noise)
          .map((variant) => variant[i]?.[name])
          .filter((array) => array !== undefined),
        ...(sample.mood === 'edge' && { finite: true, least: crisp.has(name) ? 0 : COARSE }),
      }));
      return { name, ...judge(rows, floor) };
    });
  }

  /** Runs a noisy copy of the original on all samples; `false` when that is not possible. */
  async #measureNoise(variant: number): Promise<boolean> {
    if (this.#noise.length > variant) return true;
    if (this.#options.model.source.bytes > NOISE_LIMIT) return false;
    try {
      const model = noisyModel(this.#options.model, variant + 1);
      const session = await this.#runtime.open(model, { optimization: 'disabled', brief: true });
      try {
        const runs: Readonly<Record<string, NumericArray>>[] = [];
        for (const sample of this.samples) runs.push(await session.run(sample.feeds));
        this.#noise.push(runs);
        return true;
      } finally {
        await session.release();
      }
    } catch (cause) {
      if (cause instanceof RuntimeRefusal || cause instanceof RuntimeTimeout) return false;
      throw cause;
    }
  }
}

async function runAll(session: Session, feeds: readonly Feeds[]): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const [seed, each] of feeds.entries()) {
    samples.push({ binding: new Map(), seed, mood: 'lively', feeds: each, outputs: await session.run(each) });
  }
  return samples;
}

const IGNORED: Judgement = { ok: true, identical: true, maxAbs: 0, maxRel: 0, noiseFloor: 0, tolerance: 0 };

function mayVary(model: Model): boolean {
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) if (!isDeterministic(node)) return true;
  }
  return false;
}

async function varying(session: Session, sample: Sample): Promise<Set<string>> {
  const again = await session.run(sample.feeds);
  const names = Object.keys(sample.outputs);
  return new Set(names.filter((name) => spread(sample.outputs[name]!, again[name]!) !== 0));
}

/** The first line of what a runtime says, shortened. */
export function oneLine(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return line.length > 1200 ? `${line.slice(0, 1200)}…` : line;
}
