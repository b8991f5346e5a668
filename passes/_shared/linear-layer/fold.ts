import {
  type Edit,
  isFloat,
  type Match,
  no,
  ok,
  type Pat,
  type Rule,
  showShape,
  type Tensor,
  type Verdict,
} from '#core';
import { isFinite, scaled, vector } from '../weights.js';
import { biasNumbers, isRow } from './bias.js';
import { bias, input, LAYER_KINDS, type LayerKind, type Parameters, weight } from './layers.js';

/** Products of float32 weights and factors up to here do not overflow unless the weights are absurd. */
const LARGE_FACTOR = 1e18;

/** What is done to the output channels of a layer: y = factors[c]·x + shifts[c]. */
export interface Affine {
  readonly factors: Float64Array;
  readonly shifts: Float64Array;
}

/** Output of a layer, as far as an affine behind it needs to know. */
export interface LayerOutput {
  readonly channels: number;
  readonly axis: number;
  readonly rank: number;
}

/** Something that is an affine per channel behind a layer. */
export interface AffineSource {
  /** As part of rule names. */
  readonly name: string;
  readonly summary: string;
  readonly root: string | readonly string[];
  pattern(layer: Pat): Pat;
  /** What it does to a layer with this output; a reason when it does something else. */
  affineOf(m: Match, output: LayerOutput): Affine | string;
}

/** One rule per kind of layer that lets the affine behind it disappear into weight and bias. */
export function foldingRules(source: AffineSource): readonly Rule[] {
  return LAYER_KINDS.map((kind) => foldingRule(source, kind));
}

function foldingRule(source: AffineSource, kind: LayerKind): Rule {
  return {
    name: `${source.name}-into-${kind.name}`,
    summary: `${kind.summary} takes ${source.summary} that follows it`,
    root: source.root,
    ...(kind.minOpset !== undefined && { minOpset: kind.minOpset }),
    pattern: source.pattern(kind.pattern),
    check: (m) => check(m, source, kind),
    rewrite: (m, b) => kind.build(m, b, newParameters(m, b, kind, affineOf(m, source, kind) as Affine)),
  };
}

function affineOf(m: Match, source: AffineSource, kind: LayerKind): Affine | string {
  return source.affineOf(m, { channels: kind.channels(m).count, ...kind.output(m) });
}

function check(m: Match, source: AffineSource, kind: LayerKind): Verdict {
  const { dtype, shape, size } = m.get(weight);
  if (!isFloat(dtype) || size === 0) return no(`the weight is ${dtype}${showShape(shape)}`, m.value(weight));
  if (kind.name === 'matmul' && shape.length !== 2)
    return no(`the weight has rank ${shape.length}, not 2`, m.value(weight));
  if (kind.name === 'matmul' && !m.shape(input)) return no('the shape of what the product reads is unknown');
  const { count } = kind.channels(m);
  const old = m.findValue(bias);
  if (old && !biasNumbers(old)) return no(`${bias.label} is not constant`, old);
  if (old && !isRow(m.shape(bias), count)) {
    return no(`the bias has shape ${showShape(m.shape(bias) ?? [])}, not [${count}]`, old);
  }
  const affine = affineOf(m, source, kind);
  return typeof affine === 'string' ? no(affine) : checkNumbers(m, kind, affine);
}

function checkNumbers(m: Match, kind: LayerKind, affine: Affine): Verdict {
  const { dtype } = m.get(weight);
  const { factors, shifts } = affine;
  if (!factors.every(Number.isFinite) || !shifts.every(Number.isFinite)) return no('factor or shift is not finite');
  if (!m.has(bias) && shifts.some((shift) => shift !== 0) && !kind.takesBias(m))
    return no('there is no bias to add to');
  if (!newBias(m, kind, affine)) return no(`the new bias does not fit ${dtype}`);
  const isRisky = dtype === 'float16' || factors.some((factor) => Math.abs(factor) > LARGE_FACTOR);
  return !isRisky || isFinite(newWeight(m, kind, affine)) ? ok : no(`the new weight does not fit ${dtype}`);
}

/** W·k per output channel; computed when it is read. */
function newWeight(m: Match, kind: LayerKind, { factors }: Affine): Tensor {
  return scaled(m.get(weight), factors, kind.channels(m).of);
}

/** b·k + shift; `undefined` when it does not fit the dtype. */
function newBias(m: Match, kind: LayerKind, { factors, shifts }: Affine): Tensor | undefined {
  const value = m.findValue(bias);
  const known = value && biasNumbers(value);
  const strength = kind.biasFactor(m);
  const at = (channel: number): number => known?.[known.length === 1 ? 0 : channel] ?? 0;
  const numbers = shifts.map((shift, channel) => strength * at(channel) * factors[channel]! + shift);
  return vector(m.get(weight).dtype, numbers);
}

function newParameters(m: Match, b: Edit, kind: LayerKind, affine: Affine): Parameters {
  const old = m.findValue(bias);
  const name = m.value(weight).hint;
  const keeps = affine.factors.every((factor) => factor === 1);
  const needsBias = old !== undefined || affine.shifts.some((shift) => shift !== 0);
  return {
    weight: keeps ? m.value(weight) : b.constant(name, newWeight(m, kind, affine)),
    bias: needsBias ? b.constant(old?.constant ? old.hint : `${name}_bias`, newBias(m, kind, affine)!) : undefined,
  };
}
