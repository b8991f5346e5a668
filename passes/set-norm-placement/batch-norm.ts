import {
  isOp,
  Locator,
  type Model,
  type Node,
  nodesBetween,
  type Operation,
  type OperationOptions,
  type PassContext,
  pathOf,
  recipeCodes,
  ResonnxError,
  type Value,
} from '#core';
import { type Addition, findAddition } from '../_shared/addition.js';
import { applyNorm, getNorm, type NormSite } from '../_shared/norm-site.js';
import { redirect } from '../_shared/readers.js';
import { sitesOf } from '../_shared/sites.js';
import type { PlacementOptions } from './options.js';

/** A basic block with two convolutions and two norms: `first` belongs to the first convolution, `second` to the second. */
export interface BasicBlock {
  readonly addition: Addition;
  readonly first: NormSite;
  readonly second: NormSite;
  /** What the activation behind the first norm gives: v1 feeds the second convolution with it, v2 the first. */
  readonly activated: Value;
  /** v2 only: what the activation behind the second norm gives. */
  readonly activatedSecond: Value | undefined;
  /** v1 only: what the activation behind the addition gives. */
  readonly trunk: Value | undefined;
}

/** The blocks that sites name, in the order of the model. @throws ResonnxError `rewrite/refused` when one is not a basic block */
export function findBlocks(locator: Locator, operation: Operation, isV1: boolean): readonly BasicBlock[] {
  const blocks = sitesOf(operation).map((site): BasicBlock => {
    const addition = findAddition(locator, site);
    const refuse = (why: string): never => {
      throw new ResonnxError([recipeCodes.refused({ path: pathOf(addition.node) }, why)]);
    };
    const norms = ['bn1_node', 'bn2_node'].map((key) => {
      const node = locator.findNode(site, key);
      return node ? getNorm(node.outputs[0]!) : refuse(`the site names no ${key}`);
    });
    const [first, second] = norms as [NormSite, NormSite];
    const activated = reluOf(first.output) ?? refuse('no Relu follows the first norm alone');
    if (!isV1) {
      if (first.input !== addition.skip) refuse('the first norm does not read the stream');
      const activatedSecond = reluOf(second.output) ?? refuse('no Relu follows the second norm alone');
      return { addition, first, second, activated, activatedSecond, trunk: undefined };
    }
    if (second.output !== addition.branch) refuse('the second norm does not end the branch');
    const trunk = reluOf(addition.sum) ?? refuse('no Relu alone follows the addition');
    return { addition, first, second, activated, activatedSecond: undefined, trunk };
  });
  const rank = new Map<Node, number>(blocks[0]?.addition.graph.topo().map((node, index) => [node, index]));
  return blocks.sort((a, b) => (rank.get(a.addition.node) ?? 0) - (rank.get(b.addition.node) ?? 0));
}

/** What the Relu gives that alone reads a value. */
function reluOf(value: Value): Value | undefined {
  const [use, ...others] = value.uses;
  return others.length === 0 && use?.kind === 'input' && isOp(use.node, 'Relu') ? use.node.outputs[0] : undefined;
}

/** A norm and a Relu behind the last block that no site names: where a v2 stage ends. */
export function stageEnd({ addition }: BasicBlock): { readonly norm: NormSite; readonly output: Value } | undefined {
  for (const use of addition.sum.uses) {
    if (use.kind !== 'input' || !isOp(use.node, 'BatchNormalization')) continue;
    const output = reluOf(use.node.outputs[0]!);
    if (output) return { norm: getNorm(use.node.outputs[0]!), output };
  }
  return undefined;
}

type Context = PassContext<OperationOptions>;

/** v1 → v2: y = x + conv₂(relu(bn₂(conv₁(relu(bn₁(x)))))); v2 → v1: y = relu(x + bn₂(conv₂(relu(bn₁(conv₁(x)))))). */
export function moveBatchNorms(model: Model, options: PlacementOptions, cx: Context): void {
  const toV2 = options.placement === 'full-preactivation';
  const blocks = findBlocks(new Locator(model), cx.options.operation, toV2);
  const end = toV2 ? undefined : stageEnd(blocks.at(-1)!);
  for (const block of blocks) {
    const isLast = block === blocks.at(-1);
    if (toV2) toPreActivation(block, isLast && options.tail !== 'none', cx);
    else toOriginal(block, cx);
  }
  const last = blocks.at(-1)!.addition.node;
  if (end && options.tail === 'none')
    cx.rewrite('drop-stage-end', last, (edit) => edit.replace(end.output, getNorm(end.norm.output).input));
}

function toPreActivation({ addition, activated, trunk, ...norms }: BasicBlock, keepTail: boolean, cx: Context): void {
  cx.rewrite('full-preactivation', addition.node, (edit) => {
    const [first, second] = [getNorm(norms.first.output), getNorm(norms.second.output)];
    const { skip, graph, node, branchIndex } = addition;
    const readers = nodesBetween(skip, first.input).filter((reader) => reader.inputs.includes(skip));
    const before = edit.node('Relu', [applyNorm(edit, first, skip)]);
    for (const reader of readers) replaceInput(reader, skip, before);
    const between = edit.node('Relu', [applyNorm(edit, second, first.input)]);
    graph.setInput(node, branchIndex, second.input);
    redirect([...activated.uses], between);
    if (!keepTail) edit.replace(trunk!, addition.sum);
  });
}

function toOriginal({ addition, activated, activatedSecond, ...norms }: BasicBlock, cx: Context): void {
  cx.rewrite('original', addition.node, (edit) => {
    const [first, second] = [getNorm(norms.first.output), getNorm(norms.second.output)];
    const { graph, node, branchIndex } = addition;
    const sumReaders = [...addition.sum.uses];
    redirect([...activated.uses], addition.skip);
    redirect([...activatedSecond!.uses], edit.node('Relu', [applyNorm(edit, first, second.input)]));
    graph.setInput(node, branchIndex, applyNorm(edit, second, addition.branch));
    redirect(sumReaders, edit.node('Relu', [addition.sum]));
  });
}

function replaceInput(node: Node, from: Value, to: Value): void {
  node.inputs.forEach((value, index) => value === from && node.graph.setInput(node, index, to));
}
