import { describe, expect, test } from '@jest/globals';
import { checkWellFormed } from '../../src/analysis/wellformed.js';
import { cloneModel } from '../../src/ir/copy.js';
import { extractModel } from '../../src/ir/extract.js';
import { capturedValues } from '../../src/ir/order.js';
import { pathOf } from '../../src/ir/path.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { bytesOf, modelOf, nodeOf, textOf, valueOf } from '../support/model.js';

const CHAIN = `<ir_version: 9, opset_import: ["": 17]>
chain (float[N,4] x) => (float[N,4] y)
{ a = Relu (x)  b = Add (a, x)  y = Sigmoid (b) }`;

const NESTED = `<ir_version: 9, opset_import: ["": 17]>
nested (bool c, float[4] x) => (float[4] y)
{ a = Relu (x)
  y = If (c) <then_branch = t () => (float[4] ty) { ty = Add (a, x) }, else_branch = e () => (float[4] ey) { ey = Identity (a) }> }`;

describe('uses', () => {
  test('a graph output is a use, and a value without uses is dead', () => {
    const model = modelOf(CHAIN);
    const y = valueOf(model, 'y');
    expect([...y.uses].map((use) => use.kind)).toEqual(['output']);
    expect(y.isGraphOutput).toBe(true);
    expect(valueOf(model, 'a').uses.size).toBe(1);
    expect(valueOf(model, 'x').uses.size).toBe(2);
  });

  test('a value captured by a body lists the uses inside', () => {
    const model = modelOf(NESTED);
    expect(capturedValues(nodeOf(model, 'If')).map((value) => value.hint)).toEqual(['a', 'x']);
    expect(valueOf(model, 'a').uses.size).toBe(2);
    checkWellFormed(model);
  });

  test('replaceAllUses reaches into bodies and to graph outputs', () => {
    const model = modelOf(NESTED);
    model.graph.replaceAllUses(valueOf(model, 'a'), valueOf(model, 'x'));
    expect(valueOf(model, 'a').uses.size).toBe(0);
    checkWellFormed(model);
    model.graph.replaceAllUses(valueOf(model, 'y'), valueOf(model, 'x'));
    expect(model.graph.outputs[0]!.value).toBe(valueOf(model, 'x'));
  });

  test('a node in use cannot be erased', () => {
    const model = modelOf(CHAIN);
    expect(() => model.graph.erase(nodeOf(model, 'Relu'))).toThrow('still in use');
  });

  test('an erased node with bodies is no use of what the bodies capture', () => {
    const model = modelOf(NESTED);
    const node = nodeOf(model, 'If');
    model.graph.replaceAllUses(node.outputs[0]!, valueOf(model, 'x'));
    model.graph.erase(node);
    expect(valueOf(model, 'a').uses.size).toBe(0);
    checkWellFormed(model);
  });
});

describe('transactions', () => {
  test('a throw undoes every mutation, in bodies too', () => {
    const model = modelOf(NESTED);
    const before = bytesOf(model);
    const run = (): unknown =>
      model.transaction(() => {
        const { graph } = model;
        const k = graph.addInitializer(Tensor.float32([4], [1, 2, 3, 4]), 'k');
        const node = graph.addNode({ opType: 'Mul', inputs: [valueOf(model, 'a'), k] });
        graph.replaceAllUses(valueOf(model, 'a'), node.outputs[0]!);
        graph.setInput(node, 0, valueOf(model, 'a'));
        graph.setAttribute(nodeOf(model, 'If'), 'extra', 1);
        model.setOpset('', 18);
        throw new Error('no');
      });
    expect(run).toThrow('no');
    expect(bytesOf(model)).toEqual(before);
    expect(model.graph.edits).toBe(0);
    checkWellFormed(model);
  });

  test('returning false undoes, anything else keeps and tells the changes', () => {
    const model = modelOf(CHAIN);
    const b = valueOf(model, 'b');
    expect(model.transaction(() => (model.graph.replaceAllUses(b, valueOf(model, 'a')), false))).toBeUndefined();
    expect(b.uses.size).toBe(1);
    const changes = model.transaction(() => model.graph.replaceAllUses(b, valueOf(model, 'a')));
    expect(changes?.map((change) => change.kind)).toEqual(['set-inputs', 'replace-uses']);
  });

  test('an inner transaction that fails leaves the outer one as it was', () => {
    const model = modelOf(CHAIN);
    model.transaction(() => {
      model.graph.setHint(valueOf(model, 'a'), 'kept');
      model.transaction(() => (model.graph.setHint(valueOf(model, 'b'), 'gone'), false));
    });
    expect(textOf(model)).toContain('kept = Relu');
    expect(textOf(model)).not.toContain('gone');
  });
});

describe('emission', () => {
  test('an output that is an input gets an Identity only when names differ', () => {
    const model = modelOf(CHAIN);
    model.graph.replaceAllUses(valueOf(model, 'y'), valueOf(model, 'x'));
    expect(textOf(model)).toContain('y = Identity (x)');
  });

  test('one value behind two outputs keeps both names', () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 17]>
two (float[4] x) => (float[4] p, float[4] q) { p = Relu (x)  q = Relu (x) }`);
    const [p, q] = model.graph.outputs;
    model.graph.replaceAllUses(q!.value, p!.value);
    const text = textOf(model);
    expect(text).toContain('p = Relu (x)');
    expect(text).toContain('q = Identity (p)');
  });

  test('new nodes stand where their root stood, and names never clash', () => {
    const model = modelOf(CHAIN);
    const { graph } = model;
    const a = valueOf(model, 'a');
    const node = graph.addNode({
      opType: 'Tanh',
      inputs: [valueOf(model, 'x')],
      outputs: ['b'],
      near: nodeOf(model, 'Relu'),
    });
    graph.replaceAllUses(a, node.outputs[0]!);
    graph.erase(nodeOf(model, 'Relu'));
    expect(textOf(model)).toMatch(/b_1 = Tanh \(x\)\s+b = Add \(b_1, x\)\s+y = Sigmoid \(b\)/);
  });

  test('an omitted output stays omitted, an omitted input keeps its place', () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 17]>
m (float[4] x, float m) => (float[4] y) { y = Clip (x, , m) }`);
    expect(nodeOf(model, 'Clip').inputs.map((value) => value?.hint)).toEqual(['x', undefined, 'm']);
    model.graph.setHint(valueOf(model, 'x'), 'x');
    expect(textOf(model)).toMatch(/Clip \(x, (""|), m\)/);
  });
});

describe('copies', () => {
  test('a clone is emitted as the same bytes and shares no nodes', () => {
    const model = modelOf(NESTED);
    const copy = cloneModel(model);
    expect(bytesOf(copy)).toEqual(bytesOf(model));
    checkWellFormed(copy);
    copy.graph.replaceAllUses(valueOf(copy, 'a'), valueOf(copy, 'x'));
    expect(bytesOf(copy)).not.toEqual(bytesOf(model));
    expect(valueOf(model, 'a').uses.size).toBe(2);
  });

  test('a region is cut at the values that are given', () => {
    const model = modelOf(CHAIN);
    const a = valueOf(model, 'a');
    const cut = extractModel(model, {
      inputs: [
        { value: a, name: 'in0', type: undefined },
        { value: valueOf(model, 'x'), name: 'in1', type: undefined },
      ],
      outputs: [{ value: valueOf(model, 'y'), name: 'out', type: undefined }],
    });
    expect([...cut!.graph.topo()].map((node) => node.opType)).toEqual(['Add', 'Sigmoid']);
    expect(extractModel(model, { inputs: [], outputs: [{ value: a, name: 'out', type: undefined }] })).toBeUndefined();
  });
});

test('paths name bodies by node and attribute', () => {
  const model = modelOf(NESTED.replace('y = If', '[pick] y = If'));
  const body = nodeOf(model, 'If').bodies[0]!.graph;
  expect(pathOf([...body.nodes.values()][0]!)).toBe('main/pick.then_branch/ty');
});

test('10,000 chained nodes need no stack', () => {
  const model = modelOf(CHAIN);
  const { graph } = model;
  let value = valueOf(model, 'x');
  for (let i = 0; i < 10_000; i++) value = graph.addNode({ opType: 'Neg', inputs: [value] }).outputs[0]!;
  graph.setOutput(0, value);
  expect(graph.topo()).toHaveLength(10_003);
  checkWellFormed(model);
  expect(cloneModel(model).graph.nodes.size).toBe(10_003);
});
