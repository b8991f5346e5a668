import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { optimize, type Optimized } from '../../src/api/optimize.js';
import { bisect } from '../../src/api/bisect.js';
import { float } from '../../src/ir/attribute.js';
import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import type { Semantics } from '../../src/pass/pass.js';
import { Pipeline } from '../../src/pass/pipeline.js';
import type { AnyPass } from '../../src/pass/run.js';
import type { Edit } from '../../src/rewrite/edit.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { graphOf, textOf } from '../support/model.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

type Rule = (node: Node, edit: Edit) => boolean | void;

/** A pass that applies one rule to every node of an operator. */
function pass(name: string, opType: string, rule: Rule, semantics: Semantics = 'equivalent'): AnyPass {
  return {
    name,
    summary: 'planted',
    semantics,
    run(model, cx) {
      for (const node of [...model.graph.topo()]) {
        if (node.alive && node.opType === opType) cx.rewrite(name, node, (edit) => rule(node, edit));
      }
    },
  };
}

/** Puts a node in the place of the first output of another one. */
function instead(edit: Edit, node: Node, opType: string, inputs: Node['inputs'], attrs = {}): void {
  edit.replace(node.outputs[0]!, edit.node(opType, inputs, attrs));
}

const run = (model: Model, ...passes: AnyPass[]): Promise<Optimized> =>
  optimize(model, { pipeline: passes.reduce((pipeline, each) => pipeline.run(each), new Pipeline()), runtime });

const CHAIN = `(float[batch, 8] X) => (float[batch, 8] Y)
<float[8] g = ["location": "fill:uniform", "low": "0.5", "high": "1.5", "seed": "1"],
 float[8] b = ["location": "fill:normal", "seed": "2"], float[8, 8] W = ["location": "fill:normal", "seed": "3"]>
{ h = LayerNormalization <axis = -1, epsilon = 1e-5> (X, g, b)
  m = MatMul (h, W)
  a = Add (m, b)
  s = Softmax <axis = -1> (a)
  r = Relu (a)
  d = Sub (r, s)
  n = Neg (d)
  Y = Neg (n) }`;

/** What a rule does to one node, right; and ways to get it wrong. */
const WRONG: readonly (readonly [string, string, Rule])[] = [
  ['epsilon off by ten', 'LayerNormalization', (node, edit) => {
    instead(edit, node, 'LayerNormalization', node.inputs, { axis: -1, epsilon: float(1e-6) });
  }],
  ['bias of a norm dropped', 'LayerNormalization', (node, edit) => {
    instead(edit, node, 'LayerNormalization', node.inputs.slice(0, 2), { axis: -1, epsilon: float(1e-5) });
  }],
  ['square weight transposed', 'MatMul', (node, edit) => {
    const [x, w] = node.inputs;
    instead(edit, node, 'MatMul', [x, edit.node('Transpose', [w], { perm: [1, 0] })]);
  }],
  ['bias dropped', 'Add', (node, edit) => {
    edit.replace(node.outputs[0]!, node.inputs[0]!);
  }],
  ['operands of Sub swapped', 'Sub', (node, edit) => {
    instead(edit, node, 'Sub', [node.inputs[1], node.inputs[0]]);
  }],
  ['softmax over another axis', 'Softmax', (node, edit) => {
    instead(edit, node, 'Softmax', node.inputs, { axis: 0 });
  }],
  ['activation lost', 'Relu', (node, edit) => {
    edit.replace(node.outputs[0]!, node.inputs[0]!);
  }],
  ['one element of a weight changed by a thousandth', 'MatMul', (node, edit) => {
    const values = Float32Array.from(node.inputs[1]!.constant!.floats());
    values[17]! *= 1.001;
    instead(edit, node, 'MatMul', [node.inputs[0], edit.constant('w', Tensor.float32([8, 8], values))]);
  }],
  ['a shape that the runtime refuses', 'Add', (node, edit) => {
    instead(edit, node, 'Add', [node.inputs[0], edit.constant('c', Tensor.float32([3], [1, 2, 3]))]);
  }],
]; // prettier-ignore

/** Right, and exact in every bit. */
const doubleNegation = pass('double-negation', 'Neg', (node, edit) => {
  const inner = node.inputs[0]!.producer;
  if (inner?.opType !== 'Neg') return false;
  edit.replace(node.outputs[0]!, inner.inputs[0]!);
  return true;
}, 'exact'); // prettier-ignore

describe('a wrong rule is taken back alone', () => {
  test.each(WRONG)('%s', async (_what, opType, rule) => {
    const { model, report } = await run(graphOf(CHAIN), pass('planted', opType, rule), doubleNegation);
    expect(report.reverted.map((each) => each.pass)).toEqual(['planted']);
    expect(report.verification.status).toBe('reverted');
    const operators = [...model.graph.nodes.values()].map((node) => node.opType).sort();
    expect(operators).toEqual(['Add', 'LayerNormalization', 'MatMul', 'Relu', 'Softmax', 'Sub']);
  });

  const masked: [string, string, string][] = [
    ['added', 'float[1, n] M', 'q = MatMul (X, W) a = Add (q, M) p = Softmax (a)'],
    ['choosing', 'bool[1, n] M', 'q = MatMul (X, W) a = Where (M, q, low) p = Softmax (a)'],
    ['in the scores', 'float[1, n] M', 'a = Add (X, M) e = Erf (a) p = Softmax (a) '],
  ];
  test.each(masked)('rows that a mask hides as a whole (%s) are no empty rows', async (_how, mask, body) => {
    const low = -3.4028234663852886e38;
    const text = `(float[n, n] X, ${mask}) => (float[n, n] Y)
      <float[3, 3] W = {1, 2, 0, 0, 1, 1, 2, 0, 1}, float low = {${low}}> { ${body} Y = Exp (p) }`; // prettier-ignore
    const emptying = pass('planted', 'Softmax', (node, edit) => {
      const scores = node.inputs[0]!;
      const hidden = edit.node('Less', [scores, edit.constant('edge', Tensor.float32([], [-1000]))]);
      const inputs = [hidden, edit.constant('none', Tensor.float32([], [-Infinity])), scores];
      instead(edit, node, 'Softmax', [edit.node('Where', inputs)], node.attrs);
    });
    const { report } = await run(graphOf(text), emptying);
    expect(report.reverted.map(({ why }) => why)).toEqual([expect.stringMatching(/on rows hidden by/)]);
  });

  test('an exact rule may not lose the sign of a zero', async () => {
    const addition = pass('planted', 'Add', (node, edit) => {
      edit.replace(node.outputs[0]!, node.inputs[0]!);
    }, 'exact'); // prettier-ignore
    const text = '(float[n] X) => (float[n] Y) <float zero = {0}> { Y0 = Add (X, zero) Y = Reciprocal (Y0) }';
    const { report } = await run(graphOf(text), addition);
    expect(report.reverted).toHaveLength(1);
    expect(report.reverted[0]!.why).toMatch(/zeros of the other sign/);
  });

  test('a default that a caller may override is no constant', async () => {
    const text = '(float[n] X, float w) => (float[n] Y) <float w = {2}> { Y = Mul (X, w) }';
    const folding = pass('planted', 'Mul', (node, edit) => {
      instead(edit, node, 'Add', [node.inputs[0], node.inputs[0]]);
    });
    const { report } = await run(graphOf(text), folding);
    expect(report.reverted).toHaveLength(1);
  });

  test('a rule that is right is kept, whatever feeds it', async () => {
    // Relu after Relu does nothing, though alone it would: the region is widened until the first one is in it.
    const text = '(float[n, 4] X) => (float[n, 4] Y) { a = Relu (X) b = Relu (a) Y = Exp (b) }';
    const second = pass('relu-twice', 'Relu', (node, edit) => {
      if (node.inputs[0]!.producer?.opType !== 'Relu') return false;
      edit.replace(node.outputs[0]!, node.inputs[0]!);
      return true;
    }, 'exact'); // prettier-ignore
    const { model, report } = await run(graphOf(text), second);
    expect(report.verification.status).toBe('verified');
    expect(report.verification.method).toBe('whole+regions');
    expect(model.graph.nodes.size).toBe(2);
  });
});

describe('a rule that is right only for some of its sites', () => {
  const layers = Array.from({ length: 12 }, (_, i) => `h${i + 1} = Add (h${i}, c${i})`).join('\n');
  const constants = Array.from({ length: 12 }, (_, i) => `float[4] c${i} = {${i === 7 ? 1 : 0}, 0, 0, 0}`).join(', ');
  const text = `(float[n, 4] h0) => (float[n, 4] h12) <${constants}> { ${layers} }`;

  test('is taken back there and kept elsewhere', async () => {
    const removal = pass('planted', 'Add', (node, edit) => {
      edit.replace(node.outputs[0]!, node.inputs[0]!);
    }); // prettier-ignore
    const { model, report } = await run(graphOf(text), removal);
    expect(report.reverted.map((each) => each.site)).toEqual(['main/h8']);
    expect(model.graph.nodes.size).toBe(1);
  });
});

describe('bisect', () => {
  const count = 400;
  const body = Array.from({ length: count }, (_, i) => `h${i + 1} = Neg (h${i})`).join('\n');
  const text = `(float[4] h0) => (float[4] h${count}) { ${body} }`;

  test('finds the wrong one among 400 rewrites in at most 12 comparisons', async () => {
    const rule = pass('planted', 'Neg', (node, edit) => {
      if (node.outputs[0]!.hint === 'h137') instead(edit, node, 'Abs', node.inputs);
      else instead(edit, node, 'Sub', [edit.constant('zero', Tensor.float32([], [0])), node.inputs[0]]);
    }); // prettier-ignore
    const { report, reproducer } = await bisect(graphOf(text), undefined, {
      pipeline: new Pipeline().run(rule),
      runtime,
    });
    expect(report).toMatchObject({ found: true, rewrites: count, rewrite: { number: 137, at: 'main/h137' } });
    expect(report.runs).toBeLessThanOrEqual(12);
    expect(reproducer).toMatch(/^# pipeline: planted\n/);
    expect(reproducer).toMatch(/Neg \(/);
    expect(reproducer!.match(/= Neg/g)).toHaveLength(1);
  });

  test('finds where two models part', async () => {
    const other = graphOf(text.replace('h300 = Neg (h299)', 'h300 = Abs (h299)'));
    const { report } = await bisect(graphOf(text), other, { runtime });
    expect(report).toMatchObject({ found: true, value: { name: 'h300', op: 'Neg', node: 'main/h300' } });
    expect(report.runs).toBeLessThanOrEqual(12);
  });

  test('finds nothing in a model and itself', async () => {
    expect((await bisect(graphOf(CHAIN), graphOf(CHAIN), { runtime })).report.found).toBe(false);
    expect((await bisect(graphOf(CHAIN), undefined, { runtime })).report.found).toBe(false);
  });
});

describe('a pass that fails', () => {
  test('gives the smallest model on which it fails, and its name', async () => {
    const broken = pass('broken', 'Softmax', () => {
      throw new TypeError('no such axis');
    });
    const failure = await run(graphOf(CHAIN), doubleNegation, broken).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ name: 'InvariantError', pass: 'broken', message: 'pass broken: no such axis' });
    const { reproducer } = failure as { reproducer: string };
    expect(reproducer).toMatch(/^# pipeline: broken\n/);
    expect(reproducer).toMatch(/Softmax/);
    expect(reproducer).not.toMatch(/MatMul|Relu|LayerNormalization/);
  });

  test('is named also when only the check of the whole model notices', async () => {
    const breaks = pass('breaks', 'Relu', (node, edit) => {
      instead(edit, node, 'Relu', [node.inputs[0], node.inputs[0]]);
    });
    const failure = await run(graphOf(CHAIN), doubleNegation, breaks).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ pass: 'breaks' });
  });
});

test('what would make the file grow is left out, the rest is kept', async () => {
  const bloat = pass('bloat', 'Relu', (node, edit) => {
    const zeros = edit.constant('zeros', Tensor.float32([64, 8, 8], new Float32Array(4096)));
    instead(edit, node, 'Add', [edit.node('Relu', node.inputs), edit.node('ReduceSum', [zeros], { keepdims: 0 })]);
  });
  const original = graphOf(CHAIN);
  const before = textOf(original);
  const { report, model } = await run(original, bloat, doubleNegation);
  expect(report.reverted.map((each) => each.pass)).toEqual(['bloat']);
  expect(report.bytes.after).toBeLessThanOrEqual(report.bytes.before);
  expect([...model.graph.nodes.values()].some((node) => node.opType === 'Neg')).toBe(false);
  expect(textOf(original)).toBe(before);
});

const APART = `(float[batch, 8] X) => (float[batch, 8] Y)
{ a = Relu (X)
  b = Tanh (a)
  c = Relu (b)
  d = Tanh (c)
  e = Relu (d)
  Y = Tanh (e) }`;

const ZERO = Tensor.float32([], [0]);

/** One rewrite of all Relus, the last of them as it says. */
function relus(last: (edit: Edit, node: Node) => void): AnyPass {
  const run: AnyPass['run'] = (model, cx) => {
    const found = [...model.graph.topo()].filter(({ opType }) => opType === 'Relu');
    cx.rewrite('all-at-once', found[0]!, (edit) => {
      for (const node of found.slice(0, -1)) instead(edit, node, 'Max', [node.inputs[0], edit.constant('', ZERO)]);
      last(edit, found.at(-1)!);
    });
  };
  return { name: 'all-at-once', summary: 'planted', semantics: 'equivalent', run };
}

describe('a rewrite of parts that stand apart', () => {
  test('equal parts are of one kind', async () => {
    const { report } = await run(
      graphOf(APART),
      relus((edit, node) => {
        instead(edit, node, 'Max', [node.inputs[0], edit.constant('', ZERO)]);
      }),
    );
    expect(report.verification).toMatchObject({ status: 'verified', regions: 3, distinctRegions: 1 });
  });

  test('one wrong part takes the rewrite back, once', async () => {
    const model = graphOf(APART);
    const { report, model: result } = await run(
      model,
      relus((edit, node) => {
        instead(edit, node, 'LeakyRelu', [node.inputs[0]], { alpha: float(0.01) });
      }),
    );
    expect(report.reverted).toMatchObject([{ pass: 'all-at-once' }]);
    expect(textOf(result)).toBe(textOf(model));
  });
});
