import {
  type AnyPattern,
  constantOf,
  type Edit,
  type Match,
  no,
  ok,
  type Rule,
  showShape,
  Tensor,
  type Value,
  type Verdict,
} from '#core';
import { centeredNorm } from './centered-norm.js';
import { mean } from './norms.js';
import { filled, reshaped } from './weights.js';

const { x, scale, bias, epsilon, ...norm } = centeredNorm(mean);

const common = { semantics: 'equivalent', minOpset: 17, dtypes: ['float32', 'float16', 'bfloat16'] } as const;

const affine: Rule = {
  ...common,
  name: 'layer-norm',
  summary: 'mean, variance, scale and bias become LayerNormalization',
  root: 'Add',
  pattern: norm.affine,
  check: (m) => check(m, [scale, bias]),
  rewrite: (m, b) => build(m, b, parameter(m, b, scale), parameter(m, b, bias)),
};

const scaleOnly: Rule = {
  ...common,
  name: 'layer-norm-without-bias',
  summary: 'mean, variance and scale become LayerNormalization',
  root: 'Mul',
  pattern: norm.scaled,
  check: (m) => check(m, [scale]),
  rewrite: (m, b) => build(m, b, parameter(m, b, scale)),
};

const plain: Rule = {
  ...common,
  name: 'layer-norm-without-scale',
  summary: 'mean and variance alone become LayerNormalization with a scale of ones',
  root: ['Div', 'Mul'],
  pattern: norm.plain,
  check: (m) => check(m, []),
  rewrite: (m, b) => build(m, b, ones(m, b)),
};

/** Layer normalization (Ba et al. 2016, arXiv:1607.06450, eq. 3–4) over the last axis, spelled out in primitives. */
export const LAYER_NORM_RULES: readonly Rule[] = [affine, scaleOnly, plain];

function lastDim(m: Match): number | undefined {
  const dim = m.shape(x)?.at(-1);
  return typeof dim === 'number' ? dim : undefined;
}

function check(m: Match, parameters: readonly AnyPattern[]): Verdict {
  const size = lastDim(m);
  if (size === undefined) return no('the size of the last axis is not known', m.get(x));
  for (const each of parameters) {
    const shape = m.shape(each) ?? [];
    const isRow = shape.at(-1) === size && shape.slice(0, -1).every((dim) => dim === 1);
    if (!isRow || shape.length > m.shape(x)!.length) {
      return no(`${each.label} must have shape [${size}], not ${showShape(shape)}`, m.get(each));
    }
    if (shape.length > 1 && !constantOf(m.get(each))) {
      return no(`${each.label} has shape ${showShape(shape)} and is not constant`, m.get(each));
    }
  }
  const number = Math.fround(m.get(epsilon));
  return number > 0 && Number.isFinite(number) ? ok : no(`epsilon must be a number above 0, not ${number}`);
}

/** The value of a parameter with shape `[D]`. */
function parameter(m: Match, b: Edit, pattern: AnyPattern): Value {
  const value = m.get(pattern);
  if (m.shape(pattern)?.length === 1) return value;
  return b.constant(value.hint || pattern.label, reshaped(constantOf(value)!, [lastDim(m)!]));
}

/** A scale of ones takes no more room than its size; whether it becomes a constant is for others to decide. */
function ones(m: Match, b: Edit): Value {
  const size = b.constant('size', Tensor.int64([1], [lastDim(m)!]));
  return b.node('ConstantOfShape', [size], { value: filled(m.dtype(x)!, [1], 1) }, { hint: 'ones' });
}

function build(m: Match, b: Edit, gamma: Value, beta?: Value): Value {
  return b.node('LayerNormalization', [m.get(x), gamma, beta], { axis: -1, epsilon: m.get(epsilon) });
}
