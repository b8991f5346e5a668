import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verify } from '../../src/api/verify.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { mutate, mutations } from '../mutants/index.js';
import { networks } from '../mutants/networks.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const SEED = 1;

describe('verify refuses a model that was damaged', () => {
  const kinds = new Set<string>();

  test.each(Object.entries(networks))('%s', async (_name, make) => {
    const model = make();
    const survivors: string[] = [];
    for (const mutation of mutations) {
      const mutant = mutate(model, mutation, SEED);
      if (!mutant) continue;
      const { verification } = await verify(model, mutant.model, { runtime });
      if (verification.status === 'mismatch') kinds.add(mutant.kind);
      else survivors.push(`${mutant.kind} at ${mutant.at}: ${verification.status} ${verification.why ?? ''}`);
      expect(verification.why ?? '').not.toMatch(/the runtime refuses/);
    }
    expect(survivors).toEqual([]);
  });

  test('in more than forty ways', () => {
    expect(kinds.size).toBeGreaterThan(40);
  });
});
