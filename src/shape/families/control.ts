import { type Dim, max } from '../../dim/dim.js';
import type { Graph } from '../../ir/graph.js';
import { tensorType, type Type } from '../../ir/type.js';
import type { NodeContext } from '../context.js';
import type { InferBodies, Steps } from '../control.js';
import { declaredElements, type Fact, joinFacts, sameFact, UNKNOWN } from '../fact.js';

/** Operators that run bodies. */
export const CONTROL: Readonly<Record<string, InferBodies>> = {
  If: inferIf,
  Loop: inferLoop,
  Scan: inferScan,
  SequenceMap: inferSequenceMap,
};

/** Rounds after which a type that still changes is unknown; dims settle in two, ranks in three. */
const MAX_ROUNDS = 6;

/** If: what holds in both branches, or in the one that a known condition takes. */
function* inferIf(cx: NodeContext): Steps {
  const condition = cx.scalar(0);
  const [then, otherwise] = [cx.graph('then_branch'), cx.graph('else_branch')];
  const left = then && condition !== 0 ? yield { graph: then, inputs: [] } : undefined;
  const right = otherwise && condition !== 1 ? yield { graph: otherwise, inputs: [] } : undefined;
  for (let index = 0; index < cx.outputCount; index++) {
    const [a, b] = [left?.[index] ?? UNKNOWN, right?.[index] ?? UNKNOWN];
    if (condition === 1) cx.results[index] = a;
    else if (condition === 0) cx.results[index] = b;
    else cx.results[index] = joinFacts(a, b, () => cx.fresh());
  }
}

/** Values that a body hands to its next round: their types widen until nothing changes. */
class State {
  readonly #cx: NodeContext;
  readonly #wide = new Set<Dim>();
  facts: readonly Fact[];

  constructor(cx: NodeContext, initial: readonly Fact[]) {
    this.#cx = cx;
    this.facts = initial.map(typeOnly);
  }

  /** Takes the values at the end of a round; `true` when the assumed facts covered them. */
  settle(next: readonly Fact[], round: number): boolean {
    const widened = this.facts.map((fact, index) => {
      if (round >= MAX_ROUNDS) return UNKNOWN;
      return joinFacts(fact, typeOnly(next[index] ?? UNKNOWN), (a) => this.#widen(a));
    });
    const isStable = widened.every((fact, index) => sameFact(fact, this.facts[index] ?? UNKNOWN));
    this.facts = widened;
    return isStable;
  }

  /** The facts after the last round: sizes that change between rounds get symbols of their own. */
  final(): Fact[] {
    return this.facts.map((fact) => {
      const { type } = fact;
      if (type?.kind !== 'tensor' || !type.shape) return fact;
      return {
        type: tensorType(
          type.dtype,
          type.shape.map((dim) => (this.#wide.has(dim) ? this.#cx.fresh() : dim)),
        ),
      };
    });
  }

  #widen(dim: Dim): Dim {
    if (this.#wide.has(dim)) return dim;
    const wide = this.#cx.fresh();
    this.#wide.add(wide);
    return wide;
  }
}

function typeOnly(fact: Fact): Fact {
  return fact.elements || fact.tensor ? { type: fact.type } : fact;
}

/** A fact for a body's input: what is known outside, else what the body declares. */
function formal(graph: Graph, index: number, fact: Fact): Fact {
  const declared = graph.inputs[index]?.value.type;
  return fact.type ? fact : { type: declared && declaredElements(declared) };
}

/** Whether output `output` of a body hands on its input `input` unchanged. */
function isInvariant(graph: Graph, input: number, output: number): boolean {
  return graph.inputs[input]?.value === graph.outputs[output]?.value;
}

/** Loop (1, 11, 13 and later): carried values to a fixpoint; what the body gives each round is stacked along a new first axis. */
function* inferLoop(cx: NodeContext): Steps {
  const graph = cx.graph('body');
  if (!graph) return;
  const count = Math.max(0, cx.inputCount - 2);
  const initial = Array.from({ length: count }, (_, index) => formal(graph, index + 2, cx.fact(index + 2)));
  const state = new State(cx, initial);
  const fixed: Fact[] = [
    counter(graph),
    { type: tensorType('bool', []), elements: { dtype: 'bool', shape: [], elements: [1] } },
  ];
  const withConstants = (): Fact[] =>
    state.facts.map((fact, index) => (isInvariant(graph, index + 2, index + 1) ? (initial[index] ?? fact) : fact));
  let outputs: readonly Fact[] = [];
  for (let round = 0; ; round++) {
    outputs = yield { graph, inputs: [...fixed, ...withConstants()] };
    if (state.settle(outputs.slice(1, count + 1), round)) break;
  }
  const final = state.final();
  for (let index = 0; index < count; index++) {
    cx.results[index] = isInvariant(graph, index + 2, index + 1) ? initial[index] : final[index];
  }
  stackOutputs(cx, outputs.slice(count + 1), count, tripCount(cx, outputs[0]));
}

/** The round's number: an int64 scalar, or a vector of one where the body declares that. */
function counter(graph: Graph): Fact {
  const declared = graph.inputs[0]?.value.type;
  const isVector = declared?.kind === 'tensor' && declared.shape?.length === 1;
  return { type: tensorType('int64', isVector ? [1] : []) };
}

/** The number of rounds, where no condition can end the loop before. */
function tripCount(cx: NodeContext, condition: Fact | undefined): Dim {
  const runsOn = condition?.elements?.elements[0] === 1;
  const starts = !cx.has(1) || cx.scalar(1) === 1;
  return runsOn && starts && cx.has(0) ? max(cx.scalar(0), 0) : null;
}

function stackOutputs(cx: NodeContext, rows: readonly Fact[], first: number, trip: Dim): void {
  const length = trip ?? cx.fresh();
  rows.forEach(({ type }, index) => {
    if (first + index >= cx.outputCount || type?.kind !== 'tensor') return;
    cx.output(first + index, type.shape && [length, ...type.shape], type.dtype);
  });
}

/** Scan (8: with a batch axis in front of everything; 9, 11 and later): like Loop over slices of its last inputs. */
function* inferScan(cx: NodeContext): Steps {
  const graph = cx.graph('body');
  const scanned = cx.int('num_scan_inputs');
  if (!graph || scanned === undefined) return;
  const offset = cx.since === 8 ? 1 : 0;
  const count = cx.inputCount - offset - scanned;
  if (count < 0) return;
  const axes = cx.since === 8 ? undefined : cx.ints('scan_input_axes');
  const initial = Array.from({ length: count }, (_, index) =>
    withoutAxis(cx.fact(index + offset), offset === 1 ? 0 : undefined),
  );
  const slices: Fact[] = [];
  let length: Dim = null;
  for (let index = 0; index < scanned; index++) {
    const fact = withoutAxis(cx.fact(index + offset + count), offset === 1 ? 0 : undefined);
    const axis = scanAxis(fact, axes?.[index] ?? 0);
    const size = axis === undefined || fact.type?.kind !== 'tensor' ? null : (fact.type.shape?.[axis] ?? null);
    length = cx.unify(length, size, 'lengths of the scanned axes');
    slices.push(withoutAxis(fact, axis));
  }
  const state = new State(cx, initial);
  let outputs: readonly Fact[] = [];
  for (let round = 0; ; round++) {
    outputs = yield { graph, inputs: [...state.facts, ...slices].map((fact, index) => formal(graph, index, fact)) };
    if (state.settle(outputs.slice(0, count), round)) break;
  }
  finishScan(cx, state.final(), outputs.slice(count), length ?? cx.fresh());
}

function finishScan(cx: NodeContext, final: readonly Fact[], rows: readonly Fact[], length: Dim): void {
  const batch = cx.since === 8 ? [cx.shape(cx.inputCount - 1)?.[0] ?? cx.fresh()] : [];
  final.forEach(({ type }, index) => {
    if (type?.kind === 'tensor') cx.output(index, type.shape && [...batch, ...type.shape], type.dtype);
    else cx.outputType(index, type);
  });
  const axes = cx.since === 8 ? undefined : cx.ints('scan_output_axes');
  rows.forEach(({ type }, index) => {
    if (type?.kind !== 'tensor') return;
    const { shape } = type;
    const axis = shape && cx.axis(axes?.[index] ?? 0, shape.length + 1);
    const stacked =
      shape && axis !== undefined ? [...batch, ...shape.slice(0, axis), length, ...shape.slice(axis)] : undefined;
    cx.output(final.length + index, stacked, type.dtype);
  });
}

function scanAxis(fact: Fact, axis: number): number | undefined {
  const rank = fact.type?.kind === 'tensor' ? fact.type.shape?.length : undefined;
  if (rank === undefined || axis < -rank || axis >= rank) return undefined;
  return axis < 0 ? axis + rank : axis;
}

function withoutAxis(fact: Fact, axis: number | undefined): Fact {
  const { type } = fact;
  if (type?.kind !== 'tensor' || !type.shape) return typeOnly(fact);
  return {
    type: tensorType(
      type.dtype,
      type.shape.filter((_, at) => at !== axis),
    ),
  };
}

/** SequenceMap (17): the body on every element; extra inputs that are sequences are walked in step. */
function* inferSequenceMap(cx: NodeContext): Steps {
  const graph = cx.graph('body');
  if (!graph) return;
  const inputs = Array.from({ length: cx.inputCount }, (_, index): Fact => {
    const type = cx.input(index);
    if (type?.kind !== 'sequence') return index === 0 ? UNKNOWN : cx.fact(index);
    return { type: withFresh(cx, type.element) };
  });
  const outputs = yield { graph, inputs: inputs.map((fact, index) => formal(graph, index, fact)) };
  outputs.forEach(({ type }, index) => {
    const element =
      type?.kind === 'tensor'
        ? tensorType(
            type.dtype,
            type.shape?.map((dim) => (cx.mayVary(dim) ? null : dim)),
          )
        : type;
    cx.outputType(index, { kind: 'sequence', ...(element && { element }) });
  });
}

function withFresh(cx: NodeContext, type: Type | undefined): Type | undefined {
  if (type?.kind !== 'tensor') return type;
  return tensorType(
    type.dtype,
    type.shape?.map((dim) => dim ?? cx.fresh()),
  );
}
