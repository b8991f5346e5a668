import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** An attribute that the operator needs has no usable value. */
export function shapeAttribute(at: Place, name: string, what: string): Diagnostic {
  return diagnostic('error', 'shape/attribute', at, `attribute "${name}": ${what}`, 'Export the model again.');
}

/** `axis` is outside of the rank that it counts in. */
export function shapeAxis(at: Place, axis: number, rank: number): Diagnostic {
  const message = `axis ${axis} is outside of [${-rank}, ${rank - 1}], the axes of a tensor of rank ${rank}`;
  return diagnostic('error', 'shape/axis', at, message, 'Give an axis that the tensor has.');
}

/** The sizes that the caller binds clash with what the model declares. */
export function shapeBinding(at: Place, what: string): Diagnostic {
  return diagnostic('error', 'shape/binding', at, what, 'Bind sizes that the model accepts.');
}

/** Two shapes that an elementwise operator cannot broadcast. */
export function shapeBroadcast(at: Place, left: string, right: string): Diagnostic {
  const message = `shapes ${left} and ${right} do not broadcast`;
  return diagnostic('error', 'shape/broadcast', at, message, 'Make the sizes equal, or one of them 1.');
}

/** The model is valid only where `condition` holds of its input dims; `count` operators ask for it. */
export function shapeConditional(at: Place, condition: string, first: string, count: number): Diagnostic {
  const message = `valid only where ${condition} (${count} ${count === 1 ? 'place' : 'places'}, here ${first})`;
  return diagnostic('info', 'shape/conditional', at, message, 'Keep to it, or bind the sizes with --shape.');
}

/** A list has another length than the operator needs. */
export function shapeCount(at: Place, what: string, count: number, expected: number): Diagnostic {
  const message = `${what} has ${count} ${count === 1 ? 'element' : 'elements'}, expected ${expected}`;
  return diagnostic('error', 'shape/count', at, message, 'Give one element per axis that it is about.');
}

/** The declared type of a value contradicts what the operators give. */
export function shapeDeclared(at: Place, name: string, declared: string, inferred: string): Diagnostic {
  const message = `value "${name}" is declared ${declared}, but its operator gives ${inferred}`;
  return diagnostic('warning', 'shape/declared', at, message, 'Correct the declaration; the inferred type is used.');
}

/** Two inputs that must have one element type have different ones. */
export function shapeDType(at: Place, left: string, right: string): Diagnostic {
  const message = `inputs must have one element type: ${left} against ${right}`;
  return diagnostic('error', 'shape/dtype', at, message, 'Cast one of them.');
}

/** An index is outside of the axis that it points into. */
export function shapeIndex(at: Place, index: number, size: number): Diagnostic {
  const message = `index ${index} is outside of [${-size}, ${size - 1}], the positions of an axis of size ${size}`;
  return diagnostic('error', 'shape/index', at, message, 'Correct the index.');
}

/** Two sizes that the operator needs to be equal are not. */
export function shapeMismatch(at: Place, what: string, left: string, right: string): Diagnostic {
  return diagnostic('error', 'shape/mismatch', at, `${what}: ${left} against ${right}`, 'Make the two sides agree.');
}

/** A size is negative. */
export function shapeNegative(at: Place, what: string, size: string): Diagnostic {
  const message = `${what} has the negative size ${size}`;
  return diagnostic('error', 'shape/negative', at, message, 'Correct the sizes that lead to it.');
}

/** An input has a rank that the operator does not take. */
export function shapeRank(at: Place, input: string, rank: number, expected: string): Diagnostic {
  const message = `input "${input}" has rank ${rank}, expected ${expected}`;
  return diagnostic('error', 'shape/rank', at, message, 'Give a tensor of the expected rank.');
}

/** The elements of the input cannot be laid out in the requested shape. */
export function shapeReshape(at: Place, from: string, to: string, why = 'the numbers of elements differ'): Diagnostic {
  const message = `cannot reshape ${from} to ${to}: ${why}`;
  return diagnostic('error', 'shape/reshape', at, message, 'Correct the requested shape.');
}
