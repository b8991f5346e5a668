import {
  type Dim,
  equal,
  format,
  isProven,
  pathOf,
  recipeCodes,
  ResonnxError,
  type Shape,
  solve,
  type Types,
  type Value,
} from '#core';

/**
 * Proves that a skip has the shape of its branch for every size that the model accepts: shapes that merely broadcast are no residual.
 * @throws ResonnxError `rewrite/shapes-differ` with the equation under which they would agree, and ways to repair it
 */
export function proveAligned(skip: Value, branch: Value, types: Types): void {
  const [a, b] = [types.shape(skip), types.shape(branch)];
  if (a && b && a.length === b.length && a.every((dim, axis) => dim !== null && equal(dim, b[axis]!))) return;
  const at = { path: branch.producer ? pathOf(branch.producer) : 'main', slot: branch.hint };
  throw new ResonnxError([recipeCodes.shapesDiffer(at, show(a), show(b), equation(a, b), repairs(a, b))]);
}

function show(shape: Shape | undefined): string {
  return shape ? `[${shape.map(format).join(', ')}]` : 'unknown';
}

/** The condition that is left, on the first axis that is not proven equal. */
function equation(a: Shape | undefined, b: Shape | undefined): string {
  if (!a || !b) return 'their shapes are known';
  if (a.length !== b.length) return `ranks ${a.length} and ${b.length} were the same`;
  const axis = a.findIndex((dim, i) => dim === null || !equal(dim, b[i]!));
  const [p, q] = [a[axis]!, b[axis]!];
  if (p === null || q === null) return `dim ${axis} is known: ${format(p)} == ${format(q)}`;
  return solve(p, q)?.text ?? `${format(p)} == ${format(q)}`;
}

function repairs(a: Shape | undefined, b: Shape | undefined): readonly string[] {
  if (!a || !b || a.length !== b.length) return ['a region whose ends have the same rank'];
  const differs = (axis: number): boolean => !equal(a[axis] ?? null, b[axis] ?? null);
  const last = a.length - 1;
  if (a.length <= 3 && differs(last))
    return [`projection linear with weight [${format(b[last]!)}, ${format(a[last]!)}]`];
  const found: string[] = [];
  const smaller = a.slice(2).some((dim, i) => isSmaller(b[i + 2]!, dim));
  const stride = smaller ? ' and a stride' : '';
  found.push(`projection conv1x1 with weight [${format(b[1] ?? null)}, ${format(a[1] ?? null)}, 1, 1]${stride}`);
  if (differs(1)) found.push(`projection option-a (zero channels)${stride}`);
  if (smaller) found.push('projection avgpool-conv1x1 with a stride');
  return found;
}

function isSmaller(a: Dim, b: Dim): boolean {
  return a !== null && b !== null && !equal(a, b) && isProven(a, '<=', b);
}
