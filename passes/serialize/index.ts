import {
  dependsOn,
  Locator,
  type Model,
  nodesBetween,
  type Operation,
  type OperationPass,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  type Value,
} from '#core';
import { zip } from '../_shared/arrays.js';
import { cloneNodes } from '../_shared/clone-nodes.js';
import { redirect } from '../_shared/readers.js';
import { sitesOf } from '../_shared/sites.js';

/** A parallel layer: output = x + first(x) + second(x). */
interface Layer {
  readonly x: Value;
  readonly first: Value;
  readonly second: Value;
  readonly output: Value;
}

/**
 * A parallel layer becomes serial: x + A(x) + M(x) becomes x₁ = x + A(x), x₁ + M(x₁). Where both branches read one norm, the second gets
 * a norm of its own with the same parameters.
 */
export const serialize: OperationPass = {
  name: 'serialize',
  summary: 'the branches of a parallel layer run one after the other',
  semantics: 'changes-function',
  optionNames: ['order'],
  semanticsOf: () => 'changes-function',
  equations: () => ({ before: 'y = x + A(N(x)) + M(N(x))', after: 'u = x + A(N(x)), y = u + M(N(u))' }),
  run(model: Model, cx) {
    const now = new Map<Value, Value>();
    for (const layer of findLayers(new Locator(model), cx.options.operation)) {
      const { first, second, output } = layer;
      cx.rewrite('serialize', output.producer!, (edit) => {
        const readers = [...output.uses];
        const x = now.get(layer.x) ?? layer.x;
        const middle = edit.node('Add', [x, first]);
        const map = new Map([[x, middle]]);
        if (!cloneNodes(edit, nodesBetween(x, second), map)) return false;
        const result = edit.node('Add', [middle, map.get(second)!]);
        redirect(readers, result);
        now.set(output, result);
        return true;
      });
    }
  },
  async reference({ operation }, taps) {
    for (const { x, first, second, output } of findLayers(new Locator(taps.model), operation)) {
      const [input, a] = await taps.get([x, first]);
      const middle = zip((p, q) => p + q, input!, a!);
      const [m] = await taps.get([second], new Map([[x, middle]]));
      taps.override(
        output,
        zip((p, q) => p + q, middle, m!),
      );
    }
  },
};

/** The layers that sites name, in the order in which they run. @throws ResonnxError `recipe/malformed`, `rewrite/refused` */
function findLayers(locator: Locator, operation: Operation): readonly Layer[] {
  const order = operation.options['order'] ?? 'attn,mlp';
  if (order !== 'attn,mlp' && order !== 'mlp,attn') {
    throw new ResonnxError([
      recipeCodes.optionInvalid({ path: 'serialize' }, 'order', order, '"attn,mlp" or "mlp,attn"'),
    ]);
  }
  const layers = sitesOf(operation).map((site): Layer => {
    const get = (key: string): Value => locator.findValue(site, key) ?? missing(key, site);
    const [attn, mlp] = [get('attn_value'), get('mlp_value')];
    const [first, second] = order === 'attn,mlp' ? [attn, mlp] : [mlp, attn];
    const layer = { x: get('stream_value'), first, second, output: get('block_output') };
    const terms = termsOf(layer.output, new Set([layer.x, attn, mlp]));
    const isSum = terms.length === 3 && new Set(terms).size === 3;
    if (isSum && !dependsOn(attn, mlp) && !dependsOn(mlp, attn)) return layer;
    const why = 'block_output is not the sum of stream_value, attn_value and mlp_value';
    throw new ResonnxError([
      recipeCodes.refused({ path: layer.output.producer ? pathOf(layer.output.producer) : 'main' }, why),
    ]);
  });
  const rank = new Map(layers[0]?.output.graph.topo().map((node, index) => [node, index]));
  return layers.sort((a, b) => (rank.get(a.output.producer!) ?? 0) - (rank.get(b.output.producer!) ?? 0));
}

function missing(key: string, site: TargetSite): never {
  const what = `a parallel layer is named by stream_value, attn_value, mlp_value and block_output; block ${String(site.block)} has no ${key}`;
  throw new ResonnxError([recipeCodes.recipeMalformed({ path: 'targets' }, what)]);
}

/** Terms of a sum of additions down to the values in `leaves`. */
function termsOf(sum: Value, leaves: ReadonlySet<Value>): readonly Value[] {
  const terms: Value[] = [];
  const stack = [sum];
  for (let value = stack.pop(); value; value = stack.pop()) {
    const node = value.producer;
    if (leaves.has(value) || node?.domain !== '' || (node.opType !== 'Add' && node.opType !== 'Sum')) terms.push(value);
    else for (const input of node.inputs) if (input) stack.push(input);
  }
  return terms.filter((value) => leaves.has(value)).length === terms.length ? terms : [];
}
