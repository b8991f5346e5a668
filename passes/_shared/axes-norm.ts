import {
  type AnyPattern,
  constantOf,
  type Edit,
  integers,
  intsAttr,
  type Match,
  no,
  ok,
  op,
  optional,
  type Pat,
  type Rule,
  type Shape,
  Tensor,
  type Value,
  type Verdict,
} from '#core';
import { centeredNorm } from './centered-norm.js';
import { knownInts, normalAxis } from './facts.js';
import { filled, reshaped } from './weights.js';

const mean = (x: Pat): Pat => op.ReduceMean(x, optional(integers('axes')), { keepdims: (keep?: number) => keep === 1 });
const { x, scale, bias, epsilon, means, ...norm } = centeredNorm(mean);

/** What a norm becomes, and the shape that its parameters have when they vary along the normalized axes or the channels. */
interface Form {
  readonly kind: 'instance' | 'layer' | 'turned';
  /** Counted from the front. */
  readonly axes: readonly number[];
  /** Of scale and bias. */
  readonly sizes: readonly number[];
  /** Shape of parameters that fit, as they stand beside the input. */
  readonly beside: readonly number[];
}

function axesOf(m: Match, pattern: Pat): readonly number[] | undefined {
  const node = m.node(pattern);
  const rank = m.shape(x)?.length;
  const axes = node.inputs[1] ? knownInts(m.types, node.inputs[1]) : intsAttr(node, 'axes');
  const normal = axes?.map((axis) => (rank === undefined ? undefined : normalAxis(axis, rank)));
  if (!normal || normal.length === 0 || !normal.every((axis) => axis !== undefined)) return undefined;
  return [...new Set(normal as number[])].sort((a, b) => a - b);
}

/** What the norm of a match becomes; a text says why it stays. */
function formOf(m: Match): Form | string {
  const shape = m.shape(x);
  const [axes, others] = means.map((each) => axesOf(m, each));
  if (!shape || !axes || !others) return 'axes are not known';
  if (axes.join() !== others.join()) return 'mean and variance are over different axes';
  const rank = shape.length;
  const isTrailing = axes.every((axis, at) => axis === rank - axes.length + at);
  if (isTrailing && axes.length === 1) return 'the norm over the last axis is for fuse-layer-norm';
  if (isTrailing && axes.length === rank - 2) return instanceForm(shape, axes);
  if (isTrailing) return layerForm(shape, axes);
  return axes.length === 1 ? turnedForm(shape, axes[0]!) : 'the axes are neither the last ones nor one alone';
}

function instanceForm(shape: Shape, axes: readonly number[]): Form | string {
  const channels = shape[1];
  if (typeof channels !== 'number' || channels === 0) return 'the number of channels is not known';
  return { kind: 'instance', axes, sizes: [channels], beside: [channels, ...axes.map(() => 1)] };
}

function layerForm(shape: Shape, axes: readonly number[]): Form | string {
  const sizes = axes.map((axis) => shape[axis]);
  if (!sizes.every((size) => typeof size === 'number' && size > 0)) return 'the normalized sizes are not known';
  return { kind: 'layer', axes, sizes: sizes as readonly number[], beside: sizes as readonly number[] };
}

function turnedForm(shape: Shape, axis: number): Form | string {
  const size = shape[axis];
  if (typeof size !== 'number' || size === 0) return 'the normalized size is not known';
  return { kind: 'turned', axes: [axis], sizes: [size], beside: [size, ...shape.slice(axis + 1).map(() => 1)] };
}

function check(m: Match, parameters: readonly AnyPattern[]): Verdict {
  const form = formOf(m);
  if (typeof form === 'string') return no(form, m.get(x));
  const number = Math.fround(m.get(epsilon));
  if (!(number > 0 && Number.isFinite(number))) return no(`epsilon must be a number above 0, not ${number}`);
  for (const each of parameters) {
    const tensor = constantOf(m.get(each));
    if (!tensor) return no(`${each.label} is not constant`, m.get(each));
    const extra = tensor.shape.length - form.beside.length;
    const fits =
      extra >= 0 &&
      tensor.shape.length <= m.shape(x)!.length &&
      tensor.shape.slice(extra).join() === form.beside.join();
    if (!fits || tensor.shape.slice(0, extra).some((dim) => dim !== 1))
      return no(`${each.label} has shape [${tensor.shape.join(', ')}], not [${form.beside.join(', ')}]`, m.get(each));
  }
  return ok;
}

function parameter(m: Match, edit: Edit, pattern: AnyPattern, { sizes }: Form): Value {
  const value = m.get(pattern);
  const tensor = constantOf(value)!;
  return tensor.shape.length === sizes.length ? value : edit.constant(value.hint, reshaped(tensor, sizes));
}

/** Ones or zeros that take no more room than their size; whether they become a constant is for others to decide. */
function repeated(m: Match, edit: Edit, { sizes }: Form, number: number): Value {
  const size = edit.constant('size', Tensor.int64([sizes.length], sizes));
  return edit.node('ConstantOfShape', [size], { value: filled(m.dtype(x)!, [1], number) });
}

function build(m: Match, edit: Edit, parameters: readonly AnyPattern[]): Value {
  const form = formOf(m) as Form;
  const [first, second] = parameters.map((each) => parameter(m, edit, each, form));
  const gamma = first ?? repeated(m, edit, form, 1);
  const input = m.get(x);
  const number = m.get(epsilon);
  switch (form.kind) {
    case 'instance': {
      const beta = second ?? repeated(m, edit, form, 0);
      return edit.node('InstanceNormalization', [input, gamma, beta], { epsilon: number });
    }
    case 'layer':
      return edit.node('LayerNormalization', [input, gamma, second], { axis: -form.axes.length, epsilon: number });
    case 'turned': {
      const rank = m.shape(x)!.length;
      const [axis] = form.axes as readonly [number];
      const perm = [...Array(rank).keys()].filter((each) => each !== axis).concat(axis);
      const turned = edit.node('Transpose', [input], { perm });
      const made = edit.node('LayerNormalization', [turned, gamma, second], { axis: -1, epsilon: number });
      return edit.node('Transpose', [made], { perm: perm.map((_, each) => perm.indexOf(each)) });
    }
  }
}

const common = { minOpset: 17, dtypes: ['float32'] } as const;

/** Norms over other axes than the last, spelled out in primitives. */
export const AXES_NORM_RULES: readonly Rule[] = [
  {
    ...common,
    name: 'axes-norm',
    summary: 'mean, variance, scale and bias over other axes than the last become one norm',
    root: 'Add',
    pattern: norm.affine,
    check: (m) => check(m, [scale, bias]),
    rewrite: (m, edit) => build(m, edit, [scale, bias]),
  },
  {
    ...common,
    name: 'axes-norm-without-bias',
    summary: 'mean, variance and scale over other axes than the last become one norm',
    root: 'Mul',
    pattern: norm.scaled,
    check: (m) => check(m, [scale]),
    rewrite: (m, edit) => build(m, edit, [scale]),
  },
  {
    ...common,
    name: 'axes-norm-without-scale',
    summary: 'mean and variance over other axes than the last become one norm with a scale of ones',
    root: ['Div', 'Mul'],
    pattern: norm.plain,
    check: (m) => check(m, []),
    rewrite: (m, edit) => build(m, edit, []),
  },
];
