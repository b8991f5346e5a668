import { holdsSum, isCall, separateSums } from '../../passes/separate-sums/index.js';
import type { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { Locator, NODE_KEYS } from '../recipe/locate.js';
import type { Operation, TargetSite } from '../recipe/recipe.js';

/** What an operation is done as where additions are inside of other operators. */
export interface Separated {
  /** Takes these operators apart. */
  readonly first: Operation;
  /** The operation, with names that the model has afterwards. */
  readonly next: Operation;
}

/** Refusals that a model with its additions apart may not meet. */
const CODES: readonly string[] = ['rewrite/refused', 'recipe/target-ambiguous'];

/** How to go on after an operation was refused with `cause`; `undefined` when no operator of the model adds inside. */
export function separation(model: Model, operation: Operation, cause: ResonnxError): Separated | undefined {
  const isFitting = CODES.includes(cause.code) && operation.operation !== separateSums.name;
  const found =
    isFitting &&
    [...model.graphs()].some((graph) =>
      [...graph.nodes.values()].some((node) => holdsSum(node) || isCall(model, node)),
    );
  if (!found) return undefined;
  const locator = new Locator(model);
  const { targets } = operation;
  const sites = targets.sites?.map((site) => renamed(model, locator, site));
  return {
    first: { operation: separateSums.name, targets: {}, options: {} },
    next: { ...operation, targets: { ...targets, ...(sites && { sites }) } },
  };
}

/**
 * A site in the names of afterwards: a node that added and normalized is its Add, operands may have got their bias in between, and a
 * call is what makes its value.
 */
function renamed(model: Model, locator: Locator, site: TargetSite): TargetSite {
  const calls = NODE_KEYS.flatMap((key) => {
    const node = locator.findNode(site, key);
    return node && isCall(model, node) ? [[key, node.outputs[0]!.hint] as const] : [];
  });
  const [norm, sum] = [locator.findNode(site, 'norm_node'), locator.findNode(site, 'residual_add')];
  return {
    ...site,
    ...Object.fromEntries(calls),
    ...(norm && holdsSum(norm) && { norm_node: undefined, norm_output: norm.outputs[0]!.hint }),
    ...(sum && holdsSum(sum) && { branch_value: undefined }),
  };
}
