import { parseEinsum } from '../shape/einsum.js';
import { elementCount } from '../tensor/array.js';
import { isFloat } from '../tensor/dtype.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, numbers } from './elements.js';
import { offsets, stridesOf } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

const ELLIPSIS = '...';

/** Labels of an operand with one label for each axis that the ellipsis stands for, counted from the right. */
function spelledOut(labels: readonly string[], rank: number): readonly string[] {
  const more = rank - labels.length + 1;
  return labels.flatMap((label) =>
    label === ELLIPSIS ? Array.from({ length: more }, (_, i) => `${ELLIPSIS}${more - i}`) : [label],
  );
}

/** Einsum-12: sums of products over the labels that the output does not have. */
function einsum(call: Call): readonly Elements[] {
  const equation = parseEinsum(call.text('equation'));
  if (!equation) throw invalid('the equation');
  const operands = call.all();
  if (operands.length !== equation.operands.length) throw invalid(`${operands.length} operands for the equation`);
  const { dtype } = operands[0]!;
  if (!isFloat(dtype)) throw unsupported(`its form for ${dtype}`);
  const labels = equation.operands.map((each, i) => spelledOut(each, operands[i]?.shape.length ?? 0));
  const sizes = new Map<string, number>();
  labels.forEach((each, i) =>
    each.forEach((label, axis) => {
      const dim = operands[i]!.shape[axis];
      if (dim === undefined) throw invalid(`operand ${i} has too few axes`);
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && dim !== 1 && known !== dim) throw invalid(`${label} is ${known} and ${dim}`);
      sizes.set(label, known === 1 ? dim : known);
    }),
  );
  const spread = [...sizes.keys()].filter((label) => label.startsWith(ELLIPSIS));
  spread.sort((a, b) => Number(b.slice(3)) - Number(a.slice(3)));
  const output = equation.output.flatMap((label) => (label === ELLIPSIS ? spread : [label]));
  const summed = [...sizes.keys()].filter((label) => !output.includes(label));
  return [contract(call, operands, labels, { sizes, output, summed })];
}

interface Terms {
  readonly sizes: ReadonlyMap<string, number>;
  readonly output: readonly string[];
  readonly summed: readonly string[];
}

function contract(
  call: Call,
  operands: readonly Elements[],
  labels: readonly (readonly string[])[],
  { sizes, output, summed }: Terms,
): Elements {
  const shapeOf = (of: readonly string[]): readonly number[] => of.map((label) => sizes.get(label) ?? 1);
  const shape = shapeOf(output);
  const [count, terms] = [elementCount(shape), elementCount(shapeOf(summed))];
  call.spend(count * Math.max(1, terms) * operands.length);
  const steps = (i: number, of: readonly string[]): Int32Array => {
    const { shape: own } = operands[i]!;
    const strides = stridesOf(own);
    // A label that stands twice in one operand goes along its diagonal.
    const along = of.map((label) =>
      labels[i]!.reduce((sum, each, axis) => sum + (each === label && own[axis] !== 1 ? strides[axis]! : 0), 0),
    );
    return offsets(shapeOf(of), along);
  };
  const outer = operands.map((_, i) => steps(i, output));
  const inner = operands.map((_, i) => steps(i, summed));
  const data = operands.map(numbers);
  const made = new Float64Array(count);
  for (let at = 0; at < count; at++) {
    let total = 0;
    for (let term = 0; term < terms; term++) {
      let product = 1;
      for (let i = 0; i < data.length; i++) product *= data[i]![outer[i]![at]! + inner[i]![term]!]!;
      total += product;
    }
    made[at] = total;
  }
  return floats(operands[0]!.dtype, shape, made);
}

/** Sums over labels. */
export const EINSUM: Kernels = { Einsum: einsum };
