/** A tensor whose shape is known for the first sizes of the inputs. */
export interface Float {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A scalar or a vector of int64. */
export interface Int {
  readonly name: string;
  readonly items: readonly number[];
  readonly isScalar: boolean;
}

/** Arithmetic on sizes. */
export const OPS: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
  ['Div', (a, b) => Math.trunc(a / b)],
  ['Mod', (a, b) => ((a % b) + b) % b],
  ['Max', Math.max],
  ['Min', Math.min],
];

/** The value within bounds. */
export const clampTo = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Methods of `ModelWriter`; those that are worth more stand twice. */
export const STEPS = [
  'transpose',
  'slice',
  'sliceTo',
  'concat',
  'unsqueeze',
  'squeeze',
  'reshape',
  'flatten',
  'tile',
  'pad',
  'gather',
  'split',
  'reduce',
  'add',
  'sizes',
  'sizes',
  'one',
  'one',
  'arithmetic',
  'arithmetic',
  'join',
  'create',
  'range',
] as const;
