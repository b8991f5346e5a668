import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verify } from '../../src/api/verify.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { mutate, type Mutant, mutations } from '../mutants/index.js';
import { networks } from '../mutants/networks.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const SEED = 1;

/** Each kind of damage at the first network that has a place for it; small networks come first. */
function assigned(): ReadonlyMap<string, readonly Mutant[]> {
  const models = Object.entries(networks).map(([name, make]) => [name, make()] as const);
  const found = new Map<string, Mutant[]>(models.map(([name]) => [name, []]));
  for (const mutation of mutations) {
    for (const [name, model] of models) {
      const mutant = mutate(model, mutation, SEED);
      if (mutant) found.get(name)!.push(mutant);
      if (mutant) break;
    }
  }
  return found;
}

describe('verify refuses a model that was damaged', () => {
  const plan = assigned();

  test.each(Object.entries(networks))('%s', async (name, make) => {
    const model = make();
    const survivors: string[] = [];
    for (const mutant of plan.get(name)!) {
      const { verification } = await verify(model, mutant.model, { runtime });
      const { status, why = '' } = verification;
      if (status !== 'mismatch' || why.includes('the runtime refuses')) {
        survivors.push(`${mutant.kind} at ${mutant.at}: ${status} ${why}`);
      }
    }
    expect(survivors).toEqual([]);
  });

  test('in more than eighty ways', () => {
    expect([...plan.values()].flat().length).toBeGreaterThan(80);
  });
});
