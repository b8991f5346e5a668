import { describe, expect, test } from '@jest/globals';
import { diff, type DiffReport } from '../../src/api/diff.js';
import { graphOf, modelOf } from '../support/model.js';

const compare = (before: string, after: string): DiffReport => diff(graphOf(before), graphOf(after));

/** The operators of each replacement: `Sub, Pow → LayerNormalization`. */
const replaced = (report: DiffReport): readonly string[] =>
  report.nodes.replaced.map(({ removed, added }) =>
    [removed, added].map((list) => list.map(({ op }) => op).join()).join(' → '),
  );

const MLP = `(float[N, 4] x) => (float[N, 4] y)
  <float[4, 8] a = ["location": "fill:normal", "seed": "1"], float[8, 4] b = ["location": "fill:normal", "seed": "2"]>
  { h = MatMul (x, a) r = Relu (h) o = MatMul (r, b) y = Add (x, o) }`;

describe('what is the same', () => {
  test('a model and itself', () => {
    expect(compare(MLP, MLP)).toMatchObject({
      same: true,
      nodes: { matched: 4, changed: [], replaced: [] },
      weights: { equal: 2, changed: [] },
    });
  });

  test('names of nodes, values and weights', () => {
    const other = MLP.replaceAll(/\b(a|b|h|r|o)\b(?! *Mul)/g, 'other_$1');
    expect(other).not.toBe(MLP);
    expect(compare(MLP, other).same).toBe(true);
  });

  test('operands of Add in another order, the order of the text, a weight in a Constant node', () => {
    const other = MLP.replace('Add (x, o)', 'Add (o, x)').replace(
      '{ h',
      '{ c = Constant <value = float[1] {1}> () u = Identity (c) h',
    );
    expect(compare(MLP, MLP.replace('Add (x, o)', 'Add (o, x)')).same).toBe(true);
    expect(replaced(compare(MLP, other))).toEqual([' → Identity']);
  });

  test('an attribute that is spelled out with its default', () => {
    const model = (attrs: string): string => `(float[N, 4] x) => (float[N, 4] y) { y = Softmax ${attrs} (x) }`;
    expect(compare(model(''), model('<axis = -1>')).same).toBe(true);
    expect(compare(model(''), model('<axis = 0>')).nodes.changed).toEqual([
      { before: 'main/y', after: 'main/y', op: 'Softmax', attributes: { axis: { before: -1, after: 0 } }, inputs: {} },
    ]);
  });
});

describe('what changed', () => {
  test('an operator: Relu became Tanh, nothing else', () => {
    const report = compare(MLP, MLP.replace('Relu', 'Tanh'));
    expect(replaced(report)).toEqual(['Relu → Tanh']);
    expect(report.operators).toEqual({ Relu: { before: 1, after: 0 }, Tanh: { before: 0, after: 1 } });
    expect(report.nodes).toMatchObject({ matched: 3, changed: [] });
    expect(report.same).toBe(false);
  });

  test('operands of Sub in another order', () => {
    const model = (operands: string): string =>
      `(float[N] x, float[N] z) => (float[N] y) { a = Abs (x) b = Neg (z) y = Sub (${operands}) }`;
    const { nodes } = compare(model('a, b'), model('b, a'));
    expect(nodes.replaced).toEqual([]);
    expect(nodes.changed).toEqual([
      {
        before: 'main/y',
        after: 'main/y',
        op: 'Sub',
        attributes: {},
        inputs: { A: { before: 'a', after: 'b' }, B: { before: 'b', after: 'a' } },
      },
    ]);
  });

  test('elements of a weight: how many and by how much, -0 included', () => {
    const model = (values: string): string =>
      `(float[N, 4] x) => (float[N, 4] y) <float[4] w = {${values}}> { y = Mul (x, w) }`;
    const [change] = compare(model('1, 2, 0, 4'), model('1, 2.5, -0.0, 4')).weights.changed;
    expect(change).toMatchObject({
      node: 'main/y',
      slot: 'B',
      before: { name: 'w', dtype: 'float32', shape: [4] },
      difference: { elements: 2, maxAbs: 0.5, maxRel: 0.125 },
    });
    const other = `(float[N, 4] x) => (float[N, 4] y) <float[1] w = {1}> { y = Mul (x, w) }`;
    expect(compare(model('1, 2, 0, 4'), other).weights.changed).toMatchObject([
      { after: { shape: [1] }, difference: null },
    ]);
  });

  test('a node between two layers, and one that is gone', () => {
    const more = MLP.replace('y = Add (x, o)', 's = Add (x, o) y = Tanh (s)');
    expect(replaced(compare(MLP, more))).toEqual([' → Tanh']);
    expect(replaced(compare(more, MLP))).toEqual(['Tanh → ']);
    expect(compare(MLP, more)).toMatchObject({ nodes: { matched: 4, changed: [] }, weights: { equal: 2, added: [] } });
  });

  test('inputs and outputs: gone, new, of another type', () => {
    const report = compare(
      '(float[N, 4] x, float[4] s) => (float[N, 4] y) { y = Add (x, s) }',
      '(float[2, 4] x, float[4] t) => (float[2, 4] y, float[4] z) { y = Add (x, t) z = Neg (t) }',
    );
    expect(report.inputs).toMatchObject({
      removed: [{ name: 's' }],
      added: [{ name: 't' }],
      changed: [{ name: 'x', before: { shape: ['N', 4] }, after: { shape: [2, 4] } }],
    });
    expect(report.outputs).toMatchObject({ removed: [], added: [{ name: 'z' }], changed: [{ name: 'y' }] });
    expect(report.shapes).toContainEqual({
      value: 'y',
      node: 'main/y',
      before: { dtype: 'float32', shape: ['N', 4] },
      after: { dtype: 'float32', shape: [2, 4] },
    });
    expect(report.nodes.changed).toEqual([]);
  });

  test('inside the body of an If, and inside a function', () => {
    const branchy = (op: string): string => `(bool c, float[N] x) => (float[N] y) {
      y = If (c) <then_branch = t () => (float[N] u) { u = Neg (x) }, else_branch = e () => (float[N] v) { v = ${op} (x) }>
    }`;
    const report = compare(branchy('Abs'), branchy('Exp'));
    expect(replaced(report)).toEqual(['Abs → Exp']);
    expect(report.nodes.replaced[0]!.removed[0]!.node).toBe('main/y.else_branch/v');
    const calling = (
      op: string,
    ): string => `<ir_version: 9, opset_import: ["": 17, "f": 1]> g (float[N] x) => (float[N] y) { y = f.act (x) }
      <domain: "f", opset_import: ["": 17]> act (a) => (b) { b = ${op} (a) }`;
    expect(replaced(diff(modelOf(calling('Abs')), modelOf(calling('Exp'))))).toEqual(['Abs → Exp']);
  });
});

/** Layers of x + MatMul(norm(x), w). */
function network(
  layers: number,
  norm: (x: string, out: string) => string,
  seedOf = (layer: number): number => layer,
): string {
  const weights = Array.from(
    { length: layers },
    (_, i) => `float[8, 8] w${i} = ["location": "fill:normal", "seed": "${seedOf(i)}"]`,
  );
  const body = Array.from(
    { length: layers },
    (_, i) => `${norm(`s${i}`, `n${i}`)} h${i} = MatMul (n${i}, w${i}) s${i + 1} = Add (s${i}, h${i})`,
  );
  return `(float[N, 8] x) => (float[N, 8] y) <float[8] g = ["location": "fill:constant", "value": "1"], ${weights.join(', ')}>
    { s0 = Identity (x) ${body.join('\n')} y = Identity (s${layers}) }`;
}
const fused = (x: string, out: string): string => `${out} = LayerNormalization (${x}, g)`;
const spelled = (x: string, out: string): string =>
  `${out}m = ReduceMean <axes = [-1]> (${x}) ${out}d = Sub (${x}, ${out}m) ${out}q = Mul (${out}d, ${out}d) ${out}v = ReduceMean <axes = [-1]> (${out}q)
   ${out}s = Sqrt (${out}v) ${out}z = Div (${out}d, ${out}s) ${out} = Mul (${out}z, g)`;

describe('repeated layers', () => {
  test('each norm that was fused is one replacement, also where every weight is another', () => {
    for (const seedOf of [(layer: number) => layer, (layer: number) => layer + 100]) {
      const report = compare(network(6, spelled), network(6, fused, seedOf));
      expect(replaced(report)).toEqual(
        Array(6).fill('ReduceMean,Sub,Mul,ReduceMean,Sqrt,Div,Mul → LayerNormalization'),
      );
      expect(report.nodes.matched).toBe(6 * 2 + 2);
      expect(report.weights.changed).toHaveLength(seedOf(0) === 0 ? 0 : 6);
    }
  });

  test('one layer less: its nodes and its weight alone', () => {
    const seeds = [0, 1, 3, 4];
    const report = compare(
      network(5, fused),
      network(4, fused, (layer) => seeds[layer]!),
    );
    // The norm in front of a layer and the one behind it are the same: either may be the one that is gone.
    expect(replaced(report)).toEqual(['MatMul,Add,LayerNormalization → ']);
    expect(report.weights).toMatchObject({ equal: 5, changed: [], removed: [{ name: 'w2' }], added: [] });
    expect(report.residual).toMatchObject({ kept: 4, changed: [], removed: [{ node: 's3' }], added: [] });
  });

  test('norms that moved: sites stay, with their placement before and after', () => {
    const post = (layers: number): string =>
      network(layers, (x, out) => `${out} = Identity (${x})`).replaceAll(
        /s(\d+) = Add \((\w+), (\w+)\)/g,
        'a$1 = Add ($2, $3) s$1 = LayerNormalization (a$1, g)',
      );
    const { residual } = compare(network(3, fused), post(3));
    expect(residual).toMatchObject({
      kept: 3,
      removed: [],
      added: [],
      before: { placements: { pre: 3 } },
      after: { placements: { post: 3 } },
    });
    expect(residual.changed.map(({ facts }) => facts[0])).toEqual(
      Array(3).fill({ name: 'placement', before: 'pre', after: 'post' }),
    );
  });

  test('ten thousand nodes in a chain', () => {
    const chain = (from: string): string =>
      `(float[N] x) => (float[N] y) { v0 = ${from} (x) ${Array.from({ length: 10_000 }, (_, i) => `v${i + 1} = Neg (v${i})`).join(' ')} y = Neg (v10000) }`;
    expect(replaced(compare(chain('Abs'), chain('Exp')))).toEqual(['Abs → Exp']);
  });
});
