import type { Node } from '../../src/ir/node.js';
import { pathOf } from '../../src/ir/path.js';
import type { Value } from '../../src/ir/value.js';
import { constantOf } from '../../src/schema/constant.js';
import { intAttr, isOp } from '../../src/schema/read.js';
import { DTYPES } from '../../src/tensor/dtype.js';
import { fromFloat64 } from '../../src/tensor/array.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { type Mutation, type Scene, toAttribute, toNode, toOperator } from './mutant.js';

const swapped = ({ opType, inputs: [a, b], attrs }: Node) => [opType, [b, a], Object.fromEntries(attrs)] as const;
const renamed =
  (names: Readonly<Record<string, string>>) =>
  ({ opType, inputs, attrs }: Node) =>
    [names[opType]!, inputs, Object.fromEntries(attrs)] as const;

/** Whether both operands are computed, and not shapes. */
function isComputed(node: Node, scene: Scene): boolean {
  return node.inputs.length === 2 && node.inputs.every((value) => value && !constantOf(value) && scene.isFloat(value));
}

function scalarOf(scene: Scene, value: Value, number: number): Tensor {
  return Tensor.from(fromFloat64(scene.types.dtype(value)!, [], [number]));
}

/** Lets the readers of a float value read it after a round trip through another type. */
function trip(to: string): (node: Node, scene: Scene) => (() => void) | undefined {
  return (node, scene) => {
    const value = node.outputs[0];
    const dtype = value && scene.types.dtype(value);
    if (!value || dtype !== 'float32' || value.uses.size === 0) return undefined;
    return () =>
      scene.after(value, node, (edit) => {
        const narrow = edit.node('Cast', [value], { to: DTYPES[to as 'float16'].onnx });
        return edit.node('Cast', [narrow], { to: DTYPES[dtype].onnx });
      });
  };
}

/** Whether a value is an operand of a product whose other operand it does not feed: a gate. */
function gateOf(node: Node): number | undefined {
  const index = node.inputs.findIndex((value) =>
    isOp(value?.producer, 'Sigmoid', 'HardSigmoid', 'Tanh', 'Softmax', 'Erf'),
  );
  return index < 0 ? undefined : index;
}

const FLOAT_RESULTS = [
  'MatMul',
  'Gemm',
  'Conv',
  'Add',
  'Mul',
  'Relu',
  'Softmax',
  'LayerNormalization',
  'Sigmoid',
  'Div',
];

/** Damage to arithmetic, comparisons and conversions. */
export const arithmetic: readonly Mutation[] = [
  toOperator('operands of Sub swapped', ['Sub'], (node, scene) => scene.isFloat(node.outputs[0]) && swapped(node)),
  toOperator('operands of Div swapped', ['Div'], (node, scene) => scene.isFloat(node.outputs[0]) && swapped(node)),
  toOperator('operands of Pow swapped', ['Pow'], (node, scene) => scene.types.dtype(node.inputs[0]!) === scene.types.dtype(node.inputs[1]!) && swapped(node)),
  toOperator('operands of MatMul swapped', ['MatMul'], (node, scene) => {
    const [a, b] = [scene.shape(node.inputs[0]), scene.shape(node.inputs[1])];
    return a !== undefined && a.join() === b?.join() && a.length > 1 && a.at(-1) === a.at(-2) && swapped(node);
  }),
  toOperator('operands of a comparison swapped', ['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'], swapped),
  toOperator('Sub in place of Add', ['Add'], (node, scene) => scene.isFloat(node.outputs[0]) && renamed({ Add: 'Sub' })(node)),
  toOperator('Div in place of Mul', ['Mul'], (node, scene) => scene.isFloat(node.outputs[0]) && renamed({ Mul: 'Div' })(node)),
  toOperator('Max and Min swapped', ['Max', 'Min'], renamed({ Max: 'Min', Min: 'Max' })),
  toOperator('Less for LessOrEqual', ['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'], (node) => (node.graph.opset('') ?? 0) >= 12 && renamed({ Less: 'LessOrEqual', LessOrEqual: 'Less', Greater: 'GreaterOrEqual', GreaterOrEqual: 'Greater' })(node)),
  toOperator('LessOrEqual in place of Equal', ['Equal'], (node, scene) => (node.graph.opset('') ?? 0) >= 12 && scene.types.dtype(node.inputs[0]!) !== 'bool' && renamed({ Equal: 'LessOrEqual' })(node)),
  toOperator('And and Or swapped', ['And', 'Or'], renamed({ And: 'Or', Or: 'And' })),
  toNode('Not dropped', ['Not'], (node, scene) => () => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!)),
  toNode('a condition of Where inverted', ['Where'], (node, scene) => () => scene.before(node, 0, (edit, value) => edit.node('Not', [value]))),
  toOperator('branches of Where swapped', ['Where'], ({ opType, inputs: [c, a, b] }) => [opType, [c, b, a]]),
  toNode('a residual dropped', ['Add'], (node, scene) => {
    if (!isComputed(node, scene)) return undefined;
    const kept = node.inputs[scene.random.integer(0, 1)]!;
    return scene.alike(kept, node.outputs[0]) ? () => scene.edit(node).replace(node.outputs[0]!, kept) : undefined;
  }),
  toNode('a residual scaled by 1.001', ['Add'], (node, scene) => {
    const value = node.inputs[0];
    if (!isComputed(node, scene) || !value) return undefined;
    return () => scene.before(node, 0, (edit) => edit.node('Mul', [value, edit.constant('', scalarOf(scene, value, scene.types.dtype(value) === 'float32' ? 1.001 : 1.05))]));
  }),
  toNode('the sign of a gate', ['Mul'], (node, scene) => {
    const index = gateOf(node);
    return index !== undefined && (() => scene.before(node, index, (edit, value) => edit.node('Neg', [value])));
  }),
  toNode('one minus a gate', ['Mul'], (node, scene) => {
    const index = gateOf(node);
    const gate = index === undefined ? undefined : node.inputs[index]!;
    if (index === undefined || !gate || !scene.isFloat(gate)) return undefined;
    return () => scene.before(node, index, (edit) => edit.node('Sub', [edit.constant('', scalarOf(scene, gate, 1)), gate]));
  }),
  toNode('rounded to float16', FLOAT_RESULTS, trip('float16')),
  toNode('truncated to integers', FLOAT_RESULTS, trip('int32')),
  toNode('a cast lost', ['Cast'], (node, scene) => {
    const [from, to] = [scene.types.dtype(node.inputs[0]!), scene.types.dtype(node.outputs[0]!)];
    const back = [...node.outputs[0]!.uses].find((use) => use.kind === 'input' && isOp(use.node, 'Cast') && scene.types.dtype(use.node.outputs[0]!) === from);
    if (back?.kind !== 'input' || from === to || !from || !to || DTYPES[to].bits >= DTYPES[from].bits && !(DTYPES[from].kind === 'float' && DTYPES[to].kind !== 'float')) return undefined;
    return () => scene.edit(back.node).replace(back.node.outputs[0]!, node.inputs[0]!);
  }),
  toNode('a float truncated in place of rounded', ['Round'], (node, scene) => () => {
    const value = node.inputs[0]!;
    const half = scene.edit(node).constant('', scalarOf(scene, value, 0.5));
    scene.instead(node, 'Floor', [scene.edit(node).node('Add', [value, half])]);
  }),
  toOperator('Floor and Ceil swapped', ['Floor', 'Ceil'], renamed({ Floor: 'Ceil', Ceil: 'Floor' })),
  toNode('an absolute value', FLOAT_RESULTS.filter((name) => name !== 'Relu' && name !== 'Sigmoid' && name !== 'Softmax'), (node, scene) => {
    const value = node.outputs[0];
    if (!value || !scene.isFloat(value) || [...value.uses].every((use) => use.kind === 'input' && isOp(use.node, 'Relu', 'Sqrt', 'Abs'))) return undefined;
    return () => scene.after(value, node, (edit) => edit.node('Abs', [value]));
  }),
  toNode('a lost sign', ['Neg'], (node, scene) => () => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!)),
  toNode('a square root dropped', ['Sqrt'], (node, scene) => () => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!)),
  toNode('a reciprocal dropped', ['Reciprocal'], (node, scene) => () => scene.edit(node).replace(node.outputs[0]!, node.inputs[0]!)),
  toNode('a zero no longer added', ['Add'], (node, scene) => {
    const index = node.inputs.findIndex((value) => constantOf(value)?.scalar() === 0 && scene.isFloat(value));
    const rest = node.inputs[1 - index];
    return index >= 0 && scene.alike(rest, node.outputs[0]) && (() => scene.edit(node).replace(node.outputs[0]!, rest!));
  }),
  toAttribute('fmod of Mod', ['Mod'], 'fmod', (node, scene) => (scene.isFloat(node.inputs[0]) ? undefined : 1 - (intAttr(node, 'fmod') ?? 0))),
  toNode('rounding of an integer division', ['Div'], (node, scene) => {
    const [a, b] = node.inputs;
    const dtype = a && scene.types.dtype(a);
    if (!a || !b || (dtype !== 'int64' && dtype !== 'int32') || constantOf(b)?.scalar() === 1) return undefined;
    return () => {
      const edit = scene.edit(node);
      const shifted = edit.node('Sub', [b, edit.constant('', scalarOf(scene, b, 1))]);
      scene.instead(node, 'Div', [edit.node('Add', [a, shifted]), b]);
    };
  }),
  {
    kind: 'integers cut to 32 bits',
    *places(scene) {
      for (const node of scene.nodes('Add', 'Mul', 'Sub', 'Identity', 'Neg', 'Abs')) {
        for (const [index, value] of node.inputs.entries()) {
          if (value?.def.kind !== 'input' || scene.types.dtype(value) !== 'int64') continue;
          const damage = (): void => scene.before(node, index, (edit) => edit.node('Cast', [edit.node('Cast', [value], { to: 6 })], { to: 7 }));
          yield { at: pathOf(node), damage };
        }
      }
    },
  },
]; // prettier-ignore
