import { any, equal, ints, literal, type Match, no, ok, oneOf, op, type Pat, type Rule, scalar, type Verdict } from '#core';

const x = any('input');
const scale = any('scale');
const epsilon = scalar('epsilon');
const kept = (keepdims?: number): boolean => keepdims === 1;

/** The mean over one axis, which {@link checkAxis} holds to be the last; axes as attribute or as input. */
const meanOf = (value: Pat): readonly [attribute: Pat, input: Pat] => [
  op.ReduceMean(value, { keepdims: kept, axes: (axes) => axes?.length === 1 }),
  op.ReduceMean(value, lastAxis, { keepdims: kept }),
];
const lastAxis = oneOf(ints(-1), ints(1), ints(2), ints(3));

const [byAttribute, byInput] = meanOf(oneOf(op.Mul(x, x), op.Pow(x, literal(2))));
const mean = oneOf(byAttribute, byInput);
const meanSquare = op.Add(mean, epsilon);
const root = oneOf(op.Sqrt(meanSquare), op.Pow(meanSquare, literal(0.5)));
const normalized = oneOf(
  op.Div(x, root),
  op.Mul(x, op.Reciprocal(root)),
  op.Mul(x, op.Div(literal(1), root)),
  op.Mul(x, op.Pow(meanSquare, literal(-0.5))),
);

function check(m: Match): Verdict {
  const shape = m.shape(x);
  const gain = m.shape(scale);
  if (!shape) return no('the rank of the input is unknown');
  const reduce = m.node(m.has(byAttribute) ? byAttribute : byInput);
  const axis = axisOf(m);
  if (axis !== -1 && axis !== shape.length - 1) return no(`the mean is over axis ${axis}, not over the last`, reduce);
  if (gain?.length !== 1 || !equal(gain[0] ?? null, shape.at(-1) ?? null)) return no('the scale is not one number per channel');
  return m.get(epsilon) >= 0 ? ok : no('epsilon is negative');
}

function axisOf(m: Match): number | undefined {
  if (m.has(byInput)) return m.types.elements(m.value(lastAxis))?.elements[0] as number | undefined;
  const attr = m.node(byAttribute).attrs.get('axes');
  return attr?.type === 'INTS' ? Number(attr.value[0]) : undefined;
}

/** Root mean square normalization (Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4) in its parts, over the last axis. */
export const RMS_NORM_RULES: readonly Rule[] = [
  {
    name: 'fuse-rms-norm',
    summary: 'x / √(mean(x²) + ε) · scale',
    root: 'Mul',
    minOpset: 23,
    dtypes: ['float32'],
    pattern: op.Mul(normalized, scale),
    check,
    rewrite: (m, edit) =>
      edit.node('RMSNormalization', [m.value(x), m.value(scale)], { axis: -1, epsilon: m.get(epsilon) }),
  },
];
