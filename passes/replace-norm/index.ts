import {
  type DType,
  fromFloat64,
  inferTypes,
  Locator,
  type Model,
  type NumericArray,
  type Operation,
  type OperationPass,
  type Parameters,
  recipeCodes,
  ResonnxError,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { broadcast, zip } from '../_shared/arrays.js';
import { readAffine } from '../_shared/bare-norm.js';
import { type NamedNorm, namedNorms } from '../_shared/named-norms.js';
import { getNorm } from '../_shared/norm-site.js';
import { along } from '../_shared/weight-edit.js';

/** Each named norm becomes Dynamic Tanh, γ·tanh(αx) + β with the norm's own γ and β (Zhu et al. 2025, arXiv:2503.10622, eq. 1). */
export const replaceNorm: OperationPass = {
  name: 'replace-norm',
  summary: 'norms become dynamic tanh: γ·tanh(αx) + β',
  semantics: 'changes-function',
  optionNames: ['to'],
  semanticsOf: () => 'changes-function',
  equations: () => ({ before: 'y = γ·(x − mean(x))/√(var(x) + ε) + β', after: 'y = γ·tanh(α·x) + β' }),
  run(model: Model, cx) {
    const { operation, parameters } = cx.options;
    checkOptions(operation);
    for (const named of namedNorms(new Locator(model), operation)) {
      const norm = getNorm(named.output);
      const { axis, scale, bias } = readAffine(norm, cx.types);
      const rank = cx.types.shape(named.output)!.length;
      const dtype = cx.types.dtype(named.output) ?? 'float32';
      const alpha = alphaOf(named, parameters);
      cx.rewrite('dyt', named.output.producer!, (edit) => {
        const constant = (name: string, array: NumericArray): Value => edit.constant(name, cast(array, dtype));
        const scaled = edit.node('Mul', [norm.input, constant('dyt_alpha', scalar(alpha))]);
        const product = edit.node('Mul', [
          edit.node('Tanh', [scaled]),
          constant('dyt_scale', along(scale, axis, rank)),
        ]);
        const shifted = bias && edit.node('Add', [product, constant('dyt_bias', along(bias, axis, rank))]);
        edit.replace(named.output, shifted ?? product);
      });
    }
  },
  async reference({ operation, parameters }, taps) {
    const types: Types = inferTypes(taps.model);
    for (const named of namedNorms(new Locator(taps.model), operation)) {
      const norm = getNorm(named.output);
      const { axis, scale, bias } = readAffine(norm, types);
      const [x] = await taps.get([norm.input]);
      const spread = (vector: Float64Array): NumericArray => broadcast(along(vector, axis, x!.shape.length), x!.shape);
      const alpha = alphaOf(named, parameters);
      taps.override(
        named.output,
        zip((value, g, b) => Math.tanh(alpha * value) * g + b, x!, spread(scale), spread(bias ?? scale.map(() => 0))),
      );
    }
  },
};

function checkOptions({ operation, options }: Operation): void {
  if (options['to'] === undefined || options['to'] === 'dyt') return;
  throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, 'to', options['to'], '"dyt"')]);
}

/** α of a norm: `param` of its site, else `block<i>.<branch>.alpha`, `block<i>.alpha`; `final.alpha` for the final norm. */
function alphaOf({ site }: NamedNorm, parameters: Parameters): number {
  const names = site ? siteNames(site) : ['final.alpha'];
  const name = names.find((each) => parameters.has(each)) ?? names[0]!;
  const [alpha, ...more] = toFloat64(parameters.get(name));
  if (alpha !== undefined && more.length === 0) return alpha;
  throw new ResonnxError([recipeCodes.parameterShape({ path: '' }, name, parameters.get(name).shape, '[1]')]);
}

function siteNames(site: NonNullable<NamedNorm['site']>): readonly string[] {
  const block = `block${site.block ?? 0}`;
  const inBranch = site.branch === undefined ? [] : [`${block}.${site.branch}.alpha`];
  return [...(typeof site['param'] === 'string' ? [site['param']] : []), ...inBranch, `${block}.alpha`];
}

function scalar(value: number): NumericArray {
  return { dtype: 'float64', shape: [], data: Float64Array.of(value) };
}

function cast(array: NumericArray, dtype: DType): Tensor {
  return Tensor.from(fromFloat64(dtype, array.shape, toFloat64(array)));
}
