import {
  isOp,
  Locator,
  type Model,
  type Node,
  type Operation,
  type OperationOptions,
  type PassContext,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  dependsOn,
} from '#core';
import { batchNormAffine } from '../_shared/batch-norm.js';
import { diagonal } from '../_shared/feature-map.js';
import { readThrough } from '../_shared/fold-readers.js';
import { refuse, type Weights } from '../_shared/weight-edit.js';
import { writeThrough } from '../_shared/writers.js';
import { staticArray } from '../_shared/static-array.js';
import type { Fold } from './index.js';

type Context = PassContext<OperationOptions>;
type Direction = 'backward' | 'forward';

/** A BatchNormalization with the ways to fold it, in the order of preference. */
interface Request {
  readonly node: Node;
  readonly directions: readonly Direction[];
  /** Whether it is refused when it cannot be folded; else it stays. */
  readonly mustFold: boolean;
}

/** Folds the named BatchNormalization operators, or all where nothing is named, into the linear operators in front or behind. */
export function foldBatchNorms(model: Model, what: Exclude<Fold, 'norm-affine'>, cx: Context): void {
  const requests = requestsOf(model, what, cx.options.operation);
  let folded = 0;
  let reason: ResonnxError | undefined;
  for (const { node, directions, mustFold } of requests) {
    const failed = foldOne(node, directions, cx);
    if (!failed) folded++;
    else if (mustFold) throw failed;
    else {
      reason ??= failed;
      cx.decline('batch-norm', node, failed.message);
    }
  }
  if (folded > 0) return;
  throw reason ?? new ResonnxError([recipeCodes.refused({ path: 'main' }, 'there is no BatchNormalization to fold')]);
}

function foldOne(node: Node, directions: readonly Direction[], cx: Context): ResonnxError | undefined {
  let failed: ResonnxError | undefined;
  for (const direction of directions) {
    try {
      cx.rewrite(`batch-norm-${direction}`, node, (edit) => {
        const w: Weights = { edit, types: cx.types, made: new Map(), alone: true };
        if (direction === 'backward') foldBackward(w, node, cx);
        else foldForward(w, node, cx);
      });
      return undefined;
    } catch (cause) {
      if (!(cause instanceof ResonnxError)) throw cause;
      failed ??= cause;
    }
  }
  return failed;
}

function foldBackward(w: Weights, node: Node, cx: Context): void {
  const input = node.inputs[0]!;
  const isSum =
    isOp(input.producer, 'Add', 'Sum', 'Sub') &&
    input.producer.inputs.every((operand) => !staticArray(operand!, cx.types));
  if (isSum && (input.uses.size > 1 || cx.options.operation.options['through_add'] === false))
    refuse(node, 'the norm reads a sum that others read as well');
  const { scale, shift } = batchNormAffine(node, cx.types);
  w.edit.replace(node.outputs[0]!, writeThrough(w, input, 1, { map: diagonal(scale), shift }));
}

function foldForward(w: Weights, node: Node, cx: Context): void {
  const { scale, shift } = batchNormAffine(node, cx.types);
  const old = node.outputs[0]!;
  if (old.uses.size === 0) refuse(node, 'nothing reads the norm');
  const padding = cx.options.operation.options['padding'] === 'exact' ? 'border' : 'refuse';
  const at = { old, next: node.inputs[0]!, axis: 1, map: diagonal(scale), shift };
  readThrough(w, at, [...old.uses], { others: 'refuse', padding });
}

function requestsOf(model: Model, what: Exclude<Fold, 'norm-affine'>, operation: Operation): readonly Request[] {
  const locator = new Locator(model);
  const { sites } = operation.targets;
  if (!sites || sites.length === 0) {
    const all = [...model.graphs()].flatMap((graph) => graph.topo().filter((node) => isOp(node, 'BatchNormalization')));
    return all.map((node) => ({ node, directions: directionsOf(what), mustFold: false }));
  }
  return sites.flatMap((site) => siteRequests(locator, site, what));
}

function siteRequests(locator: Locator, site: TargetSite, what: Exclude<Fold, 'norm-affine'>): readonly Request[] {
  const names = Array.isArray(site['fold']) ? site['fold'].filter((name) => typeof name === 'string') : [];
  const keys = ['bn_node', 'bn1_node', 'bn2_node'].filter((key) => typeof site[key] === 'string');
  const nodes = [
    ...names.map((name) => locator.node(name, locator.graph(site), 'fold')),
    ...keys.flatMap((key) => locator.findNode(site, key) ?? []),
  ];
  if (nodes.length === 0) {
    const what2 = 'a site names the norm to fold with bn_node, or several with fold';
    throw new ResonnxError([recipeCodes.recipeMalformed({ path: 'targets' }, what2)]);
  }
  return nodes.map((node) => {
    if (node.opType !== 'BatchNormalization' || node.domain !== '') {
      const why = `${node.op} is not a BatchNormalization`;
      throw new ResonnxError([recipeCodes.refused({ path: pathOf(node), op: node.op }, why)]);
    }
    return { node, directions: neighbour(locator, site, node) ?? directionsOf(what), mustFold: true };
  });
}

/** The side on which the linear operator stands that the site names. @throws ResonnxError `recipe/target-ambiguous` */
function neighbour(locator: Locator, site: TargetSite, node: Node): readonly Direction[] | undefined {
  const linear =
    locator.findValue(site, 'linear_output') ??
    locator.findValue(site, 'conv_output') ??
    locator.findNode(site, 'conv_node')?.outputs[0];
  if (!linear) return undefined;
  if (dependsOn(node.outputs[0]!, linear)) return ['backward'];
  if (dependsOn(linear, node.outputs[0]!)) return ['forward'];
  const why = `"${linear.hint}" and the norm do not depend on each other`;
  throw new ResonnxError([recipeCodes.targetAmbiguous({ path: pathOf(node) }, why, [linear.hint])]);
}

function directionsOf(what: Exclude<Fold, 'norm-affine'>): readonly Direction[] {
  if (what === 'conv-bn') return ['backward'];
  return what === 'bn-conv' ? ['forward'] : ['backward', 'forward'];
}
