import {
  dependsOn,
  isOp,
  isStatic,
  Locator,
  type Model,
  type Node,
  nodesBetween,
  type Operation,
  type OperationPass,
  pathOf,
  recipeCodes,
  ResonnxError,
  Tensor,
  type Types,
  type Value,
  zeros,
} from '#core';
import { type Addition, findAdditions } from '../_shared/addition.js';
import { cloneNodes } from '../_shared/clone-nodes.js';
import { original } from '../_shared/facts.js';
import { redirect } from '../_shared/readers.js';
import { sitesOf } from '../_shared/sites.js';
import { staticArray } from '../_shared/static-array.js';

/** The additions of one layer: its input is the first skip, its output the last sum. */
type Layer = readonly [Addition, ...Addition[]];

/**
 * Behind each named layer comes a copy of it whose branches end in zeros: at first an identity (LLaMA Pro, Wu et al. 2024,
 * arXiv:2401.02415). The copy owns its parameters. Layers with a norm on the trunk have no such copy and are refused.
 */
export const grow: OperationPass = {
  name: 'grow',
  summary: 'insert copies of layers that are identities at first',
  semantics: 'identity-at-init',
  optionNames: ['after', 'zero', 'share', 'must_exist'],
  semanticsOf: () => 'identity-at-init',
  equations: () => ({ before: 'y = L(x)', after: "y = L'(L(x)), L'(z) = z + 0·F(z)" }),
  run(model: Model, cx) {
    for (const layer of findLayers(new Locator(model), cx.options.operation, cx.types)) {
      const input = layer[0].skip;
      const output = layer.at(-1)!.sum;
      cx.rewrite('grow', output.producer!, (edit) => {
        const readers = [...output.uses];
        const nodes = nodesBetween(input, output);
        const map = new Map([[input, output]]);
        for (const value of layer.flatMap((addition) => zeroedConstants(addition, cx.types)))
          map.set(value, edit.constant(`${value.hint}_zero`, zeroLike(value, cx.types)));
        const share = cx.options.operation.options['share'] === true;
        for (const value of constantsOf(nodes)) {
          if (!share && !map.has(value) && value.constant!.size > 1)
            map.set(value, edit.constant(`${value.hint}_copy`, value.constant!));
        }
        if (!cloneNodes(edit, nodes, map)) {
          const why = 'a node of the layer holds a body: it cannot be copied';
          throw new ResonnxError([recipeCodes.refused({ path: pathOf(output.producer!) }, why)]);
        }
        redirect(readers, map.get(output)!);
      });
    }
  },
};

function zeroLike(value: Value, types: Types): Tensor {
  const { dtype, shape } = value.constant ?? types.tensor(value) ?? {};
  if (dtype && shape?.every((dim) => typeof dim === 'number'))
    return Tensor.from(zeros(dtype, shape as readonly number[]));
  throw new ResonnxError([
    recipeCodes.refused({ path: 'main', slot: value.hint }, 'the shape of a weight is not known'),
  ]);
}

function constantsOf(nodes: readonly Node[]): ReadonlySet<Value> {
  const found = new Set<Value>();
  for (const node of nodes) for (const value of node.inputs) if (value?.constant) found.add(value);
  return found;
}

/** Sites by block, each a chain of additions without a norm on the trunk. @throws ResonnxError `rewrite/refused` */
function findLayers(locator: Locator, operation: Operation, types: Types): readonly Layer[] {
  const byBlock = new Map<unknown, Addition[]>();
  for (const addition of findAdditions(locator, sitesOf(operation))) {
    const list = byBlock.get(addition.block);
    if (list) list.push(addition);
    else byBlock.set(addition.block, [addition]);
  }
  return [...byBlock.values()].map((layer) => {
    const [{ node, skip, branch }] = layer as [Addition, ...Addition[]];
    if (!dependsOn(branch, skip)) {
      const why =
        'the branch does not read what the skip carries: a projected skip would not make the copy an identity';
      throw new ResonnxError([recipeCodes.refused({ path: pathOf(node) }, why)]);
    }
    layer.slice(1).forEach((addition, i) => {
      if (original(types, addition.skip) === layer[i]!.sum) return;
      const why =
        'something stands on the stream between the additions of the layer: a zero branch would not make it an identity';
      throw new ResonnxError([recipeCodes.refused({ path: pathOf(addition.node) }, why)]);
    });
    return layer as [Addition, ...Addition[]];
  });
}

/** Operators that a zero passes through unchanged. */
const TRANSPARENT = [
  'Identity',
  'Dropout',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Cast',
  'CastLike',
  'Flatten',
];
/** Inputs that hold weight and bias of the operators that end branches. */
const WRITERS: Readonly<Record<string, readonly number[]>> = {
  MatMul: [1],
  Gemm: [1, 2],
  Conv: [1, 2],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
  InstanceNormalization: [1, 2],
};

/** Constants that must be zero in the copy so that the branch is. @throws ResonnxError `rewrite/refused` when no writer is found */
function zeroedConstants(addition: Addition, types: Types): readonly Value[] {
  const isKnown = (value: Value): boolean => isStatic(value) || staticArray(value, types) !== undefined;
  const found: Value[] = [];
  for (let value = addition.branch; ;) {
    const node: Node | undefined = value.producer;
    const [a, b] = node?.inputs ?? [];
    if (isOp(node, ...TRANSPARENT) && a) value = a;
    else if (isOp(node, 'Add', 'Mul') && a && b && (isKnown(a) || isKnown(b))) {
      const [constant, other] = isKnown(a) ? [a, b] : [b, a];
      found.push(constant);
      if (node.opType === 'Mul') return found;
      value = other;
    } else if (isOp(node, ...Object.keys(WRITERS))) {
      const weights = WRITERS[node.opType]!.flatMap((index) => node.inputs[index] ?? []);
      if (weights.length > 0 && weights.every(isKnown)) return [...found, ...weights];
      break;
    } else break;
  }
  const why = 'the branch does not end in an operator with constant weights that could be zero';
  throw new ResonnxError([recipeCodes.refused({ path: pathOf(addition.node) }, why)]);
}
