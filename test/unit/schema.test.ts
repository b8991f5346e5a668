import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { generateSchemaFiles } from '../../scripts/generate-schemas.mjs';
import {
  attributeDefault,
  findSchema,
  inputParameter,
  latestOpset,
  operatorNames,
  outputParameter,
  SCHEMA_DOMAINS,
  schemaVersions,
} from '../../src/schema/schema.js';
import type { OpSchema } from '../../src/schema/schema.js';

interface ParameterFact {
  readonly name: string;
  readonly type: string;
  readonly option: string;
}

interface SchemaFact {
  readonly domain: string;
  readonly op: string;
  readonly since: number;
  readonly deprecated?: boolean;
  readonly inputs: readonly ParameterFact[];
  readonly outputs: readonly ParameterFact[];
  readonly min_inputs?: number;
  readonly max_inputs?: number;
  readonly min_outputs?: number;
  readonly max_outputs?: number;
  readonly attributes: readonly { name: string; type: string; required: boolean; default: unknown }[];
  readonly types: Readonly<Record<string, readonly string[]>>;
  readonly function?: boolean;
}

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

function facts(name: string): readonly SchemaFact[] {
  return JSON.parse(read(`scripts/data/${name}.json`));
}

const all = [...facts('onnx-op-schemas'), ...facts('ort-contrib-op-schemas')];

/** The facts write maps as `map(int64, float)`; elsewhere the standard writes `map(int64,tensor(float))`. */
function canonical(type: string): string {
  return type.replace(/map\((\w+), (\w+)\)/, 'map($1,tensor($2))');
}

function parameters(schema: OpSchema, side: 'inputs' | 'outputs'): readonly ParameterFact[] {
  return schema[side].map(({ name, type, option }) => ({ name, type, option }));
}

test('the committed tables are what the generator makes of the facts', () => {
  for (const [path, text] of generateSchemaFiles()) expect(read(path)).toBe(text);
});

test('every fact about every version is found again', () => {
  expect(all.length).toBeGreaterThan(800);
  for (const fact of all) {
    const schema = findSchema(fact.domain, fact.op, fact.since);
    if (!schema) throw new Error(`${fact.domain}.${fact.op}-${fact.since} is missing`);
    expect(schema).toMatchObject({
      op: fact.op,
      since: fact.since,
      deprecated: fact.deprecated ?? false,
      hasFunctionBody: fact.function ?? false,
    });
    expect(parameters(schema, 'inputs')).toEqual(fact.inputs);
    expect(parameters(schema, 'outputs')).toEqual(fact.outputs);
    const counts = [schema.minInputs, schema.maxInputs, schema.minOutputs, schema.maxOutputs];
    const expected = [fact.min_inputs, fact.max_inputs, fact.min_outputs, fact.max_outputs];
    if (fact.min_inputs !== undefined)
      expect(counts).toEqual(expected.map((count) => (count === 2147483647 ? Infinity : count)));
    const attributes = Object.fromEntries(
      fact.attributes.map(({ name, type, required, default: value }) => [
        name,
        { type, required, default: value ?? undefined },
      ]),
    );
    expect(Object.fromEntries(schema.attributes)).toEqual(attributes);
    expect(new Set(schema.typeConstraints.keys())).toEqual(new Set(Object.keys(fact.types)));
    for (const [name, types] of Object.entries(fact.types))
      expect(new Set(schema.typeConstraints.get(name))).toEqual(new Set(types.map(canonical)));
  }
});

test('the tables hold nothing but the facts', () => {
  let versions = 0;
  for (const domain of SCHEMA_DOMAINS)
    for (const op of operatorNames(domain)) {
      const found = schemaVersions(domain, op);
      versions += found.length;
      expect(found.map(({ since }) => since)).toEqual(found.map(({ since }) => since).toSorted((a, b) => a - b));
      for (const schema of found)
        for (const { types } of [...schema.inputs, ...schema.outputs]) expect(types.length).toBeGreaterThan(0);
    }
  expect(versions).toBe(all.length);
});

describe('versions in force', () => {
  test('Softmax: axis defaults to 1 before opset 13 and to -1 after', () => {
    expect(attributeDefault('', 'Softmax', 'axis', 12)).toBe(1);
    expect(attributeDefault('ai.onnx', 'Softmax', 'axis', 13)).toBe(-1);
  });

  test('Squeeze: axes is an attribute before opset 13 and an input after', () => {
    expect(findSchema('', 'Squeeze', 12)?.attributes.get('axes')?.type).toBe('INTS');
    expect(findSchema('', 'Squeeze', 13)?.attributes.size).toBe(0);
    expect(findSchema('', 'Squeeze', 13)?.inputs[1]).toMatchObject({ name: 'axes', option: 'Optional' });
  });

  test('Clip: min and max are attributes with float32 defaults before opset 11', () => {
    expect(attributeDefault('', 'Clip', 'max', 6)).toBe(Math.fround(3.4028234663852886e38));
    expect(findSchema('', 'Clip', 11)?.inputs.map(({ name }) => name)).toEqual(['input', 'min', 'max']);
  });

  test('ReduceSum takes axes as an input from opset 13 on, ReduceMean from 18 on', () => {
    expect(findSchema('', 'ReduceSum', 13)?.maxInputs).toBe(2);
    expect(findSchema('', 'ReduceMean', 17)?.maxInputs).toBe(1);
    expect(findSchema('', 'ReduceMean', 18)?.maxInputs).toBe(2);
  });

  test('BatchNormalization changed at 1, 6, 7, 9, 14 and 15', () => {
    expect(schemaVersions('', 'BatchNormalization').map(({ since }) => since)).toEqual([1, 6, 7, 9, 14, 15]);
    expect(attributeDefault('', 'BatchNormalization', 'epsilon', 17)).toBe(Math.fround(1e-5));
  });

  test('Cast: to was a string before opset 6', () => {
    expect(findSchema('', 'Cast', 5)?.attributes.get('to')).toMatchObject({ type: 'STRING', required: true });
    expect(findSchema('', 'Cast', 6)?.attributes.get('to')).toMatchObject({ type: 'INT', required: true });
  });

  test('an operator is unknown before it came, and in other domains', () => {
    expect(findSchema('', 'LayerNormalization', 16)).toBeUndefined();
    expect(findSchema('', 'LayerNormalization', 17)?.since).toBe(17);
    expect(findSchema('com.microsoft', 'LayerNormalization', 1)).toBeUndefined();
    expect(findSchema('constructor', 'Add', 1)).toBeUndefined();
    expect(schemaVersions('', 'constructor')).toEqual([]);
  });

  test('Upsample is deprecated from opset 10 on', () => {
    expect(findSchema('', 'Upsample', 9)?.deprecated).toBe(false);
    expect(findSchema('', 'Upsample', 13)?.deprecated).toBe(true);
  });
});

test('com.microsoft SkipLayerNormalization: two optional inputs, three optional outputs', () => {
  const schema = findSchema('com.microsoft', 'SkipLayerNormalization', 1);
  expect(schema?.inputs.map(({ name, option }) => `${name} ${option}`)).toEqual([
    'input Single',
    'skip Single',
    'gamma Single',
    'beta Optional',
    'bias Optional',
  ]);
  expect([schema?.minInputs, schema?.maxInputs, schema?.minOutputs, schema?.maxOutputs]).toEqual([3, 5, 1, 4]);
});

test('latest opset per domain', () => {
  expect(latestOpset('ai.onnx.ml')).toBe(5);
  expect(latestOpset('com.microsoft')).toBe(1);
  expect(latestOpset('')).toBe(latestOpset('ai.onnx'));
  expect(latestOpset('example.org')).toBeUndefined();
});

test('the last parameter of a variadic operator goes on forever', () => {
  const concat = findSchema('', 'Concat', 13);
  const loop = findSchema('', 'Loop', 16);
  if (!concat || !loop) throw new Error('Concat and Loop have schemas');
  expect(inputParameter(concat, 99)).toMatchObject({ name: 'inputs', homogeneous: true });
  expect(outputParameter(concat, 1)).toBeUndefined();
  expect(inputParameter(loop, 1)?.name).toBe('cond');
  expect(inputParameter(loop, 7)).toMatchObject({ name: 'v_initial', homogeneous: false });
});
