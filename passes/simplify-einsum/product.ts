import { type Shape, type Value } from '#core';
import { sameDim } from '../_shared/facts.js';

/** An operand of Einsum with the labels of its axes. */
export interface Term {
  readonly labels: readonly string[];
  readonly value: Value;
  readonly shape: Shape | undefined;
  readonly isConstant: boolean;
}

/** An operand of MatMul; a constant matrix may be transposed, which costs nothing. */
interface Operand {
  readonly value: Value;
  readonly turned: boolean;
}

/** The operands of the MatMul that sums over the one label that the output does not have. */
export function findProduct(
  terms: readonly Term[],
  output: readonly string[],
): { readonly left: Operand; readonly right: Operand } | undefined {
  const [a, b] = terms as readonly [Term, Term];
  const summed = [...new Set([...a.labels, ...b.labels])].filter((label) => !output.includes(label));
  const [label] = summed;
  if (label === undefined || summed.length > 1 || !a.labels.includes(label) || !b.labels.includes(label))
    return undefined;
  if (!sameDim(sizeOf(a, label), sizeOf(b, label))) return undefined;
  return productOf(a, b, label, output) ?? productOf(b, a, label, output);
}

function sizeOf({ labels, shape }: Term, label: string): Shape[number] {
  return shape?.[labels.indexOf(label)] ?? null;
}

function productOf(
  a: Term,
  b: Term,
  label: string,
  output: readonly string[],
): { left: Operand; right: Operand } | undefined {
  const left = place(a, label, 'last');
  const right = place(b, label, 'first');
  if (!left || !right) return undefined;
  if (left.lead.length > 0 && right.lead.length > 0 && left.lead.join() !== right.lead.join()) return undefined;
  const lead = left.lead.length > 0 ? left.lead : right.lead;
  const own = [...left.own, ...right.own];
  if (new Set([...lead, ...own]).size !== lead.length + own.length) return undefined;
  return [...lead, ...own].join() === output.join() ? { left: left.operand, right: right.operand } : undefined;
}

interface Placed {
  readonly lead: readonly string[];
  /** The axis of its own that a matrix has; a vector has none. */
  readonly own: readonly string[];
  readonly operand: Operand;
}

/** Where the summed axis is to be the last of the matrix, or the first of its two. */
function place({ labels, value, isConstant }: Term, label: string, where: 'first' | 'last'): Placed | undefined {
  if (labels.length === 1) return { lead: [], own: [], operand: { value, turned: false } };
  const lead = labels.slice(0, -2);
  const matrix = labels.slice(-2);
  const own = matrix.filter((each) => each !== label);
  if (own.length !== 1) return undefined;
  const isInPlace = matrix.indexOf(label) === (where === 'last' ? 1 : 0);
  if (!isInPlace && !(isConstant && lead.length === 0)) return undefined;
  return { lead, own, operand: { value, turned: !isInPlace } };
}
