import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import type { PassContext } from '../../src/pass/pass.js';
import { Pipeline, type Step } from '../../src/pass/pipeline.js';
import type { AnyPass } from '../../src/pass/run.js';
import { createRandom } from '../../src/numerics/random.js';
import type { Edit } from '../../src/rewrite/edit.js';
import type { Types } from '../../src/shape/types.js';
import { type Mutation, Scene } from './mutant.js';

/** The nodes that a rewrite has added, as a place for damage. */
class RewriteScene extends Scene {
  readonly #added: readonly Node[];

  constructor(model: Model, types: Types, added: readonly Node[]) {
    super(model, createRandom(1, 'rewrite'), types);
    this.#added = added;
  }

  override *nodes(...opTypes: readonly string[]): Generator<Node> {
    for (const node of this.#added) {
      const isNamed = node.domain === '' && opTypes.includes(node.opType);
      if (node.alive && (opTypes.length === 0 || isNamed)) yield node;
    }
  }
}

/** Called at each rewrite that added nodes, inside of it. */
type Visit = (scene: Scene, what: string) => void;

/** The pipeline with `visit` called at the end of each rewrite of each pass. */
export function visited(pipeline: Pipeline, visit: Visit): Pipeline {
  const wrap = (steps: readonly Step[]): Step[] =>
    steps.map((step) =>
      step.kind === 'pass' ? { ...step, pass: wrapPass(step.pass, visit) } : { ...step, steps: wrap(step.steps) },
    );
  return new Pipeline(wrap(pipeline.steps));
}

const wrapped = new WeakMap<AnyPass, Map<Visit, AnyPass>>();

/** A pass occurs more than once in a pipeline, and is known by its identity. */
function wrapPass(pass: AnyPass, visit: Visit): AnyPass {
  const known = wrapped.get(pass) ?? new Map<Visit, AnyPass>();
  wrapped.set(pass, known);
  const found = known.get(visit) ?? { ...pass, run: (model, cx) => pass.run(model, watching(pass, model, cx, visit)) };
  known.set(visit, found);
  return found;
}

function watching(pass: AnyPass, model: Model, cx: PassContext, visit: Visit): PassContext<never> {
  const watched: PassContext = {
    ...cx,
    rewrite: (rule, root, edit) =>
      cx.rewrite(rule, root, (hand: Edit) => {
        const before = new Set<Node>();
        for (const graph of model.graphs()) for (const node of graph.nodes.values()) before.add(node);
        if (edit(hand) === false) return false;
        const added: Node[] = [];
        for (const graph of model.graphs())
          for (const node of graph.nodes.values()) if (!before.has(node)) added.push(node);
        if (added.length > 0) visit(new RewriteScene(model, cx.types, added), `${pass.name} ${rule}`);
        return true;
      }),
  };
  return watched as PassContext<never>;
}

/** Damages what the first rewrite with a place for it has put in, once; `done` says which rewrite that was. */
export function damaging(
  pipeline: Pipeline,
  { places }: Mutation,
): { readonly pipeline: Pipeline; done: () => string | undefined } {
  let done: string | undefined;
  const visit: Visit = (scene, what) => {
    if (done !== undefined) return;
    const [place] = places(scene);
    if (!place) return;
    place.damage();
    done = what;
  };
  return { pipeline: visited(pipeline, visit), done: () => done };
}
