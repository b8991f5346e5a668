import {
  inferTypes,
  Locator,
  type Model,
  nodesBetween,
  type Operation,
  type OperationPass,
  pathOf,
  recipeCodes,
  ResonnxError,
  type Types,
  type Value,
} from '#core';
import { type Addition, findAdditions } from '../_shared/addition.js';
import { zip } from '../_shared/arrays.js';
import { original } from '../_shared/facts.js';
import { sitesOf } from '../_shared/sites.js';

/** Two additions of one layer in a row: x₁ = x + A(x), x₂ = x₁ + M(x₁). */
interface Pair {
  readonly first: Addition;
  readonly second: Addition;
}

/**
 * A serial layer becomes parallel: x + A(x) followed by + M(…) becomes x + A(x) + M(x), where M reads x through its own norm (GPT-J;
 * Chowdhery et al. 2022, PaLM, arXiv:2204.02311, section 2).
 */
export const parallelize: OperationPass = {
  name: 'parallelize',
  summary: 'the second branch of a layer reads the layer input: x + attn(x) + mlp(x)',
  semantics: 'changes-function',
  optionNames: ['order'],
  semanticsOf: () => 'changes-function',
  equations: () => ({ before: 'u = x + A(x), y = u + M(u)', after: 'y = x + A(x) + M(x)' }),
  run(model: Model, cx) {
    for (const { first, second } of findPairs(new Locator(model), cx.options.operation, cx.types)) {
      cx.rewrite('parallelize', second.node, () => {
        const copies = nodesBetween(first.sum, second.skip);
        const sums = new Set<Value | undefined>([first.sum, ...copies.map((node) => node.outputs[0])]);
        for (const node of nodesBetween(first.sum, second.branch)) {
          if (copies.includes(node)) continue;
          node.inputs.forEach((value, index) => sums.has(value) && node.graph.setInput(node, index, first.skip));
        }
      });
    }
  },
  async reference({ operation }, taps) {
    for (const { first, second } of findPairs(new Locator(taps.model), operation, inferTypes(taps.model))) {
      const [x, a] = await taps.get([first.skip, first.branch]);
      const [m] = await taps.get([second.branch], new Map([[first.sum, x!]]));
      taps.override(
        second.sum,
        zip((p, q, r) => p + q + r, x!, a!, m!),
      );
    }
  },
};

/** Pairs of sites that follow each other within one block. @throws ResonnxError `rewrite/refused` */
function findPairs(locator: Locator, operation: Operation, types: Types): readonly Pair[] {
  const additions = findAdditions(locator, sitesOf(operation));
  const byBlock = new Map<unknown, Addition[]>();
  for (const addition of additions) {
    const list = byBlock.get(addition.block);
    if (list) list.push(addition);
    else byBlock.set(addition.block, [addition]);
  }
  return [...byBlock.values()].map(([first, second, ...more]) => {
    if (first && second && more.length === 0 && original(types, second.skip) === first.sum) return { first, second };
    const why = 'a layer to parallelize has two residual additions, the second on the sum of the first';
    throw new ResonnxError([recipeCodes.refused({ path: first ? pathOf(first.node) : 'main' }, why)]);
  });
}
