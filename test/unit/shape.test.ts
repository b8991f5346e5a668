import { describe, expect, test } from '@jest/globals';
import { key } from '../../src/dim/dim.js';
import { Graph } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import type { Value } from '../../src/ir/value.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { showType } from '../../src/shape/fact.js';
import { inferTypes } from '../../src/shape/types.js';
import { modelOf, valueOf } from '../support/model.js';
import { anyValue, HEAD, shown, typesOf } from '../support/types.js';

describe('sizes are followed as expressions', () => {
  test('Shape → Gather → Concat → Reshape gives exact dims', () => {
    const text = `${HEAD} m (float[batch,seq,64] x) => (float[a,b,c,d] y)
      <int64 i0 = {0}, int64 i1 = {1}, int64[1] ax = {0}, int64[1] heads = {8}, int64[1] rest = {-1}>
      { s = Shape (x)  b0 = Gather (s, i0)  b1 = Gather (s, i1)  u0 = Unsqueeze (b0, ax)  u1 = Unsqueeze (b1, ax)
        t = Concat <axis = 0> (u0, u1, heads, rest)  y = Reshape (x, t) }`;
    expect(shown(text, 'y')).toBe('float32[batch, seq, 8, 8]');
  });

  test('arithmetic on sizes, through a cast to float and back', () => {
    const text = `${HEAD} m (float[n,3] x) => (float[k] y)
      <int64[1] two = {2}, int64[1] one = {1}, int64[1] zero = {0}, float half = {0.5}>
      { s = Shape <start = 0, end = 1> (x)  d = Mul (s, two)  e = Add (d, one)  f = Div (e, two)
        v = ConstantOfShape (f)  g = Cast <to = 1> (e)  h = Cast <to = 7> (g)  y = ConstantOfShape (h) }`;
    const { shown: of } = typesOf(text);
    expect(of('v')).toBe('float32[n]');
    expect(of('y')).toBe('float32[2*n+1]');
  });

  test.each([
    ['Floor', 'Mul', '0.5', 'floor(n/2)'],
    ['Ceil', 'Mul', '0.75', 'ceil(3*n/4)'],
    ['Floor', 'Div', '3', 'floor(n/3)'],
    ['Identity', 'Div', '4', 'floor(n/4)'],
    ['Floor', 'Mul', '0.3', 'u0'],
  ])('%s of %s by %s in floating point', (rounding, op, factor, size) => {
    const text = `${HEAD} m (float[n] x) => (float[i] y) <float[1] k = {${factor}}>
      { s = Shape (x)  f = Cast <to = 1> (s)  g = ${op} (f, k)  h = ${rounding} (g)  t = Cast <to = 7> (h)  y = ConstantOfShape (t) }`;
    expect(shown(text, 'y')).toBe(`float32[${size}]`);
  });

  test('a divided size stays a floor', () => {
    const text = `${HEAD} m (float[n] x) => (float[k] y) <int64[1] two = {2}>
      { s = Shape (x)  h = Div (s, two)  y = ConstantOfShape (h) }`;
    expect(shown(text, 'y')).toBe('float32[floor(n/2)]');
  });

  test.each([
    ['starts = 1, ends to the far end', '{1}', '{9223372036854775807}', '{1}', 'max(1,n)-1'],
    ['the last two', '{-2}', '{9223372036854775807}', '{1}', 'min(n,2)'],
    ['all but the last', '{0}', '{-1}', '{1}', 'max(1,n)-1'],
    ['every other', '{0}', '{9223372036854775807}', '{2}', 'ceil(n/2)'],
    ['backwards', '{-1}', '{-9223372036854775808}', '{-1}', 'n'],
  ])('Slice, %s', (_, start, end, step, size) => {
    const text = `${HEAD} m (float[n] x) => (float[k] y)
      <int64[1] a = ${start}, int64[1] b = ${end}, int64[1] c = {0}, int64[1] d = ${step}> { y = Slice (x, a, b, c, d) }`;
    expect(shown(text, 'y')).toBe(`float32[${size}]`);
  });

  test('a cache: past and new positions join, a mask of the same length broadcasts', () => {
    const text = `${HEAD} m (float[b,4,past,16] k0, float[b,4,new,16] k1, float[b,1,1,"past + new"] mask, float[b,4,new,16] q) => (float[b,4,i,j] y)
      { k = Concat <axis = 2> (k0, k1)  t = Transpose <perm = [0,1,3,2]> (k)  s = MatMul (q, t)  y = Add (s, mask) }`;
    const { types, shown: of } = typesOf(text);
    expect(of('y')).toBe('float32[b, 4, new, new+past]');
    expect(types.diagnostics).toEqual([]);
  });

  test('0 in a Reshape copies, unless allowzero', () => {
    const body = (attr: string, target: string): string =>
      `${HEAD} m (float[b,0,6] x) => (float[i,j,k] y) <int64[3] t = ${target}> { y = Reshape ${attr} (x, t) }`;
    expect(shown(body('', '{0,0,6}'), 'y')).toBe('float32[b, 0, 6]');
    expect(shown(body('<allowzero = 1>', '{0,7,3}'), 'y')).toBe('float32[0, 7, 3]');
  });

  test('NonZero of what is filled counts up', () => {
    const text = `${HEAD} m (float[n] x) => (int64[i,j] a, int64[k,l] b, int64[p,q] c) <int64[3] t = {7,0,2}>
      { s = Shape (x)  f = ConstantOfShape <value = int64[1] {1}> (s)  a = NonZero (f)  b = NonZero (t)
        g = ConstantOfShape <value = int64[1] {0}> (s)  c = NonZero (g) }`;
    const { types, shown: of } = typesOf(text);
    expect([of('a'), of('b'), of('c')]).toEqual(['int64[1, n]', 'int64[1, 2]', 'int64[1, u0]']);
    expect(types.elements(anyValue(types.model, 'b'))?.elements).toEqual([0, 2]);
  });

  test('-1 in a Reshape of a symbolic tensor', () => {
    const text = `${HEAD} m (float[b,s,12] x) => (float[i,j] y) <int64[3] t = {-1,4,3}> { y = Reshape (x, t) }`;
    expect(shown(text, 'y')).toBe('float32[b*s, 4, 3]');
  });
});

describe('versions of operators', () => {
  const squeeze = (opset: number, call: string): string =>
    `<ir_version: 9, opset_import: ["": ${opset}]> m (float[1,n,1] x) => (float[k] y) <int64[1] ax = {-1}> { y = ${call} }`;
  test('Squeeze takes its axes from the attribute before 13, from input 1 since', () => {
    expect(shown(squeeze(12, 'Squeeze <axes = [0, 2]> (x)'), 'y')).toBe('float32[n]');
    expect(shown(squeeze(13, 'Squeeze (x, ax)'), 'y')).toBe('float32[1, n]');
  });

  test('Add before 7 keeps the shape of its first input', () => {
    const text = `<ir_version: 3, opset_import: ["": 6]> m (float[n,3,5] x, float[3] w) => (float[i,j,k] y)
      { y = Add <axis = 1, broadcast = 1> (x, w) }`;
    expect(shown(text, 'y')).toBe('float32[n, 3, 5]');
  });

  test('Split: unequal parts only with num_outputs', () => {
    const text = `<ir_version: 9, opset_import: ["": 18]> m (float[7] x) => (float[i] a, float[j] b, float[k] c)
      { a, b, c = Split <num_outputs = 3> (x) }`;
    const { shown: of } = typesOf(text);
    expect([of('a'), of('b'), of('c')]).toEqual(['float32[3]', 'float32[3]', 'float32[1]']);
  });
});

describe('names', () => {
  test('unnamed axes get symbols of their own, data-dependent sizes u0, u1 … in order', () => {
    const text = `${HEAD} m (float[?,3] x, float[u1] z) => (int64[i,j] a, int64[k,l] b) { a = NonZero (x)  b = NonZero (z) }`;
    const { shown: of } = typesOf(text);
    expect(of('x')).toBe('float32[x_dim0, 3]');
    expect(of('a')).toBe('int64[2, u0]');
    expect(of('b')).toBe('int64[1, u2]'); // the model has a u1 of its own
  });

  test('names do not depend on what is asked first', () => {
    const text = `${HEAD} m (float[3] x) => (int64[i,j] a, int64[k,l] b) { a = NonZero (x)  b = NonZero (x) }`;
    const { shown: of } = typesOf(text);
    expect([of('b'), of('a')]).toEqual(['int64[1, u1]', 'int64[1, u0]']);
  });
});

describe('bodies and functions', () => {
  const branches = (then: string, otherwise: string): string => `${HEAD} m (bool c, float[n,4] x) => (float[i,j] y)
    { y = If (c) <then_branch = t () => (float[] p) { p = ${then} }, else_branch = e () => (float[] q) { q = ${otherwise} }> }`;

  test('If keeps what both branches have in common', () => {
    expect(shown(branches('Relu (x)', 'Neg (x)'), 'y')).toBe('float32[n, 4]');
    expect(shown(branches('Relu (x)', 'Concat <axis = 0> (x, x)'), 'y')).toBe('float32[u0, 4]');
    expect(shown(branches('Relu (x)', 'Flatten <axis = 0> (x)'), 'y')).toBe('float32[u0, u1]');
  });

  test('If with a known condition is its branch', () => {
    const text = `${HEAD} m (float[n,4] x) => (float[i,j] y) <bool c = {1}>
      { y = If (c) <then_branch = t () => (float[] p) { p = Relu (x) }, else_branch = e () => (float[] q) { q = Concat <axis = 0> (x, x) }> }`;
    expect(shown(text, 'y')).toBe('float32[n, 4]');
  });

  test('Loop: what grows is unknown, what stays is kept, outputs are stacked', () => {
    const text = `${HEAD} m (int64 trip, float[n,4] x) => (float[i,4] grown, float[n,4] kept, float[t,n,4] rows) <bool go = {1}>
      { grown, kept, rows = Loop (trip, go, x, x) <body = b (int64 i, bool c, float[a,4] g, float[b,4] k) => (bool c2, float[e,4] g2, float[f,4] k2, float[h,4] row)
        { c2 = Identity (c)  g2 = Concat <axis = 0> (g, x)  k2 = Relu (k)  row = Neg (k) }> }`;
    const { shown: of } = typesOf(text);
    expect(of('kept')).toBe('float32[n, 4]');
    expect(of('grown')).toMatch(/^float32\[u\d+, 4\]$/);
    expect(of('g')).toMatch(/^float32\[u\d+, 4\]$/);
    expect(of('g')).not.toBe(of('grown'));
    expect(of('rows')).toMatch(/^float32\[u\d+, n, 4\]$/);
  });

  test('Loop with a fixed number of rounds and no condition', () => {
    const text = `${HEAD} m (float[n] x) => (float[n] last, float[t,n] rows) <int64 trip = {5}, bool go = {1}>
      { last, rows = Loop (trip, go, x) <body = b (int64 i, bool c, float[n] v) => (bool c2, float[n] v2, float[n] row)
        { c2 = Identity (c)  v2 = Relu (v)  row = Neg (v) }> }`;
    expect(shown(text, 'rows')).toBe('float32[5, n]');
  });

  test('Scan walks an axis', () => {
    const text = `${HEAD} m (float[4] h, float[b,t,4] x) => (float[4] last, float[b,t,4] rows)
      { last, rows = Scan (h, x) <num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],
        body = s (float[4] state, float[b,4] slice) => (float[4] next, float[b,4] out) { next = Relu (state)  out = Add (slice, state) }> }`;
    const { shown: of } = typesOf(text);
    expect(of('rows')).toBe('float32[b, t, 4]');
    expect(of('last')).toBe('float32[4]');
  });

  test('functions are inferred per call, with attributes and defaults of the call', () => {
    const text = `<ir_version: 9, opset_import: ["": 17, "f": 1]> m (float[n,4] x) => (float[i] a, float[j] b)
      { a = f.flat <axis = 0> (x)  b = f.flat <axis = 2> (x) }
      <domain: "f", opset_import: ["": 17]> flat <axis> (v) => (w) { w = Flatten <axis: int = @axis> (v) }`;
    const { shown: of } = typesOf(text);
    expect(of('a')).toBe('float32[1, 4*n]');
    expect(of('b')).toBe('float32[4*n, 1]');
    expect(of('v')).toBe('float32[n, 4]');
  });
});

describe('an instance stays valid while the model is edited', () => {
  test('new nodes are inferred when asked for, however long their chain', () => {
    const model = modelOf(`${HEAD} m (float[n,4] x) => (float[n,4] y) { y = Relu (x) }`);
    const types = inferTypes(model);
    let value = valueOf(model, 'x');
    for (let i = 0; i < 20_000; i++) value = model.graph.addNode({ opType: 'Neg', inputs: [value] }).outputs[0]!;
    const shape = model.graph.addNode({ opType: 'Shape', inputs: [value] }).outputs[0]!;
    expect(showType(types.of(value))).toBe('float32[n, 4]');
    expect(types.elements(shape)?.elements.map(key)).toEqual(['1*n', '4']);
  });

  test('new constants and new nodes in a body', () => {
    const model = modelOf(`${HEAD} m (int64 t, float[n] x) => (float[n] y) <bool go = {1}>
      { y = Loop (t, go, x) <body = b (int64 i, bool c, float[n] v) => (bool c2, float[n] w) { c2 = Identity (c)  w = Relu (v) }> }`);
    const types = inferTypes(model);
    const inner = anyValue(model, 'w').graph;
    const two = model.graph.addInitializer(Tensor.float32([2, 1], [1, 2]));
    const added = inner.addNode({ opType: 'Mul', inputs: [anyValue(model, 'v'), two] });
    expect(showType(types.of(added.outputs[0]!))).toBe('float32[2, n]');
  });
});

/** `depth` nested nodes If around a Relu, the innermost first; the other branches are empty. */
function nested(model: Model, condition: Value, x: Value, depth: number): Value {
  const graphs = Array.from({ length: depth }, () => new Graph(model, { kind: 'body' }));
  let holder = graphs[0]!;
  let value = holder.addNode({ opType: 'Relu', inputs: [x] }).outputs[0]!;
  for (const outer of [...graphs.slice(1), model.graph]) {
    const empty = new Graph(model, { kind: 'body' });
    empty.addOutput({ name: 'out', value: x });
    holder.addOutput({ name: 'out', value });
    const attrs = {
      then_branch: { type: 'GRAPH', value: holder },
      else_branch: { type: 'GRAPH', value: empty },
    } as const;
    value = outer.addNode({ opType: 'If', inputs: [condition], attrs }).outputs[0]!;
    holder = outer;
  }
  return value;
}

describe('depth and size', () => {
  test('1,000 nested branches take no stack', () => {
    const model = modelOf(`${HEAD} m (bool c, float[n] x) => (float[n] y) { y = Relu (x) }`);
    const value = nested(model, valueOf(model, 'c'), valueOf(model, 'x'), 1000);
    expect(showType(inferTypes(model).of(value))).toBe('float32[n]');
  });

  test('calls that double at every level end', () => {
    const levels = 40;
    let functions = `<domain: "f", opset_import: ["": 17]> f0 (a) => (b) { b = NonZero (a) }`;
    for (let i = 1; i < levels; i++) {
      functions += ` <domain: "f", opset_import: ["": 17, "f": 1]> f${i} (a) => (d) { c = f.f${i - 1} (a)  d = f.f${i - 1} (a) }`;
    }
    const model = modelOf(
      `<ir_version: 9, opset_import: ["": 17, "f": 1]> m (float[n] x) => (int64[i,j] y) { y = f.f${levels - 1} (x) } ${functions}`,
    );
    expect(inferTypes(model).diagnostics).toEqual([]);
  });
});
