import {
  type Edit,
  fromFloat64,
  type NumericArray,
  type Operation,
  type Parameters,
  recipeCodes,
  ResonnxError,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { concatenate, transposed, zip } from '../_shared/arrays.js';
import { proveAligned } from '../_shared/alignment.js';
import { parameterName, type Region } from '../_shared/region.js';
import { projectionOptions } from '../_shared/projection.js';
import { pointwise } from '../_shared/spatial.js';

/** How skip and branch meet, as the recipe says. */
export interface Combination {
  readonly how: 'add' | 'concat' | 'weighted';
  readonly order: 'skip,branch' | 'branch,skip';
  readonly axis: number;
  readonly reduction: 'linear' | 'conv1x1';
  readonly skipScale: number;
  readonly branchScale: number;
  readonly activation: string | undefined;
}

const ACTIVATIONS: Readonly<Record<string, string>> = { relu: 'Relu', tanh: 'Tanh', sigmoid: 'Sigmoid' };

/** Reads the options. @throws ResonnxError `recipe/option-invalid` */
export function combinationOf({ operation, options }: Operation): Combination {
  const pick = <T extends string>(name: string, fallback: T, allowed: readonly T[]): T => {
    const given = options[name] ?? fallback;
    const found = allowed.find((value) => value === given);
    if (found === undefined)
      throw new ResonnxError([
        recipeCodes.optionInvalid({ path: operation }, name, given, `one of ${allowed.join(', ')}`),
      ]);
    return found;
  };
  const number = (name: string, fallback: number): number => {
    const given = options[name] ?? fallback;
    if (typeof given === 'number' && Number.isFinite(given)) return given;
    throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, name, given, 'a finite number')]);
  };
  const how = pick('combine', 'add', ['add', 'concat', 'weighted']);
  const reduction = pick('reduction', 'linear', ['linear', 'conv1x1']);
  const activation =
    options['activation_after'] === undefined ? undefined : pick('activation_after', 'relu', Object.keys(ACTIVATIONS));
  return {
    how,
    order: pick('order', 'skip,branch', ['skip,branch', 'branch,skip']),
    axis: number('axis', reduction === 'conv1x1' ? 1 : -1),
    reduction,
    skipScale: number('skip_scale', 1),
    branchScale: number('branch_scale', 1),
    activation,
  };
}

const PROJECTIONS: Readonly<Record<string, string>> = {
  none: 'x',
  conv1x1: 'W·x',
  'conv1x1-bn': 'BN(W·x)',
  'avgpool-conv1x1': 'W·avg(x)',
  'avgpool-conv1x1-bn': 'BN(W·avg(x))',
  linear: 'W·x',
  'option-a': 'pad(x)',
};

/** What a region with its skip computes. @throws ResonnxError `recipe/option-invalid` */
export function insertedEquation(operation: Operation): string {
  const { options } = operation;
  if (options['combine'] === 'jk-concat') return 'y_L = W·[y_1; …; y_L] + b';
  const { kind } = projectionOptions(operation.operation, options);
  const { how, order, skipScale, branchScale, activation } = combinationOf(operation);
  const skip = options['skip_from'] === 'h0' ? PROJECTIONS[kind]!.replace('x', 'x₀') : PROJECTIONS[kind]!;
  const met = {
    add: `${skip} + F(x)`,
    concat: order === 'skip,branch' ? `R·[${skip}; F(x)]` : `R·[F(x); ${skip}]`,
    weighted: `${skipScale}·${skip} + ${branchScale}·F(x)`,
  }[how];
  return activation === undefined ? `y = ${met}` : `y = ${activation}(${met})`;
}

/** What stands where the branch stood: skip and branch, met as asked. */
export function buildCombination(
  edit: Edit,
  { skip, branch, region }: { readonly skip: Value; readonly branch: Value; readonly region: Region },
  combination: Combination,
  { parameters, types }: { readonly parameters: Parameters; readonly types: Types },
): Value {
  const dtype = types.dtype(branch) ?? 'float32';
  const constant = (name: string, array: NumericArray): Value =>
    edit.constant(name, Tensor.from(fromFloat64(dtype, array.shape, toFloat64(array))));
  const scaled = (value: Value, scale: number): Value =>
    scale === 1
      ? value
      : edit.node('Mul', [value, edit.constant('scale', Tensor.from(fromFloat64(dtype, [], [scale])))]);
  const activate = (value: Value): Value =>
    combination.activation === undefined ? value : edit.node(ACTIVATIONS[combination.activation]!, [value]);
  if (combination.how !== 'concat') {
    proveAligned(skip, branch, types);
    return activate(edit.node('Add', [scaled(skip, combination.skipScale), scaled(branch, combination.branchScale)]));
  }
  const parts = combination.order === 'skip,branch' ? [skip, branch] : [branch, skip];
  const both = edit.node('Concat', parts, { axis: combination.axis });
  const weight = parameters.get(parameterName(region.site, 'weight'));
  const bias = parameters.find(parameterName(region.site, 'bias'));
  if (combination.reduction === 'conv1x1') {
    const inputs = [both, constant('reduction_weight', weight), bias && constant('reduction_bias', bias)];
    return activate(edit.node('Conv', inputs, { kernel_shape: weight.shape.slice(2) }));
  }
  const product = edit.node('MatMul', [both, constant('reduction_weight', transposed(weight))]);
  return activate(bias ? edit.node('Add', [product, constant('reduction_bias', bias)]) : product);
}

/** The same over arrays, in float64. */
export function combineArrays(
  skip: NumericArray,
  branch: NumericArray,
  region: Region,
  combination: Combination,
  parameters: Parameters,
): NumericArray {
  const met =
    combination.how === 'concat'
      ? reduceArrays(skip, branch, region, combination, parameters)
      : sum(skip, branch, combination);
  switch (combination.activation) {
    case 'relu':
      return zip((x) => Math.max(x, 0), met);
    case 'tanh':
      return zip(Math.tanh, met);
    case 'sigmoid':
      return zip((x) => 1 / (1 + Math.exp(-x)), met);
    default:
      return met;
  }
}

function sum(skip: NumericArray, branch: NumericArray, { skipScale, branchScale }: Combination): NumericArray {
  return zip((x, f) => skipScale * x + branchScale * f, skip, branch);
}

function reduceArrays(
  skip: NumericArray,
  branch: NumericArray,
  region: Region,
  { order, axis, reduction }: Combination,
  parameters: Parameters,
): NumericArray {
  const parts = order === 'skip,branch' ? [skip, branch] : [branch, skip];
  const weight = parameters.get(parameterName(region.site, 'weight'));
  const bias = parameters.find(parameterName(region.site, 'bias'));
  return pointwise(concatenate(parts, axis), weight, bias, reduction === 'conv1x1' ? 1 : -1);
}
