import type { Node } from '../ir/node.js';
import type { Builder, OpSpec, Scope } from './builder.js';
import type { Norm, NormKind } from './norm-kind.js';
import { floatAttr, intAttr, intsAttr } from '../schema/read.js';
import { constantOf } from '../schema/constant.js';
import type { Val } from './view.js';

type Operands = readonly (Val | undefined)[];

interface NormSpec {
  readonly kind: NormKind;
  /** Places of the parameters among the inputs. */
  readonly parameters: readonly number[];
  /** Place of the normalized axis: an attribute, or fixed. */
  readonly axis?: 'attribute' | number;
}

const NORMS: ReadonlyMap<string, NormSpec> = new Map<string, NormSpec>([
  ['BatchNormalization', { kind: 'batch', parameters: [1, 2, 3, 4], axis: 1 }],
  ['InstanceNormalization', { kind: 'instance', parameters: [1, 2] }],
  ['LayerNormalization', { kind: 'layer', parameters: [1, 2], axis: 'attribute' }],
  ['com.microsoft.QOrderedLayerNormalization', { kind: 'layer', parameters: [1, 2], axis: 'attribute' }],
  ['RMSNormalization', { kind: 'rms', parameters: [1], axis: 'attribute' }],
  ['SimplifiedLayerNormalization', { kind: 'rms', parameters: [1], axis: 'attribute' }],
  ['com.microsoft.GatedRMSNorm', { kind: 'rms', parameters: [1, 2], axis: -1 }],
  ['com.microsoft.RMSNormRotary', { kind: 'rms', parameters: [1], axis: -1 }],
  ['com.microsoft.BranchwiseRMSNorm', { kind: 'rms', parameters: [1], axis: -1 }],
  ['GroupNormalization', { kind: 'group', parameters: [1, 2] }],
  ['com.microsoft.GroupNorm', { kind: 'group', parameters: [1, 2] }],
  ['LpNormalization', { kind: 'l2', parameters: [], axis: 'attribute' }],
  ['MeanVarianceNormalization', { kind: 'instance', parameters: [] }],
  ['LRN', { kind: 'lrn', parameters: [] }],
]);

/** Adds a norm that is one operator; gives `false` for those that hold more than a norm. */
export function lowerNorm(builder: Builder, node: Node, inputs: Operands, scope: Scope): boolean {
  const spec = NORMS.get(node.op);
  if (!spec) return false;
  const norm = makeNorm(node, spec, inputs);
  const activation = node.op === 'com.microsoft.GroupNorm' && intAttr(node, 'activation') === 1;
  const made: OpSpec = { kind: 'norm', inputs: inputs.slice(0, 1), norm };
  const first = builder.add(node, scope, { ...made, gives: activation ? undefined : node.outputs[0], like: inputs[0] });
  if (activation)
    builder.add(node, scope, { kind: 'pointwise', type: 'Swish', inputs: [first], gives: node.outputs[0] });
  for (const value of node.outputs.slice(1)) scope.values.set(value, builder.leaf(value, true));
  return true;
}

/** The norm that a fused operator holds. */
export function normOf(node: Node, kind: NormKind, parameters: Operands): Norm {
  return {
    kind,
    spelling: node.opType,
    axis: kind === 'group' ? 1 : -1,
    axes: undefined,
    epsilon: floatAttr(node, 'epsilon'),
    parameters: present(parameters),
    ops: [],
  };
}

function makeNorm(node: Node, spec: NormSpec, inputs: Operands): Norm {
  const axes = node.opType === 'MeanVarianceNormalization' ? (intsAttr(node, 'axes') ?? [0, 2, 3]) : undefined;
  const axis = spec.axis === 'attribute' ? (intAttr(node, 'axis') ?? -1) : spec.axis;
  return {
    kind:
      node.opType === 'GroupNormalization' || node.opType === 'GroupNorm'
        ? groupKind(node)
        : (axesKind(axes) ?? spec.kind),
    spelling: node.opType,
    axis: axis ?? axes?.[0],
    axes,
    epsilon: floatAttr(node, 'epsilon'),
    parameters: present(spec.parameters.map((index) => inputs[index])),
    ops: [],
  };
}

function axesKind(axes: readonly number[] | undefined): NormKind | undefined {
  if (!axes) return undefined;
  return axes.includes(0) ? 'batch' : axes.includes(1) || axes.includes(-1) ? 'layer' : 'instance';
}

/** With as many groups as channels it is an instance norm. */
function groupKind(node: Node): NormKind {
  const groups = intAttr(node, node.opType === 'GroupNorm' ? 'groups' : 'num_groups');
  const channels = constantOf(node.inputs[1])?.shape[0];
  const perGroup = node.domain === '' && (node.graph.opset('') ?? 21) < 21;
  return !perGroup && groups !== undefined && groups > 1 && groups === channels ? 'instance' : 'group';
}

function present(list: Operands): Val[] {
  return list.filter((val): val is Val => val !== undefined);
}
