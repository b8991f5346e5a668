import { format } from '../dim/format.js';
import { parse } from '../dim/parse.js';
import type { Shape } from '../ir/type.js';

/** Sizes of inputs by name as files have them: numbers, expressions, and `null` for what is open. */
export type WrittenShapes = Readonly<Record<string, readonly (number | string | null)[]>>;

/** Sizes of inputs for a file. */
export function writeShapes(shapes: ReadonlyMap<string, Shape>): WrittenShapes {
  const written = (dim: Shape[number]): number | string | null =>
    dim === null || typeof dim === 'number' ? dim : format(dim);
  return Object.fromEntries([...shapes].map(([name, shape]) => [name, shape.map(written)]));
}

/** The reverse of {@link writeShapes}; what is no size is open. */
export function readShapes(shapes: WrittenShapes): ReadonlyMap<string, Shape> {
  const dims = (shape: readonly (number | string | null)[]): Shape =>
    shape.map((dim) => (typeof dim === 'string' ? (parse(dim) ?? null) : dim));
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, dims(shape)]));
}
