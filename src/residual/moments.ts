import {
  hasOneUse,
  dataInputs,
  intsOf,
  intOf,
  type Op,
  scalarOf,
  shapeOf,
  tensorOf,
  type Val,
  type View,
} from './view.js';

/**
 * What a value is in terms of the moments of another one, `of`, over some axes: the vocabulary in which every spelling of a norm is the
 * same. `centered` tells whether the mean was taken off. A `deviation` is the root of a variance or of a mean of squares, or the
 * reciprocal of one. Products with parameters keep the form and are marked `gained`.
 */
export type Form =
  | { readonly kind: 'mean'; readonly of: Val; readonly axes: Axes; readonly sum: boolean }
  | { readonly kind: 'centered'; readonly of: Val; readonly axes: Axes }
  | { readonly kind: 'square'; readonly of: Val }
  | Moment
  | Deviation
  | { readonly kind: 'scaled'; readonly of: Val; readonly by: Deviation }
  | { readonly kind: 'shift'; readonly of: Val; readonly by: Deviation }
  | { readonly kind: 'normal'; readonly of: Val; readonly by: Deviation };

interface Moment {
  readonly kind: 'moment';
  readonly of: Val;
  readonly axes: Axes;
  readonly centered: boolean;
  readonly epsilon: number | undefined;
  /** Whether it is a plain sum, not divided by the number of elements. */
  readonly sum: boolean;
}

export interface Deviation {
  readonly kind: 'deviation';
  readonly of: Val;
  readonly axes: Axes;
  readonly centered: boolean;
  readonly epsilon: number | undefined;
  readonly sum: boolean;
  readonly inverse: boolean;
  /** Parameters that it was multiplied with. */
  readonly gain: readonly Val[];
}

/** Reduced axes as the model writes them; `undefined` stands for all. */
export type Axes = readonly number[] | undefined;

/** Finds forms in one pass through a view. */
export class Moments {
  readonly #view: View;
  readonly #forms = new Map<Val, Form>();

  constructor(view: View) {
    this.#view = view;
  }

  get(val: Val | undefined): Form | undefined {
    return val && this.#forms.get(val);
  }

  /** Takes an operation into account whose operands were; gives the form of its result. */
  see(op: Op): Form | undefined {
    const output = op.outputs[0];
    if (!output || output.constant || op.kind === 'norm') return undefined;
    const form = this.#infer(op);
    if (form) this.#forms.set(output, form);
    return form;
  }

  #infer(op: Op): Form | undefined {
    switch (op.type) {
      case 'ReduceMean':
      case 'ReduceSum':
      case 'ReduceSumSquare':
      case 'ReduceL2':
      case 'GlobalAveragePool':
        return this.#reduction(op);
      case 'Pow':
        return this.#power(op);
      case 'Sqrt':
        return rootOf(this.get(op.inputs[0]), false);
      case 'Reciprocal':
        return inverted(this.get(op.inputs[0]));
      case 'Neg':
      case 'Abs':
        return undefined;
      case 'Max':
      case 'Clip':
        return this.#floor(op);
      case 'Expand':
        return this.get(op.inputs[0]);
      default:
        if (op.kind === 'add') return this.#sum(op);
        if (op.kind === 'mul') return this.#product(op);
        if (op.kind === 'div') return this.#quotient(op);
        return op.kind === 'layout' ? this.#layout(op) : undefined;
    }
  }

  /** Statistics and differences from the mean stay what they are in another layout. */
  #layout(op: Op): Form | undefined {
    const form = this.get(op.inputs[0]);
    return form && form.kind !== 'square' && form.kind !== 'normal' && form.kind !== 'scaled' ? form : undefined;
  }

  #reduction(op: Op): Form | undefined {
    const x = op.inputs[0];
    if (!x) return undefined;
    const axes = op.type === 'GlobalAveragePool' ? [2, 3] : this.axesOf(op);
    if (op.type === 'ReduceSumSquare' || op.type === 'ReduceL2') {
      const moment = this.#moment(x, axes, true);
      return op.type === 'ReduceL2' ? rootOf(moment, false) : moment;
    }
    const form = this.get(x);
    if (form?.kind === 'square') return this.#moment(form.of, axes, op.type === 'ReduceSum');
    return { kind: 'mean', of: x, axes, sum: op.type === 'ReduceSum' };
  }

  /** The mean of squares of a value, which is a variance when the value is centered; the axes are those in which the mean was taken. */
  #moment(of: Val, axes: Axes, sum: boolean): Moment {
    const inner = this.get(of);
    if (inner?.kind === 'centered')
      return { kind: 'moment', of: inner.of, axes: inner.axes, centered: true, epsilon: undefined, sum };
    return { kind: 'moment', of, axes, centered: false, epsilon: undefined, sum };
  }

  axesOf(op: Op): Axes {
    const given = op.inputs[1] ? tensorOf(op.inputs[1])?.ints().map(Number) : intsOf(op, 'axes');
    if (!given || given.length === 0) return intOf(op, 'noop_with_empty_axes') === 1 ? [] : undefined;
    const rank = op.inputs[0] && shapeOf(this.#view, op.inputs[0])?.length;
    return rank === undefined ? given : given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  }

  #power(op: Op): Form | undefined {
    const [x, exponent] = [op.inputs[0], scalarOf(op.inputs[1])];
    if (!x) return undefined;
    if (exponent === 2) return { kind: 'square', of: x };
    if (exponent === 0.5) return rootOf(this.get(x), false);
    if (exponent === -0.5) return rootOf(this.get(x), true);
    return exponent === -1 ? inverted(this.get(x)) : undefined;
  }

  /** `max(x, epsilon)`. */
  #floor(op: Op): Form | undefined {
    const data = dataInputs(op);
    const form = data.length === 1 ? this.get(data[0]) : undefined;
    if (form?.kind !== 'moment' && form?.kind !== 'deviation') return undefined;
    const floor = op.inputs.filter((val) => val !== data[0]).map(scalarOf)[0];
    return { ...form, epsilon: form.epsilon ?? (floor === 0 ? undefined : floor) };
  }

  #sum(op: Op): Form | undefined {
    if (op.inputs.length !== 2) return undefined;
    const [a, b] = op.inputs as readonly [Val, Val];
    const minus = op.signs?.[1] === -1;
    if (a.constant !== b.constant) return this.#sumWithParameter(op, a.constant ? b : a, a.constant ? a : b);
    const [fa, fb] = [this.get(a), this.get(b)];
    if (minus && fb?.kind === 'mean' && !fb.sum && (fb.of === a || untransposed(fb.of) === untransposed(a)))
      return { kind: 'centered', of: fb.of, axes: fb.axes };
    if (minus && fa?.kind === 'moment' && !fa.centered && fb?.kind === 'square') {
      const mean = this.get(fb.of);
      if (mean?.kind === 'mean' && !mean.sum && mean.of === fa.of) return { ...fa, centered: true };
    }
    const [scaled, shift] = fa?.kind === 'scaled' ? [fa, fb] : [fb, fa];
    if (scaled?.kind === 'scaled' && shift?.kind === 'shift' && shift.of === scaled.of) {
      return { kind: 'normal', of: scaled.of, by: scaled.by };
    }
    return undefined;
  }

  /** Adding epsilon to a moment or a deviation; a shift `beta − mean · k`. */
  #sumWithParameter(op: Op, x: Val, parameter: Val): Form | undefined {
    const form = this.get(x);
    if (form?.kind === 'shift') return form;
    const minus = op.signs?.[1] === -1;
    if (minus || (form?.kind !== 'moment' && form?.kind !== 'deviation')) return undefined;
    if (form.kind === 'deviation' && form.inverse) return undefined;
    return { ...form, epsilon: form.epsilon ?? scalarOf(parameter) };
  }

  #product(op: Op): Form | undefined {
    const [a, b] = op.inputs;
    if (!a || !b) return undefined;
    if (a === b) return { kind: 'square', of: a };
    if (a.constant !== b.constant) return this.#productWithParameter(a.constant ? b : a, a.constant ? a : b);
    const [fa, fb] = [this.get(a), this.get(b)];
    if (fa?.kind === 'centered' && fb?.kind === 'centered' && fa.of === fb.of) return { kind: 'square', of: a };
    return this.#normal(a, fb) ?? this.#normal(b, fa);
  }

  #productWithParameter(x: Val, parameter: Val): Form | undefined {
    const form = this.get(x);
    switch (form?.kind) {
      case 'mean':
      case 'moment':
        return { ...form, sum: false };
      case 'deviation':
        return isScalar(parameter) ? { ...form, sum: false } : { ...form, gain: [...form.gain, parameter] };
      case 'shift':
        return form;
      default:
        return undefined;
    }
  }

  #quotient(op: Op): Form | undefined {
    const [a, b] = op.inputs;
    if (!a || !b) return undefined;
    const divisor = this.get(b);
    if (b.constant) return this.#divided(a);
    if (a.constant) return inverted(divisor);
    return divisor?.kind === 'deviation' ? this.#normal(a, inverted(divisor)) : undefined;
  }

  /** A sum divided by the number of elements is a mean; a variance stays one. */
  #divided(x: Val): Form | undefined {
    const form = this.get(x);
    return form?.kind === 'mean' || form?.kind === 'moment' || form?.kind === 'deviation'
      ? { ...form, sum: false }
      : undefined;
  }

  /** `x` times the reciprocal of a deviation: a norm when the deviation is that of `x`. */
  #normal(x: Val, by: Form | undefined): Form | undefined {
    if (by?.kind !== 'deviation' || !by.inverse) return undefined;
    const form = this.get(x);
    if (!by.centered) return uncentered(x, by);
    if (form?.kind === 'centered') return form.of === by.of ? { kind: 'normal', of: by.of, by } : undefined;
    if (form?.kind === 'mean') return form.of === by.of ? { kind: 'shift', of: by.of, by } : undefined;
    return by.of === x ? { kind: 'scaled', of: x, by } : undefined;
  }
}

/** `x` or a parameter times `x` (ScaleNorm, arXiv:1910.05895, eq. 5) over the length of `x`. */
function uncentered(x: Val, by: Deviation): Form | undefined {
  if (by.of === x) return { kind: 'normal', of: x, by };
  const scaled = x.op?.kind === 'mul' && hasOneUse(x) ? x.op.inputs : [];
  const gain = scaled.find((val) => val?.constant);
  return gain && scaled.includes(by.of)
    ? { kind: 'normal', of: by.of, by: { ...by, gain: [...by.gain, gain] } }
    : undefined;
}

/** A value before its axes were put into another order. */
function untransposed(val: Val): Val {
  let at = val;
  while (at.op?.type === 'Transpose' && at.op.inputs[0]) at = at.op.inputs[0];
  return at;
}

function rootOf(form: Form | undefined, inverse: boolean): Form | undefined {
  if (form?.kind !== 'moment') return undefined;
  const { of, axes, centered, epsilon, sum } = form;
  return { kind: 'deviation', of, axes, centered, epsilon, sum, inverse, gain: [] };
}

function inverted(form: Form | undefined): Form | undefined {
  return form?.kind === 'deviation' ? { ...form, inverse: !form.inverse } : undefined;
}

function isScalar(val: Val): boolean {
  return tensorOf(val)?.size === 1;
}
