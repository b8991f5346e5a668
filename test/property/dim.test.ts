import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Dim,
  type Relation,
  add,
  ceilDiv,
  divideExact,
  divides,
  equal,
  evaluate,
  floorDiv,
  format,
  isProven,
  key,
  max,
  min,
  mod,
  mul,
  neg,
  parse,
  solve,
  sub,
  substitute,
  symbol,
  symbols,
} from '../../src/dim/dim.js';

type Binary = 'add' | 'sub' | 'mul' | 'floorDiv' | 'ceilDiv' | 'mod' | 'min' | 'max';

type Tree =
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: Binary; readonly left: Tree; readonly right: Tree };

const NAMES = ['x', 'y', 'n'] as const;
const BUILD = { add, sub, mul, floorDiv, ceilDiv, mod, min, max } as const;
const RELATIONS: readonly Relation[] = ['==', '!=', '<', '<=', '>', '>='];
const RUNS = { numRuns: 400 };

function floorOf(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** Direct integer arithmetic; `undefined` where something divides by 0. */
const DIRECT: Record<Binary, (a: bigint, b: bigint) => bigint | undefined> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  floorDiv: (a, b) => (b === 0n ? undefined : floorOf(a, b)),
  ceilDiv: (a, b) => (b === 0n ? undefined : -floorOf(-a, b)),
  mod: (a, b) => (b === 0n ? undefined : a - b * floorOf(a, b)),
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
};

function build(tree: Tree): Dim {
  if (tree.kind === 'symbol') return symbol(tree.name);
  if (tree.kind === 'number') return tree.value;
  return BUILD[tree.kind](build(tree.left), build(tree.right));
}

function direct(tree: Tree, bindings: ReadonlyMap<string, number>): bigint | undefined {
  if (tree.kind === 'symbol') return BigInt(bindings.get(tree.name)!);
  if (tree.kind === 'number') return BigInt(tree.value);
  const left = direct(tree.left, bindings);
  const right = direct(tree.right, bindings);
  return left === undefined || right === undefined ? undefined : DIRECT[tree.kind](left, right);
}

/** The same value, written with operands exchanged and sums regrouped. */
function rearranged(tree: Tree): Tree {
  if (tree.kind === 'symbol' || tree.kind === 'number') return tree;
  const left = rearranged(tree.left);
  const right = rearranged(tree.right);
  switch (tree.kind) {
    case 'sub':
      return { kind: 'add', left: { kind: 'mul', left: { kind: 'number', value: -1 }, right }, right: left };
    case 'mul':
      if (right.kind === 'add') {
        const distribute = (part: Tree): Tree => ({ kind: 'mul', left: part, right: left });
        return { kind: 'add', left: distribute(right.right), right: distribute(right.left) };
      }
      return { kind: 'mul', left: right, right: left };
    case 'add':
      return right.kind === 'add'
        ? { kind: 'add', left: right.right, right: { kind: 'add', left: right.left, right: left } }
        : { kind: 'add', left: right, right: left };
    case 'min':
    case 'max':
      return { kind: tree.kind, left: right, right: left };
    default:
      return { kind: tree.kind, left, right };
  }
}

const leaf: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NAMES).map((name): Tree => ({ kind: 'symbol', name })) },
  { weight: 2, arbitrary: fc.integer({ min: -4, max: 6 }).map((value): Tree => ({ kind: 'number', value })) },
);

const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.record({
      kind: fc.constantFrom<Binary[]>('add', 'add', 'sub', 'sub', 'mul', 'floorDiv', 'ceilDiv', 'mod', 'min', 'max'),
      left: tie('tree'),
      right: tie('tree'),
    }),
  ),
})).tree;

const sizes = fc.tuple(...NAMES.map(() => fc.integer({ min: 0, max: 9 })));

function bind(values: readonly number[]): ReadonlyMap<string, number> {
  return new Map(NAMES.map((name, i) => [name, values[i]!]));
}

const GRID: readonly ReadonlyMap<string, number>[] = [0, 1, 2, 5].flatMap((x) =>
  [0, 1, 3].flatMap((y) => [0, 1, 4].map((n) => bind([x, y, n]))),
);

function holds(a: number, relation: Relation, b: number): boolean {
  switch (relation) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/** Every binding of the grid where both have a value satisfies the claim. */
function everywhere(a: Dim, b: Dim, claim: (a: number, b: number) => boolean, minimum = 0): boolean {
  return GRID.every((bindings) => {
    if ([...bindings.values()].some((value) => value < minimum)) return true;
    const x = evaluate(a, bindings);
    const y = evaluate(b, bindings);
    return x === null || y === null || claim(x, y);
  });
}

describe('dims against integer arithmetic', () => {
  test('an expression has the value of the operations that built it', () => {
    let known = 0;
    fc.assert(
      fc.property(trees, sizes, (tree, values) => {
        const expected = direct(tree, bind(values));
        const dim = build(tree);
        if (expected === undefined || dim === null) return;
        known++;
        expect(evaluate(dim, bind(values))).toBe(Number(expected));
      }),
      { numRuns: 2000 },
    );
    expect(known).toBeGreaterThan(1250);
  });

  test('substitution of numbers is evaluation, of expressions is composition', () => {
    fc.assert(
      fc.property(trees, trees, sizes, (tree, inner, values) => {
        const dim = build(tree);
        const replacement = build(inner);
        const at = evaluate(replacement, bind(values));
        const composed = substitute(dim, new Map([['x', replacement]]));
        if (at === null || composed === null) return;
        const [, ...others] = values;
        const expected = evaluate(dim, bind([at, ...others]));
        if (at >= 0 && expected !== null) expect(evaluate(composed, bind(values))).toBe(expected);
      }),
      RUNS,
    );
  });

  test('only symbols that it names decide the value', () => {
    fc.assert(
      fc.property(trees, sizes, (tree, values) => {
        const dim = build(tree);
        const names = symbols(dim);
        const only = new Map([...bind(values)].filter(([name]) => names.has(name)));
        expect(evaluate(dim, only)).toBe(evaluate(dim, bind(values)));
      }),
      RUNS,
    );
  });
});

describe('proofs', () => {
  test.each(RELATIONS)('a proven %s is never contradicted', (relation) => {
    let proven = 0;
    fc.assert(
      fc.property(trees, fc.option(trees), fc.constantFrom<(0 | 1)[]>(0, 1), (left, right, minimum) => {
        const [a, b] = [build(left), build(right ?? rearranged(left))];
        if (!isProven(a, relation, b, { minimum })) return;
        proven++;
        expect(everywhere(a, b, (x, y) => holds(x, relation, y), minimum)).toBe(true);
      }),
      { numRuns: 600 },
    );
    expect(proven).toBeGreaterThan(15);
  });

  test('division under the assumption that no axis is empty is right wherever that holds', () => {
    fc.assert(
      fc.property(trees, trees, fc.constantFrom(floorDiv, ceilDiv, mod), (left, right, divide) => {
        const [a, b] = [build(left), build(right)];
        const careful = divide(a, b);
        const hopeful = divide(a, b, { minimum: 1 });
        if (careful !== null && hopeful !== null) expect(everywhere(careful, hopeful, (x, y) => x === y, 1)).toBe(true);
      }),
      RUNS,
    );
  });

  test('an exact quotient times its divisor is the dividend', () => {
    fc.assert(
      fc.property(trees, trees, (left, right) => {
        const [a, b] = [build(left), build(right)];
        const product = mul(a, b);
        if (a === null || b === null || b === 0 || product === null) return;
        const quotient = divideExact(product, b);
        if (quotient !== null) expect(equal(mul(quotient, b), product)).toBe(true);
        if (divides(b, a)) expect(everywhere(a, b, (x, y) => (y === 0 ? x === 0 : x % y === 0))).toBe(true);
      }),
      RUNS,
    );
  });

  test('an equation holds exactly where its sides are equal', () => {
    fc.assert(
      fc.property(trees, trees, (left, right) => {
        const [a, b] = [build(left), build(right)];
        const equation = solve(a, b);
        if (equation === null) return;
        if (equation.holds === 'always') expect(everywhere(a, b, (x, y) => x === y)).toBe(true);
        if (equation.holds === 'never') expect(everywhere(a, b, (x, y) => x !== y)).toBe(true);
        const [lhs, rhs] = equation.text.split(' == ').map((text) => parse(text)!);
        expect(everywhere(sub(a, b), sub(lhs!, rhs!), (x, y) => (x === 0) === (y === 0))).toBe(true);
        if (equation.solution === null) return;
        const { symbol: name, value } = equation.solution;
        expect(everywhere(sub(a, b), sub(symbol(name), value), (x, y) => (x === 0) === (y === 0))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('canonical form', () => {
  test('text is read back to the same dim', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const dim = build(tree);
        const text = format(dim);
        expect(key(parse(text)!)).toBe(key(dim));
        expect(format(parse(text)!)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test('any name survives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 0, maxLength: 12 }), (name) => {
        const dim = add(mul(symbol(name), 2), 1);
        expect([...symbols(parse(format(dim))!)]).toEqual([name]);
        expect(key(parse(format(dim))!)).toBe(key(dim));
      }),
      { numRuns: 100 },
    );
  });

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'xy12+-*/%(),? `\\'), maxLength: 40 }), (text) => {
        const dim = parse(text);
        if (dim !== undefined) expect(key(parse(format(dim))!)).toBe(key(dim));
      }),
      RUNS,
    );
  });

  test('rearranged operations give the same key', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const [a, b] = [build(tree), build(rearranged(tree))];
        if (a !== null && b !== null) expect(key(b)).toBe(key(a));
      }),
      { numRuns: 1000 },
    );
  });

  test('what is added and taken away leaves nothing behind', () => {
    fc.assert(
      fc.property(trees, trees, (left, right) => {
        const [a, b] = [build(left), build(right)];
        if (a === null || b === null) return;
        const there = add(a, b);
        if (there !== null) expect(key(sub(there, b))).toBe(key(a));
        expect(sub(a, a)).toBe(0);
        expect(key(neg(neg(a)))).toBe(key(a));
      }),
      RUNS,
    );
  });
});
