import {
  fromFloat64,
  Locator,
  type Model,
  type Operation,
  type OperationPass,
  recipeCodes,
  ResonnxError,
  Tensor,
  type Value,
} from '#core';
import { type Addition, findAdditions } from '../_shared/addition.js';
import { combine } from '../_shared/arrays.js';
import { sitesOf } from '../_shared/sites.js';

/**
 * y = skip_scale·x + branch_scale·F(x): the expectation of stochastic depth (Huang et al. 2016, arXiv:1603.09382, eq. 5), DeepNorm's α
 * on the skip (Wang et al. 2022, arXiv:2203.00555), or any other pair of constants, one for all blocks or one for each block label.
 */
export const rescale: OperationPass = {
  name: 'rescale',
  summary: 'multiply skip and branch of residual additions by constants',
  semantics: 'changes-function',
  optionNames: ['branch_scale', 'skip_scale'],
  semanticsOf: ({ operation }) => (isNeutral(operation) ? 'exact' : 'changes-function'),
  equations: ({ operation: { options } }) => {
    const factor = (name: string, symbol: string): string => {
      const given = options[name] ?? 1;
      return given === 1 ? '' : `${typeof given === 'number' ? given : symbol}·`;
    };
    return {
      before: 'y = x + F(x)',
      after: `y = ${factor('skip_scale', 's_i')}x + ${factor('branch_scale', 'p_i')}F(x)`,
    };
  },
  run(model: Model, cx) {
    const { operation } = cx.options;
    for (const addition of findAdditions(new Locator(model), sitesOf(operation))) {
      const { skip, branch } = scalesOf(operation, addition);
      cx.rewrite('rescale', addition.node, (edit) => {
        const scaled = (value: Value, scale: number): Value => {
          if (scale === 1) return value;
          const dtype = cx.types.dtype(value) ?? 'float32';
          return edit.node('Mul', [value, edit.constant('scale', Tensor.from(fromFloat64(dtype, [], [scale])))]);
        };
        const { node, skipIndex, branchIndex } = addition;
        node.graph.setInput(node, skipIndex, scaled(addition.skip, skip));
        node.graph.setInput(node, branchIndex, scaled(addition.branch, branch));
      });
    }
  },
  async reference({ operation }, taps) {
    for (const addition of findAdditions(new Locator(taps.model), sitesOf(operation))) {
      const scale = scalesOf(operation, addition);
      const [x, f] = await taps.get([addition.skip, addition.branch]);
      taps.override(addition.sum, combine(scale.skip, x!, scale.branch, f!));
    }
  },
};

function scalesOf(operation: Operation, { block }: Addition): { readonly skip: number; readonly branch: number } {
  return { skip: scaleOf(operation, 'skip_scale', block), branch: scaleOf(operation, 'branch_scale', block) };
}

/** One number for all, or a list or object by block label; 1 when absent. */
function scaleOf({ operation, options }: Operation, name: string, block: number | string | undefined): number {
  const given = options[name] ?? 1;
  const value: unknown =
    typeof given === 'object' && given !== null ? (given as Record<string, unknown>)[String(block)] : given;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const allowed = 'a finite number, or one for each block label';
  throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, name, given, allowed)]);
}

function isNeutral({ options }: Operation): boolean {
  return [options['skip_scale'], options['branch_scale']].every((scale) => scale === undefined || scale === 1);
}
