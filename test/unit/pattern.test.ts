import { describe, expect, test } from '@jest/globals';
import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import { Match } from '../../src/pattern/match.js';
import { op, opIn } from '../../src/pattern/op-pattern.js';
import {
  any,
  approx,
  constant,
  integers,
  ints,
  literal,
  oneOf,
  optional,
  type Pat,
  scalar,
  through,
  where,
} from '../../src/pattern/pattern.js';
import { Search } from '../../src/pattern/search.js';
import { no, ok } from '../../src/pattern/verdict.js';
import { inferTypes } from '../../src/shape/types.js';
import { graphOf, modelOf } from '../support/model.js';

function nodeOf(model: Model, opType: string): Node {
  for (const graph of model.graphs()) {
    for (const node of [...graph.topo()].reverse()) if (node.opType === opType) return node;
  }
  throw new Error(`no ${opType}`);
}

/** The match of a pattern at the last node of this operator, or the reason of the nearest miss. */
function find(model: Model, opType: string, pattern: Pat): Match | string {
  const types = inferTypes(model);
  const node = nodeOf(model, opType);
  const search = new Search(node, types);
  let match: Match | undefined;
  const found = search.run(pattern, (bindings) => {
    match = new Match(node, bindings, types);
    return true;
  });
  return found && match ? match : `${search.nearest.found?.reason} (${search.nearest.found?.matched})`;
}

function hit(model: Model, opType: string, pattern: Pat): Match {
  const found = find(model, opType, pattern);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const x = any('x');
const y = any('y');

describe('leaves', () => {
  const scaled = (literalText: string, type = 'float'): Model =>
    graphOf(`(${type}[2] X) => (${type}[2] Y) <${type} c = {${literalText}}> { Y = Mul (X, c) }`);

  test('a scalar gives its number, a constant its tensor', () => {
    const c = scalar('c');
    expect(hit(scaled('3'), 'Mul', op.Mul(x, c)).get(c)).toBe(3);
    const w = constant('w');
    expect(hit(scaled('3'), 'Mul', op.Mul(x, w)).get(w).dtype).toBe('float32');
    expect(find(scaled('3'), 'Mul', op.Mul(constant('a'), constant('b')))).toBe('%X is not constant (1)');
  });

  test('a literal is compared bit for bit in the dtype of the constant', () => {
    expect(find(scaled('0.1'), 'Mul', op.Mul(x, literal(0.1)))).toBeInstanceOf(Match);
    expect(find(scaled('0.1', 'float16'), 'Mul', op.Mul(x, literal(0.1)))).toBeInstanceOf(Match);
    expect(find(scaled('0.1', 'double'), 'Mul', op.Mul(x, literal(0.1)))).toBeInstanceOf(Match);
    expect(find(scaled('0.10000000149011612', 'double'), 'Mul', op.Mul(x, literal(0.1)))).toBeInstanceOf(Match);
    expect(find(scaled('0.1000001', 'double'), 'Mul', op.Mul(x, literal(0.1)))).toMatch(/not 0\.1/);
    expect(find(scaled('0.10000001'), 'Mul', op.Mul(x, literal(0.1)))).toMatch(/not 0\.1/);
    expect(find(scaled('-0'), 'Mul', op.Mul(x, literal(0)))).toMatch(/not 0/);
    expect(find(scaled('2', 'int64'), 'Mul', op.Mul(x, literal(2)))).toBeInstanceOf(Match);
    expect(find(scaled('2', 'int64'), 'Mul', op.Mul(x, literal(2.5)))).toMatch(/not 2.5/);
  });

  test('approx takes neighbours, no more than asked for', () => {
    const half = Math.SQRT1_2; // float32 0.70710677, its neighbours are 0.7071067 and 0.70710683
    expect(find(scaled('0.70710683'), 'Mul', op.Mul(x, literal(half)))).toMatch(/not/);
    expect(find(scaled('0.70710683'), 'Mul', op.Mul(x, approx(half, 1)))).toBeInstanceOf(Match);
    expect(find(scaled('0.7071069'), 'Mul', op.Mul(x, approx(half, 1)))).toMatch(/not/);
    const negativeInfinity = scaled('64512', 'float16'); // whole numbers are bits in this type
    expect(find(negativeInfinity, 'Mul', op.Mul(x, literal(-1e9)))).toMatch(/not/);
    expect(find(negativeInfinity, 'Mul', op.Mul(x, literal(-Infinity)))).toBeInstanceOf(Match);
  });

  test('a number repeated is a literal only where it does not widen the result', () => {
    const wide = (shape: string): Model =>
      graphOf(`(float[N, ${shape}] X) => (float[N, 2] Y) <float[2] c = {2, 2}> { Y = Mul (X, c) }`);
    expect(find(wide('2'), 'Mul', op.Mul(x, literal(2)))).toBeInstanceOf(Match);
    expect(find(wide('1'), 'Mul', op.Mul(x, literal(2)))).toBe('%c decides the shape of Mul (1)');
    const deeper = graphOf('(float[2] X) => (float[1, 2] Y) <float[1, 1] c = {2}> { Y = Mul (X, c) }');
    expect(find(deeper, 'Mul', op.Mul(x, scalar('c')))).toMatch('decides the shape');
    const mixed = graphOf('(float[2] X) => (float[2] Y) <float[2] c = {2, 3}> { Y = Mul (X, c) }');
    expect(find(mixed, 'Mul', op.Mul(x, literal(2)))).toMatch('not 2');
  });

  test('lists of integers', () => {
    const reduce = graphOf('(float[2, 3] X) => (float[2, 1] Y) <int64[1] a = {-1}> { Y = ReduceMean (X, a) }', 18);
    expect(find(reduce, 'ReduceMean', op.ReduceMean(x, ints(-1)))).toBeInstanceOf(Match);
    expect(find(reduce, 'ReduceMean', op.ReduceMean(x, ints(1)))).toBe('%a is [-1], not [1] (1)');
    const axes = integers('axes');
    expect(hit(reduce, 'ReduceMean', op.ReduceMean(x, axes)).get(axes)).toEqual([-1]);
  });

  test('an input with a default is no constant', () => {
    const model = graphOf('(float[2] X, float c) => (float[2] Y) <float c = {2}> { Y = Mul (X, c) }');
    expect(find(model, 'Mul', op.Mul(x, literal(2)))).toBe('%c is not constant (1)');
  });
});

describe('calls', () => {
  test('guards see attributes, defaults of the version, or nothing', () => {
    const seen: unknown[] = [];
    const flat = op.Flatten(x, { axis: (axis) => seen.push(axis) > 0 });
    hit(graphOf('(float[2, 3] X) => (float[2, 3] Y) { Y = Flatten (X) }'), 'Flatten', flat);
    hit(graphOf('(float[2, 3] X) => (float[6, 1] Y) { Y = Flatten <axis = 2> (X) }'), 'Flatten', flat);
    const soft = op.Softmax(x, { axis: (axis) => seen.push(axis) > 0 });
    hit(graphOf('(float[2, 3] X) => (float[2, 3] Y) { Y = Softmax (X) }', 12), 'Softmax', soft);
    hit(graphOf('(float[2, 3] X) => (float[2, 3] Y) { Y = Softmax (X) }', 13), 'Softmax', soft);
    const pool = op.MaxPool(x, { strides: (strides) => seen.push(strides) > 0, auto_pad: (pad) => seen.push(pad) > 0 });
    const pooled = graphOf('(float[1, 1, 4] X) => (float[1, 1, 3] Y) { Y = MaxPool <kernel_shape = [2]> (X) }');
    hit(pooled, 'MaxPool', pool);
    expect(seen).toEqual([1, 2, 1, -1, undefined, 'NOTSET']);
    expect(find(pooled, 'MaxPool', op.MaxPool(x, { kernel_shape: (k) => k?.length === 2 }))).toBe(
      'MaxPool.kernel_shape = [2] (0)',
    );
  });

  test('the number of operands is exact, omitted ones are told from present ones', () => {
    const clip = graphOf('(float[2] X, float m) => (float[2] Y) { Y = Clip (X, "", m) }');
    expect(find(clip, 'Clip', op.Clip(x, undefined, y))).toBeInstanceOf(Match);
    expect(find(clip, 'Clip', op.Clip(x, y))).toBe('Clip has no input 1 (1)');
    expect(find(clip, 'Clip', op.Clip(x))).toBe('Clip has an input 2 (1)');
    expect(find(clip, 'Clip', op.Clip(x, optional(y), any('max')))).toBeInstanceOf(Match);
    const plain = graphOf('(float[2] X) => (float[2] Y) { Y = Clip (X) }');
    const low = scalar('low');
    const found = hit(plain, 'Clip', op.Clip(x, optional(low), optional(y)));
    expect(found.maybe(low)).toBeUndefined();
    expect(found.has(y)).toBe(false);
    expect(() => found.get(low)).toThrow("pattern 'low' has no value");
  });

  test('outputs are addressed on one call', () => {
    const text = (a: string, b: string): Model =>
      graphOf(
        `(float[4] X) => (float[2] Y) { a, b = Split <axis = 0> (X) c, d = Split <axis = 0> (X) Y = Sub (${a}, ${b}) }`,
      );
    const split = op.Split(x);
    const swapped = op.Sub(split.out(1), split.out(0));
    expect(find(text('b', 'a'), 'Sub', swapped)).toBeInstanceOf(Match);
    expect(find(text('a', 'b'), 'Sub', swapped)).toBe('%a is output 0 of Split, not 1 (1)');
    expect(find(text('b', 'c'), 'Sub', swapped)).toBe('another Split than before (2)');
  });

  test('variadic operators match operand by operand', () => {
    const model = graphOf('(float[2] X, float[2] Z) => (float[6] Y) { Y = Concat <axis = 0> (X, Z, X) }');
    expect(find(model, 'Concat', op.Concat(x, y, x))).toBeInstanceOf(Match);
    expect(find(model, 'Concat', op.Concat(x, y))).toBe('Concat has an input 2 (1)');
    expect(find(model, 'Concat', op.Concat(x, x, y))).toBe('%Z is not %X (1)');
  });

  test('operators of other domains', () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { Y = com.microsoft.Gelu (X) }');
    expect(find(model, 'Gelu', opIn('com.microsoft').Gelu(x))).toBeInstanceOf(Match);
    expect(find(model, 'Gelu', op.Gelu(x))).toMatch('made by com.microsoft.Gelu, not by Gelu');
  });

  test('attributes of the function around, and functions of the model, never match', () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 17, "local": 1]>
      g (float[2, 3] X) => (float[2, 3] Y) { Z = local.F <axis = 1> (X) Y = local.Relu (Z) }
      <domain: "local", opset_import: ["": 17]>
      F <axis> (X) => (Y) { A = Softmax <axis: int = @axis> (X) Y = Sqrt (A) }
      <domain: "local", opset_import: ["": 17]>
      Relu (X) => (Y) { Y = Identity (X) }`);
    expect(find(model, 'Sqrt', op.Sqrt(op.Softmax(x)))).toBe(
      'Softmax takes attributes from the function around it (1)',
    );
    expect(find(model, 'Sqrt', op.Sqrt(x))).toBeInstanceOf(Match);
    const own = modelOf(`<ir_version: 9, opset_import: ["": 17, "com.microsoft": 1]>
      g (float[2] X) => (float[2] Y) { Y = com.microsoft.Gelu (X) }
      <domain: "com.microsoft", opset_import: ["": 17]>
      Gelu (X) => (Y) { Y = Identity (X) }`);
    expect(find(own, 'Gelu', opIn('com.microsoft').Gelu(x))).toBe('com.microsoft.Gelu is a function of the model (0)');
  });

  test('broadcasting by attributes does not match', () => {
    const text = (attributes: string): Model =>
      graphOf(`(float[2, 3] X, float[2] b) => (float[2, 3] Y) { Y = Add ${attributes} (X, b) }`, 6);
    expect(find(text('<broadcast = 1, axis = 0>'), 'Add', op.Add(x, y))).toBe('Add broadcasts by attributes (0)');
    expect(find(text(''), 'Add', op.Add(x, y))).toBeInstanceOf(Match);
  });
});

describe('one pattern, one value', () => {
  const text = (b: string): Model =>
    graphOf(`(float[2] X, float[2] Z) => (float[2] Y) <float[2] p = {1, 2}, float[2] q = {1, 2}, float[2] r = {1, 3}>
      { a = Add (X, p) b = Add (X, ${b}) Y = Div (a, b) }`);
  const bias = constant('bias');

  test('two constants with equal bits are one', () => {
    const pattern = op.Div(op.Add(x, bias), op.Add(x, bias));
    expect(find(text('q'), 'Div', pattern)).toBeInstanceOf(Match);
    expect(find(text('r'), 'Div', pattern)).toBe('%r is not %p (3)');
  });

  test('a call used twice is one node', () => {
    const shared = op.Add(x, bias);
    expect(find(text('p'), 'Div', op.Div(shared, shared))).toBe('%b is not %a (2)');
    const square = graphOf('(float[2] X) => (float[2] Y) { d = Neg (X) Y = Mul (d, d) }');
    const negated = op.Neg(x);
    expect(hit(square, 'Mul', op.Mul(negated, negated)).nodes.map((node) => node.opType)).toEqual(['Mul', 'Neg']);
  });
});

describe('search', () => {
  test('operands of commutative operators match in any order, others do not', () => {
    const model = (line: string): Model => graphOf(`(float[2] X, float[2] Z) => (float[2] Y) { s = Sqrt (X) ${line} }`);
    for (const line of ['Y = Add (s, Z)', 'Y = Add (Z, s)', 'Y = Max (Z, s)']) {
      expect(
        find(model(line), line.includes('Max') ? 'Max' : 'Add', oneOf(op.Add(op.Sqrt(x), y), op.Max(op.Sqrt(x), y))),
      ).toBeInstanceOf(Match);
    }
    expect(find(model('Y = Sub (s, Z)'), 'Sub', op.Sub(op.Sqrt(x), y))).toBeInstanceOf(Match);
    expect(find(model('Y = Sub (Z, s)'), 'Sub', op.Sub(op.Sqrt(x), y))).toBe('%Z is not made by Sqrt (1)');
  });

  test('an order that fits at first and fails later is taken back', () => {
    const model = graphOf(
      '(float[2] X, float[2] Z) => (float[2] Y) { a = Mul (X, Z) b = Mul (X, X) s = Add (a, b) Y = Sub (s, X) }',
    );
    const square = op.Mul(x, x);
    const found = hit(model, 'Sub', op.Sub(op.Add(square, y), x));
    expect(found.value(y).hint).toBe('a');
    expect(found.value(x).hint).toBe('X');
    expect(found.nodes.map((node) => node.opType)).toEqual(['Sub', 'Add', 'Mul']);
    expect(found.node(square).outputs[0]?.hint).toBe('b');
  });

  test('what another way had matched is no part of the match', () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) b = Exp (a) c = Sqrt (b) Y = Abs (c) }');
    const long = op.Sqrt(op.Exp(op.Neg(literal(1))));
    const found = hit(model, 'Abs', op.Abs(oneOf(long, op.Sqrt(x))));
    expect(found.nodes.map((node) => node.opType)).toEqual(['Abs', 'Sqrt']);
    expect(found.has(long)).toBe(false);
  });

  test('alternatives are tried in order, and all of them with what comes later', () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) b = Exp (a) Y = Add (a, b) }');
    const early = any('early');
    const late = op.Neg(x);
    const found = hit(model, 'Add', op.Add(oneOf(early, late), op.Exp(late)));
    expect(found.value(early).hint).toBe('a');
    expect(found.maybe(x)?.hint).toBe('X');
  });

  test('through skips operators and counts them in', () => {
    const model = graphOf(
      '(float[2] X) => (float[2] Y) { a = Sqrt (X) b = Cast <to = 11> (a) c = Identity (b) d = Cast <to = 1> (c) Y = Neg (d) }',
    );
    const found = hit(model, 'Neg', op.Neg(through(['Cast', 'Identity'], op.Sqrt(x))));
    expect(found.nodes.map((node) => node.opType)).toEqual(['Neg', 'Cast', 'Identity', 'Cast', 'Sqrt']);
    expect(find(model, 'Neg', op.Neg(through(['Cast'], op.Sqrt(x))))).toMatch('made by Identity');
  });

  test('where looks at values', () => {
    const model = graphOf('(float[2, 3] X) => (float[2, 3] Y) { a = Neg (X) Y = Exp (a) }');
    const ranked = (rank: number): Pat =>
      op.Exp(
        where(op.Neg(x), (value, { types }) => (types.shape(value)?.length === rank ? ok : no(`rank is not ${rank}`))),
      );
    expect(find(model, 'Exp', ranked(2))).toBeInstanceOf(Match);
    expect(find(model, 'Exp', ranked(3))).toBe('rank is not 3 (2)');
  });

  test('values from around a body are inputs, never inner nodes', () => {
    const model = graphOf(`(bool c, float[2] X) => (float[2] Y) {
      s = Sqrt (X)
      Y = If (c) <then_branch = t () => (float[2] a) { a = Neg (s) }, else_branch = e () => (float[2] b) { b = Exp (X) }>
    }`);
    expect(hit(model, 'Neg', op.Neg(x)).value(x).hint).toBe('s');
    expect(find(model, 'Neg', op.Neg(op.Sqrt(x)))).toBe('Sqrt is computed outside of this graph (1)');
  });

  test('of two equal misses the first alternative speaks', () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) Y = Exp (a) }');
    expect(find(model, 'Exp', op.Exp(oneOf(op.Sqrt(x), op.Abs(x))))).toBe('%a is made by Neg, not by Sqrt (1)');
    expect(find(model, 'Exp', op.Exp(oneOf(op.Sqrt(x), op.Neg(literal(1)))))).toBe('%X is not constant (2)');
  });

  test('a search without end gives up', () => {
    const leaves = Array.from({ length: 9 }, (_, i) => `X${i}`);
    const model = graphOf(
      `(${leaves.map((name) => `float[2] ${name}`).join(', ')}) => (float[2] Y) { Y = Sum (${leaves.join(', ')}) }`,
    );
    const wanted = [...leaves.slice(1).map((name) => any(name)), where(any('last'), () => no('never'))];
    expect(find(model, 'Sum', op.Sum(...wanted))).toMatch('never');
  });
});
