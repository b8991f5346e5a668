import {
  any,
  equal,
  isOp,
  type Match,
  no,
  ok,
  oneOf,
  op,
  type Rule,
  scalar,
  showShape,
  type Value,
  type Verdict,
} from '#core';
import { inverseSquareRoot, mean, square, squareRoot } from './norms.js';

const x = any('input');
const scale = any('scale');
const epsilon = scalar('epsilon');
const shifted = op.Add(mean(square(x)), epsilon);
const inverse = inverseSquareRoot(shifted);
const normalized = oneOf(op.Div(x, squareRoot(shifted)), op.Mul(x, inverse));

/** Whether a value is another one less its own mean: what is left to do then is layer normalization. */
function isCentered(value: Value): boolean {
  const [minuend, subtrahend] = isOp(value.producer, 'Sub') ? value.producer.inputs : [];
  const average = subtrahend?.producer;
  return isOp(average, 'ReduceMean') && average.inputs[0] === minuend;
}

function check(m: Match): Verdict {
  if (isCentered(m.get(x))) return no('what is divided is centered: this is layer normalization', m.get(x));
  const size = m.shape(x)?.at(-1) ?? null;
  const shape = m.shape(scale);
  if (shape?.length !== 1 || !equal(shape[0] ?? null, size)) {
    return no(
      `${scale.label} must have one number per channel, not shape ${shape ? showShape(shape) : 'unknown'}`,
      m.value(scale),
    );
  }
  const number = Math.fround(m.get(epsilon));
  return number >= 0 && Number.isFinite(number) ? ok : no(`epsilon must not be negative: ${number}`);
}

/** Root mean square normalization (Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4) over the last axis, spelled out in primitives. */
export const RMS_NORM_RULES: readonly Rule[] = [
  {
    name: 'rms-norm',
    summary: 'root mean square and scale become RMSNormalization',
    root: 'Mul',
    minOpset: 23,
    dtypes: ['float32'],
    pattern: oneOf(op.Mul(normalized, scale), op.Mul(x, op.Mul(inverse, scale))),
    check,
    rewrite: (m, edit) =>
      edit.node('RMSNormalization', [m.value(x), m.value(scale)], { axis: -1, epsilon: m.get(epsilon) }),
  },
];
