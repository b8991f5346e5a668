import type { Dim } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';

/** The terms of an Einsum equation: labels of each operand and of the output; `...` stands as one label. */
export interface EinsumEquation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

const ELLIPSIS = '...';

/**
 * Reads `ij,jk->ik`, `...ij->...i` and the like; spaces mean nothing. Without an arrow the output has the ellipsis, then the
 * labels that occur once, in the order of their code points. `undefined` when the text is no equation. Einsum 12, 28.
 */
export function parseEinsum(equation: string): EinsumEquation | undefined {
  const [left, right, ...rest] = equation.replaceAll(' ', '').split('->');
  if (left === undefined || rest.length > 0) return undefined;
  const operands: (readonly string[])[] = [];
  for (const term of left.split(',')) {
    const labels = labelsOf(term);
    if (labels === undefined) return undefined;
    operands.push(labels);
  }
  const output = right === undefined ? implicitOutput(operands) : labelsOf(right);
  return output === undefined ? undefined : { operands, output };
}

function labelsOf(term: string): readonly string[] | undefined {
  const labels = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  if (labels.join('') !== term || labels.filter((label) => label === ELLIPSIS).length > 1) return undefined;
  return labels;
}

function implicitOutput(operands: readonly (readonly string[])[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const label of operands.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const once = [...counts].filter(([label, count]) => count === 1 && label !== ELLIPSIS).map(([label]) => label);
  once.sort((a, b) => (a < b ? -1 : 1));
  return counts.has(ELLIPSIS) ? [ELLIPSIS, ...once] : once;
}

/** An axis that a label stands for; `null` while only 1 or unknown sizes were seen is refined by what other operands say. */
interface Sizes {
  readonly byLabel: Map<string, Dim>;
  ellipsis: Shape;
}

/**
 * The output shape: each label of the output with its size, the ellipsis broadcast over the operands from the right.
 * `undefined` when the rank of an operand that it needs is unknown, a rank does not fit its term, or an output label occurs nowhere.
 */
export function einsumShape(
  equation: EinsumEquation,
  shapes: readonly (Shape | undefined)[],
  broadcast: (shapes: readonly Shape[]) => Shape | undefined,
): Shape | undefined {
  const sizes: Sizes = { byLabel: new Map(), ellipsis: [] };
  const wide = equation.output.includes(ELLIPSIS);
  for (const [i, labels] of equation.operands.entries()) {
    const shape = shapes[i];
    if (shape === undefined) {
      if (wide && labels.includes(ELLIPSIS)) return undefined;
      for (const label of labels) if (label !== ELLIPSIS) record(sizes, label, null);
    } else if (!recordOperand(sizes, labels, shape, broadcast)) return undefined;
  }
  const output: Dim[] = [];
  for (const label of equation.output) {
    const dim = sizes.byLabel.get(label);
    if (label === ELLIPSIS) output.push(...sizes.ellipsis);
    else if (dim === undefined) return undefined;
    else output.push(dim);
  }
  return output;
}

function recordOperand(
  sizes: Sizes,
  labels: readonly string[],
  shape: Shape,
  broadcast: (shapes: readonly Shape[]) => Shape | undefined,
): boolean {
  const at = labels.indexOf(ELLIPSIS);
  const hidden = shape.length - labels.length + 1;
  if (at < 0 ? shape.length !== labels.length : hidden < 0) return false;
  for (const [i, label] of labels.entries()) {
    if (i !== at) record(sizes, label, shape[at < 0 || i < at ? i : i + hidden - 1] ?? null);
  }
  if (at < 0) return true;
  const merged = broadcast([sizes.ellipsis, shape.slice(at, at + hidden)]);
  if (merged !== undefined) sizes.ellipsis = merged;
  return merged !== undefined;
}

/** A size of 1 gives way to any other: onnxruntime broadcasts labelled axes too. */
function record(sizes: Sizes, label: string, dim: Dim): void {
  const known = sizes.byLabel.get(label);
  if (known === undefined || known === 1 || (known === null && dim !== 1)) sizes.byLabel.set(label, dim);
}
