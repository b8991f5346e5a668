import { floatAttr, intAttr, isOp, type Node, type Types, type Value } from '#core';
import { normalAxis } from './facts.js';
import { carrierOf } from './carriers.js';
import type { NormSite } from './norm-site.js';
import { staticArray } from './static-array.js';
import { refuse } from './weight-edit.js';

/** A norm over the last axis. */
export interface LastAxisNorm {
  /** `layer` takes the mean away first, `rms` does not. */
  readonly kind: 'layer' | 'rms';
  readonly epsilon: number;
}

const OPERATORS: Readonly<Record<string, LastAxisNorm['kind']>> = {
  LayerNormalization: 'layer',
  RMSNormalization: 'rms',
  SimplifiedLayerNormalization: 'rms',
};

/**
 * What a norm over the last axis is, operator or decomposed.
 * @throws ResonnxError `rewrite/refused` for every other norm
 */
export function describeNorm(norm: NormSite, types: Types): LastAxisNorm {
  const rank = types.shape(norm.input)?.length ?? refuse(norm.output, 'the rank of what is normalized is not known');
  if (isOp(norm.output.producer, 'Transpose')) refuse(norm.output, 'the norm is not over the last axis');
  for (const node of norm.nodes) {
    const kind = OPERATORS[node.opType];
    if (!kind) continue;
    if (normalAxis(intAttr(node, 'axis') ?? -1, rank) !== rank - 1) refuse(node, 'the norm is over several axes');
    return { kind, epsilon: Math.fround(floatAttr(node, 'epsilon') ?? 1e-5) };
  }
  return decomposed(norm, rank, types);
}

function decomposed(norm: NormSite, rank: number, types: Types): LastAxisNorm {
  const means = norm.nodes.filter((node) => isOp(node, 'ReduceMean'));
  const overLast = means.every((node) => {
    const carrier = carrierOf(node.outputs[0]!, rank - 1, types);
    return !carrier && (intAttr(node, 'keepdims') ?? 1) === 1;
  });
  const centres = norm.nodes.filter((node) => isOp(node, 'Sub') && isMeanOf(node.inputs[1]!, node.inputs[0]!));
  const epsilons = norm.nodes.flatMap((node) => epsilonOf(node, types) ?? []);
  const [epsilon] = epsilons;
  const known = means.length === (centres.length > 0 ? 2 : 1) && new Set(epsilons).size === 1;
  if (!overLast || !known || epsilon === undefined)
    return refuse(norm.output, 'the norm is not spelled as a layer or root mean square norm over the last axis');
  return { kind: centres.length > 0 ? 'layer' : 'rms', epsilon: Math.fround(epsilon) };
}

function throughCasts(value: Value): Value {
  let at = value;
  while (isOp(at.producer, 'Cast', 'CastLike', 'Identity')) at = at.producer.inputs[0]!;
  return at;
}

function isMeanOf(mean: Value, of: Value): boolean {
  const node = throughCasts(mean).producer;
  return isOp(node, 'ReduceMean') && throughCasts(node.inputs[0]!) === throughCasts(of);
}

/** The number that is added to a mean of squares. */
function epsilonOf(node: Node, types: Types): number | undefined {
  if (!isOp(node, 'Add')) return undefined;
  const [a, b] = node.inputs as readonly [Value, Value];
  const [mean, number] = isOp(throughCasts(a).producer, 'ReduceMean') ? [a, b] : [b, a];
  const elements = staticArray(number, types);
  if (!isOp(throughCasts(mean).producer, 'ReduceMean') || elements?.data.length !== 1) return undefined;
  return types.fact(number).tensor?.scalar() ?? Number(elements.data[0]);
}
