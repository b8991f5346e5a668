import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { optimizePipeline } from '../../passes/presets.js';
import { optimize } from '../../src/api/optimize.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Model } from '../../src/ir/model.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { runPipeline } from '../../src/pass/run.js';
import { mutations } from '../mutants/index.js';
import { networks } from '../mutants/networks.js';
import { damaging, visited } from '../mutants/rewrites.js';
import { listFixtures } from '../support/fixtures.js';
import { modelOf } from '../support/model.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

/** Models with one kind of rewrite each, and networks with several. */
function sources(): (readonly [string, Model])[] {
  const plain = listFixtures().filter(({ kind, unrunnable, target }) => kind === 'plain' && !unrunnable && !target);
  return [
    ...plain.map(({ folder, name, text }) => [`${folder}/${name}`, modelOf(text)] as const),
    ...Object.entries(networks).map(([name, make]) => [name, make()] as const),
  ];
}

/** Damage that changes nothing, by kind and model, and why. */
const EQUIVALENT: Readonly<Record<string, string>> = {
  'operands of Sub swapped in eliminate-common-subexpressions/across-scopes':
    'both operands are one value: 0 in either order',
  'LessOrEqual in place of Equal in fuse-attention/guarded': 'nothing is below what is compared',
  'LessOrEqual in place of Equal in fuse-attention/guarded-lowest': 'nothing is below what is compared',
  'LessOrEqual in place of Equal in fuse-attention/guarded-twice': 'nothing is below what is compared',
};

/** The first model whose rewrites have a place for each kind of damage, and the kinds. */
async function plan(): Promise<ReadonlyMap<string, readonly [string, Model]>> {
  const found = new Map<string, readonly [string, Model]>();
  for (const source of sources()) {
    const pipeline = visited(optimizePipeline, (scene) => {
      for (const { kind, places } of mutations) {
        if (found.has(kind) || EQUIVALENT[`${kind} in ${source[0]}`] !== undefined) continue;
        if ([...places(scene)].length > 0) found.set(kind, source);
      }
    });
    await runPipeline(cloneModel(source[1]), pipeline);
  }
  return found;
}

describe('a rewrite that was damaged is taken back alone', () => {
  test('in more than forty ways', async () => {
    const kept: string[] = [];
    let taken = 0;
    const at = await plan();
    for (const mutation of mutations) {
      const [name, model] = at.get(mutation.kind) ?? [];
      if (!name || !model) continue;
      const { pipeline, done } = damaging(optimizePipeline, mutation);
      const { report } = await optimize(model, { pipeline, runtime });
      const names = new Set(report.reverted.map(({ pass }) => pass));
      const damaged = done()!;
      if (names.size === 1 && names.has(damaged.split(' ')[0]!)) taken++;
      else kept.push(`${mutation.kind} in ${damaged} of ${name}: ${report.verification.status} ${[...names].join()}`);
    }
    expect(kept).toEqual([]);
    expect(taken).toBeGreaterThan(40);
  }, 300_000);
});
