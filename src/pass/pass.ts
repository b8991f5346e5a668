import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Edit } from '../rewrite/edit.js';
import type { Semantics } from '../rewrite/semantics.js';
import type { Types } from '../shape/types.js';
import type { Tensor } from '../tensor/tensor.js';

export type { Semantics } from '../rewrite/semantics.js';

/** An option of a pass, as the command line and the documentation show it. */
export interface OptionSpec {
  readonly type: 'boolean' | 'number' | 'string';
  readonly summary: string;
  readonly default: boolean | number | string;
}

/** Runtime whose operators may be added; `standard` adds operators of the ONNX standard only. */
export type Target = 'standard' | 'ort-cpu' | 'ort-web-wasm' | 'ort-web-webgpu';

/** What may become of the opset of the default domain: `keep` it, raise it where that allows a better form (`auto`), or to a number. */
export type OpsetPolicy = 'keep' | 'auto' | number;

/** Computes values that depend on constants alone; given by whoever has a runtime. */
export interface Evaluator {
  /** The tensors of `values` of `graph`, in order; `undefined` for what the runtime cannot compute. */
  evaluate(graph: Graph, values: readonly Value[]): Promise<readonly (Tensor | undefined)[]>;
}

/** A rule that looked at a node and did not fire: the nearest miss. */
export interface Declined {
  readonly pass: string;
  readonly rule: string;
  readonly node: Node;
  /** What was missing, with the values at hand. */
  readonly reason: string;
  /** How many nodes of the pattern matched before it failed; the larger, the nearer the miss. */
  readonly matched: number;
}

/** What a pass works with. It keeps no state between runs. */
export interface PassContext<O extends object = object> {
  readonly options: O;
  /** Types, shapes and small integer values; stays valid while the pass edits, new values are inferred when asked for. */
  readonly types: Types;
  readonly target: Target;
  readonly opset: OpsetPolicy;
  /** Bytes by which the model may grow now: what the user allows, and what earlier passes have saved. Folding passes keep within it. */
  readonly maxGrowth: number;
  readonly evaluator: Evaluator | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * The only way to change the model: runs `edit` as one numbered rewrite at `root`, undone as a whole when it returns `false` or
   * throws. What is dead afterwards is removed. Gives whether the rewrite stands.
   */
  rewrite(rule: string, root: Node | Graph, edit: (edit: Edit) => boolean | void): boolean;
  /** Whether anybody listens to {@link decline}; reasons that cost something need not be made else. */
  readonly explains: boolean;
  /** Says why a rule did not fire; shown by `explain`. */
  decline(rule: string, node: Node, reason: string, matched?: number): void;
  report(diagnostic: Diagnostic): void;
}

/** One transformation or analysis of a model. */
export interface Pass<O extends object = object> {
  /** Kebab case; also the name of its folder, of its fixtures' folder, and what `--skip` and `--only` take. */
  readonly name: string;
  /** One line; the table in README.md is made from it. */
  readonly summary: string;
  readonly semantics: Semantics;
  /** Rules of an `exact` pass that promise less: their results are `equivalent`, as −0 that becomes +0. */
  readonly equivalentRules?: readonly string[];
  readonly options?: { readonly [K in keyof O]: OptionSpec };
  /** Rules by name with what each does, for `passes NAME` and `explain`. */
  readonly rules?: Readonly<Record<string, string>>;
  run(model: Model, context: PassContext<O>): void | Promise<void>;
}

/** What a rule of a pass promises. */
export function semanticsOf(pass: Pick<Pass, 'semantics' | 'equivalentRules'>, rule: string): Semantics {
  return pass.semantics === 'exact' && pass.equivalentRules?.includes(rule) ? 'equivalent' : pass.semantics;
}

/** The defaults of a pass's options. */
export function defaultOptions<O extends object>(pass: Pass<O>): O {
  const specs = Object.entries((pass.options ?? {}) as Record<string, OptionSpec>);
  return Object.fromEntries(specs.map(([name, spec]) => [name, spec.default])) as O;
}
