import { shapeBroadcast, shapeCount, shapeDType } from '../diagnostics/codes/shape.js';
import { inputParameter, type OpSchema } from '../schema/schema.js';
import { broadcastShapes } from './broadcast.js';
import type { NodeContext } from './context.js';
import { showShape } from './fact.js';

/** Reports what the schema and the operator ask of the inputs and does not hold: one element type, ranks, axes, parameters that fit. */
export function checkInputs(cx: NodeContext): void {
  checkDTypes(cx);
  for (const [index, rank] of RANKS[cx.node.op] ?? []) cx.shapeOfRank(index, rank, true);
  const shape = AXIS_ATTRIBUTE.has(cx.node.op) ? cx.shape(0) : undefined;
  if (shape) cx.axis(cx.int('axis'), Math.max(shape.length, 1));
  if (SCALED.has(cx.node.op)) checkScale(cx);
  if (WINDOWED.has(cx.node.op)) checkKernel(cx);
}

const pairs = new WeakMap<OpSchema, readonly (readonly [number, number])[]>();

/** Pairs of inputs that share a type constraint, each with the first that has it. Variadic ones are not listed. */
function sharedTypes(schema: OpSchema): readonly (readonly [number, number])[] {
  const known = pairs.get(schema);
  if (known) return known;
  const first = new Map<string, number>();
  const found: (readonly [number, number])[] = [];
  schema.inputs.forEach((parameter, index) => {
    if (parameter.option === 'Variadic' && !parameter.homogeneous) return;
    const before = first.get(parameter.type);
    if (before === undefined) first.set(parameter.type, index);
    else if (parameter.types.length > 1) found.push([before, index]);
  });
  pairs.set(schema, found);
  return found;
}

function checkDTypes(cx: NodeContext): void {
  const { schema } = cx;
  if (!schema) return;
  for (const [left, right] of sharedTypes(schema)) compare(cx, schema, left, right);
  if (schema.inputs.at(-1)?.option !== 'Variadic' || !schema.inputs.at(-1)?.homogeneous) return;
  for (let index = schema.inputs.length; index < cx.inputCount; index++) {
    compare(cx, schema, schema.inputs.length - 1, index);
  }
}

function compare(cx: NodeContext, schema: OpSchema, left: number, right: number): void {
  const [a, b] = [cx.dtype(left), cx.dtype(right)];
  if (!a || !b || a === b) return;
  const name = (index: number): string => inputParameter(schema, index)?.name ?? String(index);
  cx.problem(shapeDType(cx.at, `${name(left)} ${a}`, `${name(right)} ${b}`));
}

/** Least ranks: input index and rank. */
const RANKS: Readonly<Record<string, readonly (readonly [number, number])[] | undefined>> = {
  AveragePool: [[0, 3]],
  BatchNormalization: [[0, 1]],
  Conv: [
    [0, 3],
    [1, 3],
  ],
  ConvTranspose: [
    [0, 3],
    [1, 3],
  ],
  GlobalAveragePool: [[0, 2]],
  GlobalMaxPool: [[0, 2]],
  InstanceNormalization: [[0, 3]],
  MatMul: [
    [0, 1],
    [1, 1],
  ],
  MaxPool: [[0, 3]],
};

const AXIS_ATTRIBUTE: ReadonlySet<string> = new Set(
  'ArgMax ArgMin Hardmax LayerNormalization LogSoftmax LpNormalization Softmax'.split(' '),
);

const SCALED: ReadonlySet<string> = new Set(['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization']);

/** Scale and bias broadcast to the normalized axes, without making them larger. */
function checkScale(cx: NodeContext): void {
  const x = cx.shape(0);
  const given = cx.int('axis') ?? -1;
  const axis = x && (given < 0 ? given + x.length : given);
  if (!x || axis === undefined || axis < 0 || axis >= x.length) return;
  for (const index of [1, 2]) {
    const scale = cx.shape(index);
    if (!scale) continue;
    const result = broadcastShapes([x, scale]);
    const grows = result !== undefined && result.some((dim, at) => x[at] === 1 && dim !== 1 && typeof dim === 'number');
    if (!result || grows) cx.problem(shapeBroadcast(cx.at, showShape(x.slice(axis)), showShape(scale)));
  }
}

const WINDOWED: ReadonlySet<string> = new Set('AveragePool Conv ConvTranspose LpPool MaxPool'.split(' '));

/** One kernel size per spatial axis. */
function checkKernel(cx: NodeContext): void {
  const rank = cx.shape(0)?.length;
  const kernel = cx.ints('kernel_shape');
  if (rank !== undefined && rank >= 3 && kernel && kernel.length !== rank - 2) {
    cx.problem(shapeCount(cx.at, 'kernel_shape', kernel.length, rank - 2));
  }
}
