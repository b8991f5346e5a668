import type { AnyPass } from './run.js';

/** A step of a pipeline: a pass with options, or passes that repeat until nothing changes. */
export type Step =
  | { readonly kind: 'pass'; readonly pass: AnyPass; readonly options: object }
  | { readonly kind: 'fixpoint'; readonly steps: readonly Step[]; readonly max: number };

/** Passes in order. Immutable: each method gives a new pipeline, so pipelines compose as values. */
export class Pipeline {
  readonly steps: readonly Step[];

  constructor(steps: readonly Step[] = []) {
    this.steps = steps;
  }

  /** Adds a pass. */
  run(pass: AnyPass, options: object = {}): Pipeline {
    return new Pipeline([...this.steps, { kind: 'pass', pass, options }]);
  }

  /** Adds passes that run in turn, again and again, until a whole round changes nothing or `max` rounds have run. */
  toFixpoint(passes: readonly AnyPass[], { max }: { readonly max: number }): Pipeline {
    const steps = passes.map((pass): Step => ({ kind: 'pass', pass, options: {} }));
    return new Pipeline([...this.steps, { kind: 'fixpoint', steps, max }]);
  }

  /** The pipeline with only those passes for which `keep` holds. */
  filter(keep: (pass: AnyPass) => boolean): Pipeline {
    const prune = (steps: readonly Step[]): Step[] =>
      steps.flatMap((step): Step[] => {
        if (step.kind === 'pass') return keep(step.pass) ? [step] : [];
        const inner = prune(step.steps);
        return inner.length > 0 ? [{ ...step, steps: inner }] : [];
      });
    return new Pipeline(prune(this.steps));
  }

  /** Names of the passes in order, each once. */
  get names(): readonly string[] {
    const names = new Set<string>();
    const stack = [...this.steps].reverse();
    for (let step = stack.pop(); step; step = stack.pop()) {
      if (step.kind === 'pass') names.add(step.pass.name);
      else stack.push(...[...step.steps].reverse());
    }
    return [...names];
  }
}
