import {
  type Edit,
  fromFloat64,
  Locator,
  type Model,
  type NumericArray,
  type OperationOptions,
  type OperationPass,
  type PassContext,
  type TargetSite,
  Tensor,
  toFloat64,
  type Value,
} from '#core';
import { findAdditions } from '../_shared/addition.js';
import { proveAligned } from '../_shared/alignment.js';
import { broadcast, zip } from '../_shared/arrays.js';
import { findLayoutAlias, toAlias, transposeArray } from '../_shared/layout-alias.js';
import { redirect } from '../_shared/readers.js';
import { findRegions } from '../_shared/region.js';
import { sitesOf } from '../_shared/sites.js';
import { buildHighway, highwayArrays } from './highway.js';
import { alongAxis, gateEquations, gateFactor, gateOptions, preserves } from './options.js';

/**
 * Multiplies branch or skip by a gate: α (ReZero, Bachlechner et al. 2020, arXiv:2003.04887), γ per channel (LayerScale, Touvron et al.
 * 2021, arXiv:2103.17239), tanh α (Flamingo, Alayrac et al. 2022, arXiv:2204.14198), or a highway gate. An existing addition is gated;
 * where a region is named, a gated skip is put around it.
 */
export const gate: OperationPass = {
  name: 'gate',
  summary: 'gate a residual connection: scalar, per channel, tanh or highway',
  semantics: 'changes-function',
  optionNames: ['gate', 'on', 'axis', 'value', 'transform', 'must_exist'],
  semanticsOf: (request) => (preserves(request) ? 'equivalent' : 'changes-function'),
  equations: ({ operation }) => gateEquations(operation),
  run(model: Model, cx) {
    const sites = sitesOf(cx.options.operation);
    const locator = new Locator(model);
    gateAdditions(locator, sites.filter(isAddition), cx);
    gateRegions(
      locator,
      sites.filter((site) => !isAddition(site)),
      cx,
    );
  },
  async reference({ operation, parameters }, taps) {
    const options = gateOptions(operation);
    const locator = new Locator(taps.model);
    const sites = sitesOf(operation);
    const factorFor = (site: TargetSite, array: NumericArray): NumericArray =>
      broadcast(alongAxis(gateFactor(options, site, parameters), options.axis, array.shape.length), array.shape);
    for (const { site, skip, branch, sum } of findAdditions(locator, sites.filter(isAddition))) {
      const [x, f] = await taps.get([skip, branch]);
      const factor = factorFor(site, f!);
      taps.override(
        sum,
        zip(options.on === 'branch' ? (a, b, g) => a + g * b : (a, b, g) => g * a + b, x!, f!, factor),
      );
    }
    for (const region of findRegions(
      locator,
      sites.filter((site) => !isAddition(site)),
    )) {
      const [x, f] = await taps.get([region.input, region.output]);
      const gated =
        options.gate === 'highway'
          ? highwayArrays(x!, f!, region, options, parameters)
          : zip(
              options.on === 'branch' ? (a, b, g) => a + g * b : (a, b, g) => g * a + b,
              x!,
              f!,
              factorFor(region.site, f!),
            );
      const alias = findLayoutAlias(region.output);
      if (alias) taps.override(alias.value, transposeArray(gated, alias.perm));
      taps.override(region.output, gated);
    }
  },
};

const isAddition = (site: TargetSite): boolean => site['region_input'] === undefined;

type Context = PassContext<OperationOptions>;

function multiply(edit: Edit, value: Value, site: TargetSite, cx: Context): Value {
  const options = gateOptions(cx.options.operation);
  const rank = cx.types.shape(value)?.length ?? 1;
  const factor = alongAxis(gateFactor(options, site, cx.options.parameters), options.axis, rank);
  const dtype = cx.types.dtype(value) ?? 'float32';
  return edit.node('Mul', [
    value,
    edit.constant('gate', Tensor.from(fromFloat64(dtype, factor.shape, toFloat64(factor)))),
  ]);
}

function gateAdditions(locator: Locator, sites: readonly TargetSite[], cx: Context): void {
  const { on } = gateOptions(cx.options.operation);
  for (const addition of findAdditions(locator, sites)) {
    cx.rewrite('gate', addition.node, (edit) => {
      const index = on === 'branch' ? addition.branchIndex : addition.skipIndex;
      const gated = multiply(edit, addition.node.inputs[index]!, addition.site, cx);
      proveAligned(gated, addition.sum, cx.types);
      addition.graph.setInput(addition.node, index, gated);
    });
  }
}

function gateRegions(locator: Locator, sites: readonly TargetSite[], cx: Context): void {
  const options = gateOptions(cx.options.operation);
  const now = new Map<Value, Value>();
  for (const region of findRegions(locator, sites)) {
    const branch = region.output;
    cx.rewrite('gate', branch.producer!, (edit) => {
      const readers = [...branch.uses];
      const skip = now.get(region.input) ?? region.input;
      proveAligned(skip, branch, cx.types);
      const result =
        options.gate === 'highway'
          ? buildHighway(edit, skip, region, options, { ...cx.options, types: cx.types })
          : sum(edit);
      proveAligned(result, branch, cx.types);
      const alias = findLayoutAlias(branch);
      if (alias) redirect(alias.readers, toAlias(edit, result, alias));
      redirect(readers, result);
      now.set(branch, result);

      function sum(at: Edit): Value {
        return options.on === 'branch'
          ? at.node('Add', [skip, multiply(at, branch, region.site, cx)])
          : at.node('Add', [multiply(at, skip, region.site, cx), branch]);
      }
    });
  }
}
