import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isDeterministic, trainingMode } from '../../src/analysis/training.js';
import type { NodeSpec } from '../../src/ir/slots.js';
import { Model } from '../../src/ir/model.js';
import type { Value } from '../../src/ir/value.js';
import { create } from '../../src/proto/create.js';
import {
  findRuntimeSchema,
  findSchema,
  operatorNames,
  SCHEMA_DOMAINS,
  schemaVersions,
} from '../../src/schema/schema.js';
import * as traits from '../../src/schema/traits.js';
import type { Operator } from '../../src/schema/traits.js';
import { Tensor } from '../../src/tensor/tensor.js';

const onnx = (opType: string): Operator => ({ domain: '', opType });
const microsoft = (opType: string): Operator => ({ domain: 'com.microsoft', opType });

const predicates = {
  commutative: (op: Operator) => traits.isCommutative(op),
  unary: traits.isElementwiseUnary,
  broadcasting: traits.isBroadcasting,
  layout: traits.isLayout,
  movement: traits.isDataMovement,
  reduction: traits.isReduction,
  pooling: traits.isPooling,
  normalization: traits.isNormalization,
  mixing: traits.isMixing,
};

const all: readonly Operator[] = SCHEMA_DOMAINS.flatMap((domain) =>
  operatorNames(domain).map((opType) => ({ domain, opType })),
);

/** Names of the default domain's operators that have a trait. */
function having(has: (op: Operator) => boolean): readonly string[] {
  return operatorNames('').filter((opType) => has(onnx(opType)));
}

describe('traits by operator', () => {
  test('every operator named in a list exists', () => {
    const source = readFileSync(new URL('../../src/schema/traits.ts', import.meta.url), 'utf8');
    const lists = [...source.matchAll(/operators\(\s*((?:'[^']*'|`[^`]*`|,|\s)*)\)/g)];
    const names = lists.flatMap(([, list = '']) => list.match(/[A-Za-z]\w*(?:\.\w+)*/g) ?? []);
    const known = new Set(all.flatMap(({ domain, opType }) => [opType, `${domain}.${opType}`]));
    expect(names.length).toBeGreaterThan(200);
    expect(names.filter((name) => !known.has(name) && name !== 'SimplifiedLayerNormalization')).toEqual([]);
  });

  test('the operands of a commutative operator are of one type, and there are at least two', () => {
    for (const opType of having(predicates.commutative)) {
      const { inputs } = schemaVersions('', opType).at(-1) ?? { inputs: [] };
      expect(inputs.length === 2 || inputs[0]?.option === 'Variadic').toBe(true);
      expect(new Set(inputs.map(({ type }) => type)).size).toBe(1);
    }
    expect(having(predicates.commutative)).not.toContain('Sub');
    expect(traits.isCommutative(onnx('MatMul'))).toBe(false);
    expect(traits.isCommutative(microsoft('Add'))).toBe(false);
  });

  test('Add broadcasts to one side before opset 7 and does not commute there; Max does', () => {
    expect(traits.isCommutative(onnx('Add'), 6)).toBe(false);
    expect(traits.isCommutative(onnx('Add'), 7)).toBe(true);
    expect(traits.isCommutative(onnx('Max'), 6)).toBe(true);
  });

  test('an operator is in one of the families at most', () => {
    const families = [
      predicates.reduction,
      predicates.pooling,
      predicates.normalization,
      traits.isMatrixProduct,
      traits.isConvolution,
      traits.isAttention,
      traits.isRecurrent,
    ];
    for (const op of all) {
      const found = families.filter((has) => has(op)).length + Number(traits.isElementwise(op));
      if (found > 1) throw new Error(`${op.domain}.${op.opType} is in ${found} families`);
    }
  });

  test('an elementwise unary operator has a first input of its own and one output', () => {
    for (const opType of having(predicates.unary)) {
      const { inputs, outputs } = schemaVersions('', opType).at(-1) ?? { inputs: [], outputs: [] };
      expect(inputs[0]?.option).toBe('Single');
      expect(outputs).toHaveLength(1);
    }
    expect(having(predicates.unary)).toEqual(expect.arrayContaining(['Relu', 'Gelu', 'Clip', 'Identity']));
    expect(traits.isElementwiseUnary(onnx('Softmax'))).toBe(false);
    expect(traits.isElementwiseUnary(onnx('CumSum'))).toBe(false);
  });

  test('layout operators move data, casts do not', () => {
    for (const opType of having(predicates.layout)) expect(traits.isDataMovement(onnx(opType))).toBe(true);
    expect(traits.isLayout(onnx('Slice'))).toBe(false);
    expect(traits.isDataMovement(onnx('Slice'))).toBe(true);
    expect(traits.isDataMovement(onnx('Cast'))).toBe(false);
    expect(traits.isCast(onnx('CastLike'))).toBe(true);
  });

  test('scatters may add, linear resampling interpolates: no mere movement of data', () => {
    expect(traits.isDataMovement(onnx('ScatterND'))).toBe(false);
    expect(traits.isDataMovement(onnx('Resize'))).toBe(false);
  });

  test('mixing operators of every kind, in the default domain and in others', () => {
    const mixing = ['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'Einsum', 'Attention', 'LSTM', 'GRU', 'RNN', 'DFT'];
    for (const opType of mixing) expect(traits.isMixing(onnx(opType))).toBe(true);
    for (const opType of ['MatMulNBits', 'FusedConv', 'GroupQueryAttention', 'QMoE'])
      expect(traits.isMixing(microsoft(opType))).toBe(true);
    expect(traits.isMixing({ domain: 'com.ms.internal.nhwc', opType: 'Conv' })).toBe(true);
    expect(traits.isMixing({ domain: 'ai.onnx.preview', opType: 'FlexAttention' })).toBe(true);
    for (const opType of ['Mul', 'Pow', 'LayerNormalization', 'Softmax', 'Gather', 'AveragePool'])
      expect(traits.isMixing(onnx(opType))).toBe(false);
    expect(traits.isMixing({ domain: 'example.org', opType: 'MatMul' })).toBe(false);
  });

  test('both spellings of the default domain are one', () => {
    expect(traits.isMixing({ domain: 'ai.onnx', opType: 'MatMul' })).toBe(true);
    expect(traits.isReduction({ domain: 'ai.onnx', opType: 'ReduceMean' })).toBe(true);
  });

  test('bodies are found in the schema', () => {
    expect(having(traits.hasBodies)).toEqual(['If', 'Loop', 'Scan', 'SequenceMap']);
    expect(traits.hasBodies(microsoft('BeamSearch'))).toBe(true);
  });

  test('random operators; what is unknown may do anything', () => {
    expect(having((op) => traits.randomness(op) !== 'never')).toEqual([
      'Bernoulli',
      'Dropout',
      'Multinomial',
      'RandomNormal',
      'RandomNormalLike',
      'RandomUniform',
      'RandomUniformLike',
    ]);
    expect(traits.randomness(onnx('Dropout'))).toBe('in-training');
    expect(traits.randomness({ domain: 'example.org', opType: 'Add' })).toBe('unknown');
    expect(traits.mayHaveEffects({ domain: 'example.org', opType: 'Add' })).toBe(true);
    expect(traits.mayHaveEffects(microsoft('PagedAttention'))).toBe(true);
    expect(having(traits.mayHaveEffects)).toEqual([]);
  });

  test('inputs of which only type and shape count', () => {
    expect(traits.readsTypeOnly(onnx('Shape'), 0)).toBe(true);
    expect(traits.readsTypeOnly(onnx('CastLike'), 0)).toBe(false);
    expect(traits.readsTypeOnly(onnx('CastLike'), 1)).toBe(true);
    expect(traits.readsTypeOnly(onnx('Bernoulli'), 0)).toBe(false);
    expect(traits.readsTypeOnly(onnx('constructor'), 0)).toBe(false);
  });
});

test('what onnxruntime adds to the default domain is known, but is not the standard', () => {
  expect(findSchema('', 'SimplifiedLayerNormalization', 17)).toBeUndefined();
  expect(findRuntimeSchema('ai.onnx', 'SimplifiedLayerNormalization', 17)?.domain).toBe('');
  expect(findSchema('', 'LayerNormalization', 16)).toBeUndefined();
  expect(findRuntimeSchema('', 'LayerNormalization', 16)?.since).toBe(1);
  expect(findRuntimeSchema('', 'LayerNormalization', 17)?.since).toBe(17);
  expect(findRuntimeSchema('example.org', 'LayerNormalization', 16)).toBeUndefined();
  expect(traits.randomness(onnx('SimplifiedLayerNormalization'))).toBe('never');
});

describe('training mode', () => {
  function node(opset: number, spec: Omit<NodeSpec, 'inputs'>, ...inputs: readonly (Tensor | 'input' | undefined)[]) {
    const model = new Model(create('ModelProto', {}), { irVersion: 8, opsets: new Map([['', opset]]) });
    const values: readonly (Value | undefined)[] = inputs.map((input, i) =>
      input === 'input'
        ? model.graph.addInput({ name: `x${i}` })
        : input === undefined
          ? undefined
          : model.graph.addInitializer(input),
    );
    return model.graph.addNode({ ...spec, inputs: values });
  }
  const bool = (value: boolean): Tensor =>
    Tensor.from({ dtype: 'bool', shape: [], data: Uint8Array.of(Number(value)) });

  test('Dropout from opset 12 on: the third input decides', () => {
    const spec = { opType: 'Dropout' };
    expect(trainingMode(node(13, spec, 'input'))).toBe('inference');
    expect(trainingMode(node(13, spec, 'input', undefined, bool(false)))).toBe('inference');
    expect(trainingMode(node(13, spec, 'input', undefined, bool(true)))).toBe('training');
    expect(trainingMode(node(13, spec, 'input', undefined, 'input'))).toBe('unknown');
    expect(isDeterministic(node(13, spec, 'input', undefined, bool(false)))).toBe(true);
    expect(isDeterministic(node(13, spec, 'input', undefined, 'input'))).toBe(false);
  });

  test('Dropout from 7 to 11 never trains; before 7 is_test decides, and is 0 when absent', () => {
    expect(trainingMode(node(10, { opType: 'Dropout', outputs: ['y', 'mask'] }, 'input'))).toBe('inference');
    expect(trainingMode(node(6, { opType: 'Dropout', attrs: { is_test: 1 } }, 'input'))).toBe('inference');
    expect(trainingMode(node(6, { opType: 'Dropout' }, 'input'))).toBe('training');
  });

  test('BatchNormalization: is_test, then the outputs, then training_mode', () => {
    const inputs = ['input', 'input', 'input', 'input', 'input'] as const;
    const opType = 'BatchNormalization';
    expect(trainingMode(node(6, { opType, attrs: { is_test: 1 } }, ...inputs))).toBe('inference');
    expect(trainingMode(node(9, { opType }, ...inputs))).toBe('inference');
    expect(trainingMode(node(9, { opType, outputs: ['y', 'mean', 'var'] }, ...inputs))).toBe('training');
    expect(trainingMode(node(9, { opType, outputs: ['y', '', ''] }, ...inputs))).toBe('inference');
    expect(trainingMode(node(15, { opType }, ...inputs))).toBe('inference');
    expect(trainingMode(node(15, { opType, attrs: { training_mode: 1 } }, ...inputs))).toBe('training');
    const reference = { type: 'REFERENCE', value: 'mode', of: 'INT' } as const;
    expect(trainingMode(node(15, { opType, attrs: { training_mode: reference } }, ...inputs))).toBe('unknown');
  });

  test('without an opset nothing is known; random operators are never deterministic', () => {
    expect(isDeterministic(node(13, { opType: 'RandomNormal', attrs: { shape: [2], seed: 1 } }))).toBe(false);
    expect(isDeterministic(node(13, { opType: 'Add' }, 'input', 'input'))).toBe(true);
    expect(isDeterministic(node(13, { opType: 'Add', domain: 'example.org' }, 'input', 'input'))).toBe(false);
    const unimported = new Model(create('ModelProto', {}), { irVersion: 8, opsets: new Map() });
    expect(trainingMode(unimported.graph.addNode({ opType: 'Dropout', inputs: [] }))).toBe('unknown');
  });
});
