import { describe, expect, jest, test } from '@jest/globals';
import type { Model } from '../../src/ir/model.js';
import { op } from '../../src/pattern/op-pattern.js';
import { any, constant, literal, oneOf, type Pat, scalar, through } from '../../src/pattern/pattern.js';
import { Search } from '../../src/pattern/search.js';
import { no, ok } from '../../src/pattern/verdict.js';
import type { Declined } from '../../src/pass/pass.js';
import { Pipeline } from '../../src/pass/pipeline.js';
import { rulePass } from '../../src/pass/rule-pass.js';
import { type RunOptions, runPipeline } from '../../src/pass/run.js';
import type { Rule } from '../../src/rewrite/rule.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { graphOf, modelOf } from '../support/model.js';

const x = any('x');

/** Runs rules as one pass, with every invariant checked; gives the number of rewrites and what was declined. */
async function run(
  model: Model,
  rules: readonly Rule[],
  options: RunOptions = {},
): Promise<{ rewrites: number; declined: string[]; operators: string[] }> {
  const pass = rulePass({ name: 'test-rules', summary: 'rules under test', semantics: 'equivalent', rules });
  const declined: string[] = [];
  const onDeclined = ({ rule, reason, matched }: Declined): void =>
    void declined.push(`${rule}: ${reason} (${matched})`);
  const result = await runPipeline(model, new Pipeline().run(pass), { verifyEach: true, onDeclined, ...options });
  const operators = [...model.graphs()].flatMap((graph) => graph.topo().map((node) => node.opType));
  return { rewrites: result.rewrites, declined, operators };
}

const doubleNeg: Rule = {
  name: 'double-neg',
  root: 'Neg',
  pattern: op.Neg(op.Neg(x)),
  rewrite: (m) => m.get(x),
};

const halve: Rule = {
  name: 'halve',
  root: 'Div',
  minOpset: 13,
  dtypes: ['float32'],
  pattern: op.Div(x, literal(2)),
  rewrite: (m, b) => b.node('Mul', [m.get(x), b.constant('half', Tensor.float32([], [0.5]))]),
};

describe('what a rule does', () => {
  test('replaces the root and removes what only it needed', async () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Abs (X) b = Neg (a) c = Neg (b) Y = Exp (c) }');
    expect(await run(model, [doubleNeg])).toEqual({ rewrites: 1, declined: [], operators: ['Abs', 'Exp'] });
  });

  test('a rewrite makes room for the next one, above and below', async () => {
    const negations = Array.from({ length: 8 }, (_, i) => `n${i + 1} = Neg (n${i})`);
    const model = graphOf(`(float[2] n0) => (float[2] Y) { ${negations.join('\n')} Y = Exp (n8) }`);
    expect(await run(model, [doubleNeg])).toMatchObject({ rewrites: 4, operators: ['Exp'] });
  });

  test('a rewrite frees a node upstream that was read twice', async () => {
    // The inner Neg is read by a second Exp, which goes away only when the rule below it has fired.
    const dropZero: Rule = {
      name: 'drop',
      root: 'Where',
      pattern: op.Where(constant('c'), x, any('other')),
      check: (m) => (m.types.fact(m.root.inputs[0]!).tensor?.ints()[0] === 1n ? ok : no('the condition may be false')),
      rewrite: (m) => m.get(x),
    };
    const model = graphOf(`(float[2] X) => (float[2] Y) <bool c = {1}> {
      a = Neg (X) b = Neg (a) d = Exp (a) Y = Where (c, b, d) }`);
    expect(await run(model, [doubleNeg, dropZero])).toMatchObject({ rewrites: 2, operators: [] });
  });

  test('a node comes again when a reader of its value goes', async () => {
    const freshSub: Rule = {
      name: 'fresh-sub',
      root: 'Sub',
      pattern: op.Sub(any('a'), x),
      check: (m) => (m.get(x).producer ? no('the operand is computed') : ok),
      rewrite: (m, b) => b.node('Exp', [m.get(x)]),
    };
    const onlyReader: Rule = {
      name: 'only-reader',
      root: 'Sqrt',
      pattern: op.Sqrt(x),
      check: (m) => (m.root.outputs[0]!.uses.size === 1 ? ok : no('it has other readers')),
      rewrite: (m, b) => b.node('Abs', [m.get(x)]),
    };
    const model = graphOf(`(float[2] X) => (float[2] Y, float[2] Z) {
      n = Neg (X) m = Neg (n) a = Sqrt (X) Y = Sub (a, m) Z = Tanh (a) }`);
    const { rewrites, operators } = await run(model, [doubleNeg, freshSub, onlyReader]);
    expect(rewrites).toBe(3);
    expect(operators.toSorted()).toEqual(['Abs', 'Exp', 'Tanh']);
  });

  test('works in bodies and in functions', async () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 17, "local": 1]>
      g (bool c, float[2] X) => (float[2] Y) {
        Z = local.F (X)
        Y = If (c) <then_branch = t () => (float[2] a) { n = Neg (Z) a = Neg (n) }, else_branch = e () => (float[2] b) { b = Exp (Z) }>
      }
      <domain: "local", opset_import: ["": 17]>
      F (X) => (Y) { h = Constant <value_float = 2.0> () A = Div (X, h) B = Neg (A) C = Neg (B) Y = Sqrt (C) }`);
    const { rewrites, operators } = await run(model, [doubleNeg, { ...halve, dtypes: undefined as never }]);
    expect(rewrites).toBe(3);
    expect(operators).toEqual(['F', 'If', 'Exp', 'Constant', 'Mul', 'Sqrt']);
  });

  test('attributes take the type that the operator declares', async () => {
    const leaky: Rule = {
      name: 'leaky',
      root: 'Abs',
      pattern: op.Abs(x),
      rewrite: (m, b) => b.node('LeakyRelu', [m.get(x)], { alpha: 1 }),
    };
    const model = graphOf('(float[2] X) => (float[2] Y) { Y = Abs (X) }');
    await run(model, [leaky]);
    expect(model.graph.topo()[0]?.attrs.get('alpha')).toEqual({ type: 'FLOAT', value: 1 });
  });

  test('is skipped when the host does not accept it, and the next rule has its turn', async () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) b = Neg (a) Y = Exp (b) }');
    const second: Rule = { ...doubleNeg, name: 'second' };
    const accept: RunOptions['accept'] = (record) => record.rule !== 'double-neg';
    expect(await run(model, [doubleNeg, second], { accept })).toMatchObject({ rewrites: 1, operators: ['Exp'] });
  });
});

test('the largest pattern wins: readers come before what they read', async () => {
  const short: Rule = {
    name: 'short',
    root: 'Sqrt',
    pattern: op.Sqrt(x),
    rewrite: (m, b) => b.node('Abs', [m.get(x)]),
  };
  const long: Rule = { name: 'long', root: 'Neg', pattern: op.Neg(op.Sqrt(x)), rewrite: (m) => m.get(x) };
  const model = graphOf('(float[2] X) => (float[2] Y) { a = Sqrt (X) b = Neg (a) Y = Exp (b) }');
  expect(await run(model, [short, long])).toMatchObject({ rewrites: 1, operators: ['Exp'] });
});

describe('what a rule declines', () => {
  test('a value between matched nodes that something else reads', async () => {
    const model = graphOf('(float[2] X) => (float[2] Y, float[2] a) { a = Neg (X) b = Neg (a) Y = Exp (b) }');
    expect((await run(model, [doubleNeg])).declined).toEqual([
      'double-neg: %a is used outside the matched nodes (2)',
      'double-neg: %X is not made by Neg (1)',
    ]);
    const captured = graphOf(`(bool c, float[2] X) => (float[2] Y) { a = Neg (X) b = Neg (a)
      Y = If (c) <then_branch = t () => (float[2] p) { p = Exp (a) }, else_branch = e () => (float[2] q) { q = Exp (b) }> }`);
    expect((await run(captured, [doubleNeg])).declined[0]).toMatch('%a is used outside the matched nodes');
  });

  test('what was skipped on the way is between matched nodes too', async () => {
    const rule: Rule = { ...doubleNeg, pattern: op.Neg(through(['Identity'], op.Neg(x))) };
    const text = (outputs: string): Model =>
      graphOf(`(float[2] X) => (${outputs}) { a = Neg (X) i = Identity (a) Y = Neg (i) }`);
    expect(await run(text('float[2] Y'), [rule])).toMatchObject({ rewrites: 1, operators: [] });
    expect((await run(text('float[2] Y, float[2] i'), [rule])).declined[0]).toMatch('%i is used outside');
  });

  test('other versions and element types', async () => {
    const text = (type: string, opset: number): Model =>
      graphOf(`(${type}[2] X) => (${type}[2] Y) <${type} c = {2.0}> { Y = Div (X, c) }`, opset);
    expect(await run(text('float', 13), [halve])).toMatchObject({ rewrites: 1, operators: ['Mul'] });
    expect((await run(text('float', 12), [halve])).declined).toEqual(['halve: opset 12 is imported, 13 is needed (1)']);
    expect((await run(text('float', 13), [{ ...halve, maxOpset: 12, minOpset: 1 }])).declined).toEqual([
      'halve: opset 13 is imported, at most 12 is possible (1)',
    ]);
    expect((await run(text('double', 13), [halve])).declined).toEqual(['halve: %Y is float64, not float32 (1)']);
  });

  test('what its check refuses, after every way to match was tried', async () => {
    const wanted = any('wanted');
    const rule: Rule = {
      name: 'pick',
      root: 'Add',
      pattern: op.Add(wanted, any('other')),
      check: (m) => (m.get(wanted).hint === 'b' ? ok : no(`it is ${m.get(wanted).hint}`, m.get(wanted))),
      rewrite: (m) => m.get(wanted),
    };
    const text = (b: string): Model =>
      graphOf(`(float[2] a, float[2] ${b}) => (float[2] Y) { s = Add (a, ${b}) Y = Neg (s) }`);
    expect(await run(text('b'), [rule])).toMatchObject({ rewrites: 1 });
    expect((await run(text('c'), [rule])).declined).toEqual(['pick: it is a at %a (1)']);
  });

  test('a rewrite that finds nothing to put in place leaves nothing behind', async () => {
    const rule: Rule = { ...doubleNeg, rewrite: (m, b) => void b.node('Abs', [m.get(x)]) };
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) b = Neg (a) Y = Exp (b) }');
    const { declined, operators } = await run(model, [rule]);
    expect(operators).toEqual(['Neg', 'Neg', 'Exp']);
    expect(declined[0]).toBe('double-neg: the rule found no replacement (2)');
  });

  test('an output that is read and gets no replacement', async () => {
    const rule: Rule = { name: 'split', root: 'Split', pattern: op.Split(x), rewrite: (m) => m.get(x) };
    const model = graphOf('(float[2] X) => (float[2] Y) { a, b = Split <axis = 0> (X) Y = Add (a, b) }');
    expect((await run(model, [rule])).declined).toEqual(['split: output 1 of Split is used (1)']);
  });
});

describe('growth', () => {
  const W = constant('W');
  const factor = scalar('factor');
  const scaleWeight: Rule = {
    name: 'scale-weight',
    root: 'Mul',
    pattern: op.Mul(op.MatMul(x, W), factor),
    rewrite: (m, b) => {
      const scaled = Tensor.float32(
        m.get(W).shape,
        m
          .get(W)
          .floats()
          .map((w) => w * m.get(factor)),
      );
      return b.node('MatMul', [m.get(x), b.constant('scaled', scaled)]);
    },
  };
  const once = 'a = MatMul (X, W) Y = Mul (a, f)';
  const twice = 'a = MatMul (X, W) y = Mul (a, f) c = MatMul (y, W) Y = Neg (c)';
  const weight = Array.from({ length: 64 }, (_, i) => i).join(', ');
  const text = (body: string): Model =>
    graphOf(`(float[8, 8] X) => (float[8, 8] Y) <float[8, 8] W = {${weight}}, float f = {3}> { ${body} }`);

  test('a constant that makes room for its copy costs nothing', async () => {
    expect(await run(text(once), [scaleWeight])).toMatchObject({ rewrites: 1 });
  });

  test('a constant that stays beside its copy is growth, less the room that nodes give up', async () => {
    const model = text(twice);
    const [declined] = (await run(model, [scaleWeight])).declined;
    const needed = Number(/grow by (\d+) bytes; 0 are allowed/.exec(declined!)?.[1]);
    expect(needed).toBeLessThanOrEqual(256 - 4);
    expect(needed).toBeGreaterThan(256 - 64);
    expect([...model.graph.initializers].map((value) => value.hint)).toEqual(['W', 'f']);
    expect(await run(text(twice), [scaleWeight], { maxGrowth: needed })).toMatchObject({ rewrites: 1 });
    expect(await run(text(twice), [scaleWeight], { maxGrowth: needed - 1 })).toMatchObject({ rewrites: 0 });
  });
});

describe('defects', () => {
  test('a replacement of another type is caught at the seam and nothing is changed', async () => {
    const toHalf: Rule = {
      name: 'to-half',
      root: 'Neg',
      pattern: op.Neg(x),
      rewrite: (m, b) => b.node('Cast', [m.get(x)], { to: 10 }),
    };
    const model = graphOf('(float[2] X) => (float[2] Y) { a = Neg (X) Y = Exp (a) }');
    await expect(run(model, [toHalf])).rejects.toThrow(
      'rule to-half puts float16[2] in the place of %a, which is float32[2]',
    );
    expect(model.graph.topo().map((node) => node.opType)).toEqual(['Neg', 'Exp']);
    const longer: Rule = { ...toHalf, rewrite: (m, b) => b.node('Concat', [m.get(x), m.get(x)], { axis: 0 }) };
    await expect(run(model, [longer])).rejects.toThrow('rule to-half puts float32[4] in the place of %a');
  });

  test('rules that undo each other end with an error', async () => {
    const swap = (from: 'Sin' | 'Cos', to: string): Rule => ({
      name: `${from}-${to}`,
      root: from,
      pattern: op[from](x),
      rewrite: (m, b) => b.node(to, [m.get(x)]),
    });
    const model = graphOf('(float[2] X) => (float[2] Y) { Y = Sin (X) }');
    await expect(run(model, [swap('Sin', 'Cos'), swap('Cos', 'Sin')])).rejects.toThrow(
      /rules keep on rewriting: the last was (Sin-Cos|Cos-Sin) at main\/Y/,
    );
  });

  test('a rule that says where it starts must be right, and names are unique', async () => {
    const model = graphOf('(float[2] X) => (float[2] Y) { Y = Neg (X) }');
    await expect(run(model, [{ ...doubleNeg, root: 'Abs' }])).rejects.toThrow(
      'declares root Abs, its pattern starts with Neg',
    );
    await expect(run(model, [doubleNeg, doubleNeg])).rejects.toThrow('two rules are called double-neg');
    await expect(run(model, [{ ...doubleNeg, semantics: 'changes-function' }])).rejects.toThrow('promises less');
  });
});

test.each([250, 2500])(
  '50 rules on %i layers: work grows with the nodes of an operator and its rules',
  async (count) => {
    const layers = Array.from(
      { length: count },
      (_, i) => `a${i} = Mul (t${i}, g)  b${i} = Add (a${i}, h)  c${i} = Sqrt (b${i})  t${i + 1} = Add (c${i}, t${i})`,
    );
    const model = graphOf(
      `(float[4] t0) => (float[4] Y) <float[4] g = {1, 2, 3, 4}, float[4] h = {1, 2, 3, 4}> { ${layers.join('\n')} Y = Neg (t${count}) }`,
    );
    let reads = 0;
    const square = (p: Pat): Pat => oneOf(op.Mul(p, p), op.Pow(p, literal(2)));
    const rules = Array.from({ length: 50 }, (_, i): Rule => {
      const w = constant(`w${i}`);
      const normalized = op.Div(op.Sub(x, w), op.Sqrt(op.Add(square(x), scalar('e'))));
      const [root, pattern] = (
        [
          ['Add', op.Add(op.Mul(normalized, w), w)],
          ['Mul', op.Mul(normalized, w)],
          ['Sqrt', op.Sqrt(op.Add(op.Mul(x, w), op.Neg(w)))],
          ['Neg', op.Neg(normalized)],
          ['Div', normalized],
        ] as const
      )[i % 5]!;
      return {
        name: `rule-${i}`,
        root,
        get pattern() {
          reads++;
          return pattern;
        },
        rewrite: () => undefined,
      };
    });
    const pass = rulePass({ name: 'many', summary: 'many rules', semantics: 'exact', rules });
    reads = 0;
    const visits = jest.spyOn(Search.prototype, 'run');
    const result = await runPipeline(model, new Pipeline().run(pass));
    const searches = visits.mock.calls.length;
    visits.mockRestore();
    expect(result.rewrites).toBe(0);
    // Each rule looks once at each node of its operator: 10 rules each for 2 Add, 1 Mul and 1 Sqrt per layer, and for the one Neg.
    expect(reads - searches).toBe(10 * (4 * count + 1));
    // What the operators below a node rule out is not searched: b = Add (Mul, h) and c = Sqrt (Add) are what looks like a pattern.
    expect(searches).toBe(10 * 2 * count);
  },
);
