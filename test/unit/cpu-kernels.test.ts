import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { cpuKernels, hasCpuKernel } from '../../src/schema/cpu-kernels.js';
import { findSchema } from '../../src/schema/schema.js';
import type { OpSchema } from '../../src/schema/schema.js';

interface KernelFact {
  readonly domain: string;
  readonly op: string;
  readonly versions: readonly [number, number];
  readonly types: Readonly<Record<string, readonly string[]>>;
}

const facts: readonly KernelFact[] = JSON.parse(
  readFileSync(new URL('../../scripts/data/ort-cpu-kernels.json', import.meta.url), 'utf8'),
);

function schema(domain: string, op: string, opset: number): OpSchema {
  const found = findSchema(domain, op, opset);
  if (!found) throw new Error(`${op} has a schema at ${opset}`);
  return found;
}

/** Every choice of one type per constraint, as text. */
function choices(types: Iterable<readonly [string, readonly string[]]>): readonly string[] {
  let found = [''];
  for (const [name, allowed] of [...types].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    found = found.flatMap((choice) => [...new Set(allowed)].map((type) => `${choice}${name}=${type} `));
  return found;
}

test('the table accepts the combinations of types in the facts and no others', () => {
  const byVersion = new Map<string, KernelFact[]>();
  for (const fact of facts) {
    const key = `${fact.domain} ${fact.op} ${fact.versions.join('-')}`;
    byVersion.set(key, [...(byVersion.get(key) ?? []), fact]);
  }
  expect(byVersion.size).toBeGreaterThan(400);
  for (const kernels of byVersion.values()) {
    const [first] = kernels;
    if (!first) continue;
    const { domain, op, versions } = first;
    const to = versions[1] === 2147483647 ? Number.POSITIVE_INFINITY : versions[1];
    const expected = kernels.flatMap(({ types }) => choices(Object.entries(types)));
    const found = cpuKernels({ domain, op, since: versions[0] })
      .filter((kernel) => kernel.from === versions[0] && kernel.to === to)
      .flatMap(({ types }) => choices(types));
    expect(new Set(found)).toEqual(new Set(expected));
  }
});

describe('kernels of an operator version', () => {
  test('Conv runs on float32 alone', () => {
    const conv = schema('', 'Conv', 17);
    expect(hasCpuKernel(conv, ['tensor(float)', 'tensor(float)'])).toBe(true);
    expect(hasCpuKernel(conv, ['tensor(double)', 'tensor(double)'])).toBe(false);
  });

  test('every input of a constraint counts, also one named by the input itself', () => {
    const gather = schema('', 'Gather', 13);
    expect(hasCpuKernel(gather, ['tensor(float)', 'tensor(int64)'])).toBe(true);
    expect(hasCpuKernel(gather, ['tensor(float)', 'tensor(float)'])).toBe(false);
  });

  test('the inputs past the last formal one of a variadic operator count', () => {
    const sum = schema('', 'Sum', 13);
    expect(hasCpuKernel(sum, ['tensor(float)', 'tensor(float)', 'tensor(float)'])).toBe(true);
    expect(hasCpuKernel(sum, ['tensor(float)', 'tensor(float)', 'tensor(float16)'])).toBe(false);
  });

  test('unknown and omitted values are accepted', () => {
    expect(hasCpuKernel(schema('', 'Clip', 13), ['tensor(float)', undefined, 'tensor(float)'])).toBe(true);
  });

  test('com.microsoft SkipLayerNormalization has kernels, EPContext has none', () => {
    const skip = schema('com.microsoft', 'SkipLayerNormalization', 1);
    expect(hasCpuKernel(skip, ['tensor(float)', 'tensor(float)', 'tensor(float)'])).toBe(true);
    expect(cpuKernels(schema('com.microsoft', 'EPContext', 1))).toEqual([]);
  });

  test('a kernel with an open end stands for its first version alone', () => {
    expect(cpuKernels({ domain: '', op: 'Conv', since: 22 })).toHaveLength(1);
    expect(cpuKernels({ domain: '', op: 'Conv', since: 23 })).toEqual([]);
    expect(cpuKernels({ domain: '', op: 'Conv', since: 11 })).toHaveLength(1);
  });
});
