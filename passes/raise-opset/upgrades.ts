import {
  constantOf,
  type Edit,
  floatAttr,
  fromFloat64,
  intAttr,
  intsAttr,
  type Node,
  stringAttr,
  Tensor,
  trainingMode,
  type Types,
  type Value,
} from '#core';

/** What an upgrade works with. Constants go to the main graph, which every body sees. */
export interface UpgradeContext {
  readonly edit: Edit;
  readonly types: Types;
}

/**
 * Brings a node to the next version of its operator, in place or by another node, which is given then. A text says why that is not
 * possible: the whole raise is taken back.
 */
export type Upgrade = (node: Node, context: UpgradeContext) => Node | string | undefined;

/** Upgrades by operator and the version that they lead to. */
export const UPGRADES: ReadonlyMap<string, Upgrade> = new Map<string, Upgrade>([
  [
    'AveragePool 19',
    (node) => (intAttr(node, 'ceil_mode') === 1 ? 'the divisor at the border changes with ceil_mode' : undefined),
  ],
  ['BatchNormalization 9', dropSpatial],
  ['BatchNormalization 14', (node) => (trainingMode(node) === 'inference' ? undefined : 'it trains')],
  ['Clip 11', limitsToInputs],
  ['Dropout 10', (node) => ((node.outputs[1]?.uses.size ?? 0) > 0 ? 'its mask becomes bool' : undefined)],
  ['Dropout 12', (node) => (trainingMode(node) === 'inference' ? void drop(node, 'ratio') : 'it trains')],
  ['GridSample 20', renameModes],
  ['Hardmax 13', flattenedToAxis],
  ['LogSoftmax 13', flattenedToAxis],
  ['Pad 11', padsToInputs],
  ['ReduceSum 13', axesToInput],
  ['Resize 11', explicitSampling],
  [
    'Resize 13',
    (node) =>
      stringAttr(node, 'coordinate_transformation_mode') === 'tf_half_pixel_for_nn'
        ? 'its coordinates have no successor'
        : undefined,
  ],
  ['RoiAlign 16', (node) => void put(node, 'coordinate_transformation_mode', 'output_half_pixel')],
  ['Scatter 11', (node, { edit }) => successor(node, edit, 'ScatterElements', node.inputs)],
  ['Slice 10', boundsToInputs],
  ['Softmax 13', flattenedToAxis],
  ['Split 13', (node, { edit }) => void intsToInput(node, edit, 'split', 1)],
  ['Split 18', countOutputs],
  ['Squeeze 13', axesToInput],
  ['TopK 10', countToInput],
  ['Unsqueeze 13', axesToInput],
  ['Upsample 9', scalesToInput],
  ['Upsample 10', (node, { edit }) => successor(node, edit, 'Resize', node.inputs)],
  ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map((kind): [string, Upgrade] => [
    `Reduce${kind} 18`,
    axesToInput,
  ]),
]);

function put(node: Node, name: string, value: Parameters<Node['graph']['setAttribute']>[2]): void {
  node.graph.setAttribute(node, name, value);
}

function drop(node: Node, name: string): void {
  if (node.attrs.has(name)) put(node, name, undefined);
}

/** Makes `to` with the attributes of `node` in its place. */
function successor(node: Node, edit: Edit, to: string, inputs: readonly (Value | undefined)[]): Node {
  const made = node.graph.addNode({
    opType: to,
    inputs,
    outputs: 1,
    attrs: node.attrs,
    name: node.name,
    origin: node.origin,
    near: node,
  });
  edit.replace(node.outputs[0]!, made.outputs[0]!);
  return made;
}

function intsToInput(node: Node, edit: Edit, name: string, index: number): void {
  if (!node.attrs.has(name)) return;
  const values = intsAttr(node, name) ?? [];
  node.graph.setInput(node, index, edit.constant('', Tensor.int64([values.length], values)));
  drop(node, name);
}

function axesToInput(node: Node, { edit }: UpgradeContext): undefined {
  intsToInput(node, edit, 'axes', 1);
}

function dropSpatial(node: Node): string | undefined {
  if (intAttr(node, 'spatial') === 0) return 'its statistics are per position';
  drop(node, 'spatial');
  return undefined;
}

/** A scalar of the element type of a value. */
function scalarLike(value: Value, number: number, { edit, types }: UpgradeContext): Value | undefined {
  const dtype = types.dtype(value);
  return dtype && edit.constant('', Tensor.from(fromFloat64(dtype, [], [number])));
}

function limitsToInputs(node: Node, context: UpgradeContext): string | undefined {
  for (const [index, name] of [
    [1, 'min'],
    [2, 'max'],
  ] as const) {
    if (!node.attrs.has(name)) continue;
    const limit = scalarLike(node.inputs[0]!, floatAttr(node, name)!, context);
    if (!limit) return 'its element type is unknown';
    node.graph.setInput(node, index, limit);
    drop(node, name);
  }
  return undefined;
}

function padsToInputs(node: Node, context: UpgradeContext): string | undefined {
  const value = floatAttr(node, 'value') ?? 0;
  intsToInput(node, context.edit, 'pads', 1);
  drop(node, 'value');
  if (value === 0) return undefined;
  const scalar = scalarLike(node.inputs[0]!, value, context);
  if (!scalar) return 'its element type is unknown';
  node.graph.setInput(node, 2, scalar);
  return undefined;
}

function boundsToInputs(node: Node, { edit }: UpgradeContext): undefined {
  const axes = intsAttr(node, 'axes') ?? (intsAttr(node, 'starts') ?? []).map((_, axis) => axis);
  for (const [index, name] of [
    [1, 'starts'],
    [2, 'ends'],
  ] as const) {
    const attr = node.attrs.get(name);
    const values = attr?.type === 'INTS' ? attr.value : [];
    node.graph.setInput(node, index, edit.constant('', Tensor.int64([values.length], values)));
  }
  node.graph.setInput(node, 3, edit.constant('', Tensor.int64([axes.length], axes)));
  for (const name of ['starts', 'ends', 'axes']) drop(node, name);
}

function countToInput(node: Node, { edit }: UpgradeContext): undefined {
  node.graph.setInput(node, 1, edit.constant('', Tensor.int64([1], [intAttr(node, 'k') ?? 1])));
  drop(node, 'k');
}

/** Before version 18 outputs without sizes are equal parts, and so they are when their number is said. */
function countOutputs(node: Node): undefined {
  if (!node.inputs[1]) put(node, 'num_outputs', node.outputs.length);
}

/** Before version 13 everything from the axis on was one: the same when nothing but dims of 1 follows the axis. */
function flattenedToAxis(node: Node, { types }: UpgradeContext): string | undefined {
  const shape = types.shape(node.inputs[0]!);
  if (!shape) return 'the rank of its input is unknown';
  const given = intAttr(node, 'axis') ?? 1;
  const axis = given < 0 ? given + shape.length : given;
  const rest = shape.slice(axis);
  const moving = rest.flatMap((dim, i) => (dim === 1 ? [] : [i]));
  if (moving.length > 1) return 'it takes several axes as one';
  put(node, 'axis', axis + (moving[0] ?? 0));
  return undefined;
}

function renameModes(node: Node): undefined {
  const mode = stringAttr(node, 'mode') ?? 'bilinear';
  const renamed = mode === 'bilinear' ? 'linear' : mode === 'bicubic' ? 'cubic' : mode;
  put(node, 'mode', renamed);
}

function scalesToInput(node: Node, { edit }: UpgradeContext): undefined {
  const attr = node.attrs.get('scales');
  const scales = attr?.type === 'FLOATS' ? attr.value : [];
  node.graph.setInput(node, 1, edit.constant('', Tensor.float32([scales.length], scales)));
  drop(node, 'scales');
}

/** Version 10 samples at multiples of the scale, rounded down where it enlarges; what it rounds where it shrinks is not defined. */
function explicitSampling(node: Node): string | undefined {
  const [x, scales] = node.inputs;
  const factors = constantOf(scales)?.floats();
  if (!factors || factors.some((factor) => factor < 1)) return 'it is not known to enlarge';
  node.graph.setInputs(node, [x, undefined, scales]);
  put(node, 'coordinate_transformation_mode', 'asymmetric');
  put(node, 'nearest_mode', 'floor');
  return undefined;
}
