import {
  constant,
  isFloat,
  type Match,
  no,
  ok,
  op,
  type OpPattern,
  type Pass,
  type Pat,
  type Rule,
  rulePass,
  type Verdict,
} from '#core';
import { scaled } from '../_shared/weights.js';
import { bias, input, type InputChannels, type Kind, KINDS, weight } from './layers.js';

const c = constant('factor');

/** Products of float32 weights and factors up to here do not overflow unless the weights are absurd. */
const LARGE = 1e18;

interface Scaling {
  readonly name: string;
  over(value: Pat): OpPattern;
  factor(number: number): number;
}

const SCALINGS: readonly Scaling[] = [
  { name: 'multiplication', over: (value) => op.Mul(value, c), factor: (number) => number },
  { name: 'division', over: (value) => op.Div(value, c), factor: (number) => 1 / number },
];

/** The factor of each input channel; a text when the constant is not that, or widens the input. */
function factorsOf(m: Match, kind: Kind, channels: InputChannels, { factor }: Scaling): Float64Array | string {
  const tensor = m.get(c);
  const axis = kind.axisOf(m.get(weight));
  const shape = m.shape(input);
  const rank = shape?.length ?? kind.rankOf(m.get(weight));
  const fits =
    tensor.shape.length <= rank &&
    tensor.shape.every((dim, i) => dim === 1 || (i - tensor.shape.length === axis && dim === channels.count));
  if (!fits || (tensor.size !== 1 && shape?.at(axis) !== channels.count)) {
    return `the factor has shape [${tensor.shape.join(', ')}], not one number for each of ${channels.count} input channels`;
  }
  const numbers = tensor.floats();
  return Float64Array.from({ length: channels.count }, (_, i) => factor(numbers[numbers.length === 1 ? 0 : i]!));
}

function check(m: Match, kind: Kind, layer: OpPattern, scaling: Scaling): Verdict {
  const { dtype, shape, size } = m.get(weight);
  const isMatrix = kind.rankOf(m.get(weight)) <= 2;
  if (!isFloat(dtype) || size === 0 || (isMatrix && shape.length !== 2)) {
    return no(`the weight is ${dtype}[${shape.join(', ')}]`, m.value(weight));
  }
  const channels = kind.channels(m, layer);
  if (!channels) return no('the input is transposed', m.node(layer));
  const factors = factorsOf(m, kind, channels, scaling);
  if (typeof factors === 'string') return no(factors, m.value(c));
  const isSafe = dtype !== 'float16' && factors.every((factor) => Math.abs(factor) <= LARGE);
  return isSafe ? ok : no(`the new weight may not fit ${dtype}`, m.value(c));
}

function rule(kind: Kind, scaling: Scaling): Rule {
  const layer = kind.over(scaling.over(input));
  const name = kind.opType.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return {
    name: `${scaling.name}-into-${name}`,
    summary: `${kind.opType} takes the ${scaling.name} of its input by a constant`,
    root: kind.opType,
    minOpset: 7,
    pattern: layer,
    check: (m) => check(m, kind, layer, scaling),
    rewrite(m, edit) {
      const channels = kind.channels(m, layer)!;
      const factors = factorsOf(m, kind, channels, scaling) as Float64Array;
      const tensor = scaled(m.get(weight), factors, channels.channelOf);
      const inputs = [m.value(input), edit.constant(m.value(weight).hint, tensor), m.findValue(bias)];
      return edit.node(kind.opType, inputs, m.node(layer).attrs);
    },
  };
}

/** Factors on the input of a linear layer go into its weight. Zeros of padding stay zeros under a factor. */
export const foldPrecedingScale: Pass = rulePass({
  name: 'fold-preceding-scale',
  summary: 'Conv, ConvTranspose, Gemm and MatMul take constant factors on their input',
  semantics: 'equivalent',
  rules: KINDS.flatMap((kind) => SCALINGS.map((scaling) => rule(kind, scaling))),
});
