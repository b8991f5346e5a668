import {
  type Edit,
  type Graph,
  intsAttr,
  isOp,
  isStatic,
  type Node,
  nodesBetween,
  recipeCodes,
  ResonnxError,
  Tensor,
  type Types,
  type Value,
  fromFloat64,
  pathOf,
} from '#core';
import { cloneNodes } from './clone-nodes.js';

/** A normalization: one operator, or the operators that it was decomposed into. */
export interface NormSite {
  readonly input: Value;
  readonly output: Value;
  /** In dependency order; the last one makes the output. */
  readonly nodes: readonly Node[];
  /** Static values by which the normalized value is multiplied, and that are added to it. */
  readonly scale: Value | undefined;
  readonly bias: Value | undefined;
}

/** Operators that normalize, with the inputs that hold scale and bias. */
const OPERATORS: Readonly<Record<string, readonly [number, number | undefined]>> = {
  LayerNormalization: [1, 2],
  RMSNormalization: [1, undefined],
  SimplifiedLayerNormalization: [1, undefined],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
};

const REDUCTIONS = [
  'ReduceMean',
  'ReduceSum',
  'ReduceSumSquare',
  'ReduceL2',
  'InstanceNormalization',
  'LpNormalization',
  'MeanVarianceNormalization',
];

/** Operators that a decomposed norm ends in, before its scale and bias. */
const ENDINGS = ['Div', 'Mul', 'Add', 'Sub', 'InstanceNormalization', 'LpNormalization', 'MeanVarianceNormalization'];

/** Operators that decomposed norms are made of: no weights mix features, nothing is activated. */
const PARTS = [
  ...REDUCTIONS,
  ...ENDINGS,
  'Abs',
  'Cast',
  'CastLike',
  'Clip',
  'Concat',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'Max',
  'Neg',
  'Pow',
  'Reciprocal',
  'Reshape',
  'Shape',
  'Slice',
  'Sqrt',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
];

/** A norm has few nodes; a search that goes on for longer has left it. */
const MOST_NODES = 48;

/**
 * The norm that ends in `output`, operator or decomposed, also between two Transposes that undo each other: its input is the nearest
 * value that everything between it and the output comes from, with a reduction in between. `undefined` when there is none.
 */
export function findNorm(output: Value): NormSite | undefined {
  return normEndingIn(output) ?? normBetweenTransposes(output);
}

/** A norm over an axis that is moved to the end for it and back behind it. */
function normBetweenTransposes(output: Value): NormSite | undefined {
  const back = output.producer;
  const inner = isOp(back, 'Transpose') ? normEndingIn(back.inputs[0]!) : undefined;
  const there = inner?.input.producer;
  if (!back || !inner || !isOp(there, 'Transpose')) return undefined;
  const [first, second] = [intsAttr(there, 'perm'), intsAttr(back, 'perm')];
  if (!first || !second?.every((axis, at) => first[axis] === at)) return undefined;
  return { ...within(there.inputs[0]!, output), scale: inner.scale, bias: inner.bias };
}

function normEndingIn(output: Value): NormSite | undefined {
  const tail = affineTail(output);
  const node = tail.value.producer;
  if (!node) return undefined;
  const places = node.domain === '' || node.domain === 'com.microsoft' ? OPERATORS[node.opType] : undefined;
  if (places && !tail.reshaped) {
    const input = node.inputs[0]!;
    const [scale, bias] = [node.inputs[places[0]], places[1] === undefined ? undefined : node.inputs[places[1]]];
    return { ...within(input, output), scale: tail.scale ?? scale, bias: tail.bias ?? bias };
  }
  if (!isOp(node, ...ENDINGS)) return undefined;
  const input = commonSource(tail.value);
  return input && { ...within(input, output), scale: tail.scale, bias: tail.bias };
}

/** The norm that ends in `output`. @throws ResonnxError `rewrite/refused` when none does */
export function getNorm(output: Value): NormSite {
  const norm = findNorm(output);
  if (norm) return norm;
  const path = output.producer ? pathOf(output.producer) : 'main';
  throw new ResonnxError([
    recipeCodes.refused({ path, slot: output.hint }, `no normalization ends in "${output.hint}"`),
  ]);
}

/** The norm that reads `source` on the way to `target`, with all of its affine tail. */
export function findNormBetween(source: Value, target: Value): NormSite | undefined {
  let found: NormSite | undefined;
  for (const node of nodesBetween(source, target)) {
    for (const output of node.outputs) {
      const norm = findNorm(output);
      const grows = norm && norm.input === source && (!found || norm.nodes.includes(found.nodes.at(-1)!));
      if (grows) found = norm;
      else if (found) return found;
    }
  }
  return found;
}

function within(input: Value, output: Value): Pick<NormSite, 'input' | 'output' | 'nodes'> {
  return { input, output, nodes: nodesBetween(input, output) };
}

/** Walks up through what may follow the normalization itself: bias, scale, casts and, for group norms, a reshape. */
function affineTail(output: Value): {
  readonly value: Value;
  readonly scale?: Value;
  readonly bias?: Value;
  readonly reshaped: boolean;
} {
  let [value, reshaped] = [output, false];
  let scale: Value | undefined;
  let bias: Value | undefined;
  for (let node = value.producer; node; node = value.producer) {
    const [a, b] = node.inputs;
    const opType = node.domain === '' ? node.opType : '';
    if ((opType === 'Cast' || opType === 'CastLike' || opType === 'Identity') && a) value = a;
    else if (opType === 'Reshape' && a) [value, reshaped] = [a, true];
    else if ((opType === 'Add' || opType === 'Mul') && a && b && isStatic(a) !== isStatic(b)) {
      const constant = isStatic(a) ? a : b;
      if (opType === 'Add' && !bias && !scale) bias = constant;
      else if (opType === 'Mul' && !scale) scale = constant;
      else break;
      value = constant === a ? b : a;
    } else break;
  }
  return { value, reshaped, ...(scale && { scale }), ...(bias && { bias }) };
}

/** Expands the value that is computed last, again and again, until one value is left that everything comes from. */
function commonSource(output: Value): Value | undefined {
  const rank = rankOf(output.graph);
  const frontier = new Set<Value>([output]);
  let reduced = false;
  for (let steps = 0; steps < MOST_NODES; steps++) {
    const last = latest(frontier, rank);
    const node = last?.producer;
    if (!last || !node || node.graph !== output.graph || !isOp(node, ...PARTS)) return undefined;
    frontier.delete(last);
    reduced ||= isOp(node, ...REDUCTIONS);
    const operands = isOp(node, 'Reshape', 'Expand', 'CastLike') ? 1 : Infinity;
    for (const input of node.inputs.slice(0, operands)) if (input && !isStatic(input)) frontier.add(input);
    if (frontier.size !== 1 || !reduced) continue;
    const [source] = frontier;
    if (!continuesAbove(source!)) return source;
  }
  return undefined;
}

/** Whether the norm goes on above: x − mean(x), a cast to the precision of the statistics, the reshape of a group norm. */
function continuesAbove(value: Value): boolean {
  const node = value.producer;
  const opType = node?.domain === '' ? node.opType : '';
  if (opType === 'Sub') {
    let mean = node?.inputs[1]?.producer;
    while (isOp(mean, 'Cast', 'CastLike')) mean = mean.inputs[0]?.producer;
    return isOp(mean, 'ReduceMean');
  }
  const readers = [...value.uses].flatMap((use) => (use.kind === 'input' ? [use.node] : []));
  if (opType === 'Reshape') return readers.length === 1 && isOp(readers[0], 'InstanceNormalization');
  return opType === 'Cast' && readers.some((reader) => isOp(reader, 'Pow', 'Mul', 'ReduceMean', 'Sub'));
}

function latest(values: ReadonlySet<Value>, rank: ReadonlyMap<Node, number>): Value | undefined {
  let [best, at]: [Value | undefined, number] = [undefined, -1];
  for (const value of values) {
    const place = (value.producer && rank.get(value.producer)) ?? -1;
    if (place > at) [best, at] = [value, place];
  }
  return best;
}

const ranks = new WeakMap<Graph, { readonly version: number; readonly rank: ReadonlyMap<Node, number> }>();

function rankOf(graph: Graph): ReadonlyMap<Node, number> {
  const known = ranks.get(graph);
  if (known?.version === graph.model.version) return known.rank;
  const rank = new Map(graph.topo().map((node, index) => [node, index]));
  ranks.set(graph, { version: graph.model.version, rank });
  return rank;
}

/** The norm once more, on another value, with the same parameters. @throws ResonnxError `rewrite/refused` */
export function applyNorm(
  edit: Edit,
  norm: NormSite,
  input: Value,
  replaced: ReadonlyMap<Value, Value> = new Map(),
): Value {
  const map = new Map([...replaced, [norm.input, input]]);
  if (cloneNodes(edit, norm.nodes, map)) return map.get(norm.output)!;
  throw new ResonnxError([
    recipeCodes.refused({ path: pathOf(norm.nodes[0]!) }, 'a norm with a body cannot be copied'),
  ]);
}

/** A new norm of the same kind and epsilon with scale 1 and bias 0. */
export function applyIdentityNorm(edit: Edit, norm: NormSite, input: Value, types: Types): Value {
  const replaced = new Map<Value, Value>();
  const uniform = (value: Value | undefined, hint: string, number: number): void => {
    if (!value) return;
    const { dtype, shape } = uniformType(value, types);
    replaced.set(
      value,
      edit.constant(
        hint,
        Tensor.from(fromFloat64(dtype, shape, new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(number))),
      ),
    );
  };
  uniform(norm.scale, 'norm_scale', 1);
  uniform(norm.bias, 'norm_bias', 0);
  return applyNorm(edit, norm, input, replaced);
}

/** Dtype and shape of a parameter of a norm. @throws ResonnxError `rewrite/refused` when they are not known */
export function uniformType(
  value: Value,
  types: Types,
): { readonly dtype: Tensor['dtype']; readonly shape: readonly number[] } {
  const { dtype, shape } = value.constant ?? types.tensor(value) ?? {};
  if (dtype && shape?.every((dim) => typeof dim === 'number')) return { dtype, shape: shape as readonly number[] };
  throw new ResonnxError([
    recipeCodes.refused({ path: 'main', slot: value.hint }, 'the shape of a norm parameter is not known'),
  ]);
}
