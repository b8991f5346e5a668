import {
  type Equations,
  fromFloat64,
  type NumericArray,
  type Operation,
  type OperationOptions,
  type Parameters,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  toFloat64,
} from '#core';

/** How a gate is made; the names of docs/recipes.md. */
export interface GateOptions {
  readonly gate: 'scalar' | 'per-channel' | 'tanh-scalar' | 'highway';
  readonly on: 'branch' | 'skip';
  readonly axis: number;
  readonly value: number | undefined;
  readonly transform: 'linear' | 'conv1x1' | 'conv3x3-pad1';
}

/** Reads the options. @throws ResonnxError `recipe/option-invalid` */
export function gateOptions({ operation, options }: Operation): GateOptions {
  const pick = <T extends string>(name: string, fallback: T, allowed: readonly T[]): T => {
    const given = options[name] ?? fallback;
    const found = allowed.find((value) => value === given);
    if (found !== undefined) return found;
    throw new ResonnxError([
      recipeCodes.optionInvalid({ path: operation }, name, given, `one of ${allowed.join(', ')}`),
    ]);
  };
  const number = (name: string): number | undefined => {
    const given = options[name];
    if (given === undefined || (typeof given === 'number' && Number.isFinite(given))) return given;
    throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, name, given, 'a finite number')]);
  };
  return {
    gate: pick('gate', 'scalar', ['scalar', 'per-channel', 'tanh-scalar', 'highway']),
    on: pick('on', 'branch', ['branch', 'skip']),
    axis: number('axis') ?? -1,
    value: number('value'),
    transform: pick('transform', 'linear', ['linear', 'conv1x1', 'conv3x3-pad1']),
  };
}

/** What the gated blocks compute. @throws ResonnxError `recipe/option-invalid` */
export function gateEquations(operation: Operation): Equations {
  const { gate, on, transform } = gateOptions(operation);
  const isRegion = operation.targets.sites?.some((site) => site['region_input'] !== undefined) ?? false;
  const before = isRegion ? 'y = F(x)' : 'y = x + F(x)';
  if (gate === 'highway') {
    const map = { linear: 'W·x + b', conv1x1: 'W∗x + b', 'conv3x3-pad1': 'W∗x + b' }[transform];
    return { before, after: `y = T(x)·F(x) + (1 − T(x))·x, T(x) = σ(${map})` };
  }
  const factor = { scalar: 'α', 'per-channel': 'γ', 'tanh-scalar': 'tanh(α)' }[gate];
  return { before, after: on === 'branch' ? `y = x + ${factor}·F(x)` : `y = ${factor}·x + F(x)` };
}

/**
 * The factor of a gate of constants: parameters win over `value`. Named by `param` of the site, else `block<i>.gate`, else
 * `block<i>.<branch>.gamma` or `.alpha`. A tanh gate has gone through tanh already.
 * @throws ResonnxError `recipe/parameter-missing` when there is neither
 */
export function gateFactor(options: GateOptions, site: TargetSite, parameters: Parameters): NumericArray {
  const found = gateNames(site).find((name) => parameters.has(name));
  if (found === undefined && options.value === undefined) return parameters.get(gateNames(site)[0]!);
  const given =
    found === undefined
      ? { dtype: 'float32' as const, shape: [], data: Float32Array.of(options.value!) }
      : parameters.get(found);
  const shaped =
    options.gate === 'per-channel' ? given : { ...given, shape: given.data.length === 1 ? [] : given.shape };
  return options.gate === 'tanh-scalar'
    ? fromFloat64(shaped.dtype, shaped.shape, toFloat64(shaped).map(Math.tanh))
    : shaped;
}

function gateNames(site: TargetSite): readonly string[] {
  const block = `block${site.block ?? 0}`;
  const inBranch = site.branch === undefined ? [] : [`${block}.${site.branch}.gamma`, `${block}.${site.branch}.alpha`];
  const named = typeof site['param'] === 'string' ? [site['param']] : [];
  return [...named, `${block}.gate`, ...inBranch, `${block}.gamma`, `${block}.alpha`];
}

/** The factor laid along `axis` of a value of this rank: `[C]` becomes `[C, 1, 1]` for axis 1 of `[N, C, H, W]`. */
export function alongAxis(factor: NumericArray, axis: number, rank: number): NumericArray {
  if (factor.shape.length !== 1) return factor;
  const at = axis < 0 ? axis + rank : axis;
  return { ...factor, shape: [factor.shape[0]!, ...Array<number>(rank - 1 - at).fill(1)] };
}

/** Whether the request leaves the function as it is: an existing addition multiplied by ones, or a new skip multiplied by zeros. */
export function preserves(request: OperationOptions): boolean {
  const options = gateOptions(request.operation);
  if (options.gate === 'highway') return false;
  return (request.operation.targets.sites ?? []).every((site) => {
    const isRegion = site['region_input'] !== undefined;
    if (isRegion && options.on !== 'skip') return false;
    const neutral = isRegion ? 0 : 1;
    return toFloat64(gateFactor(options, site, request.parameters)).every((element) => element === neutral);
  });
}
