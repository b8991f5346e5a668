import {
  type Edit,
  fromFloat64,
  type NumericArray,
  type Parameters,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { transposed } from './arrays.js';
import { type Init, INITS, type ProjectionWeights, projectionWeights } from './projection-weights.js';
import { averagePool, batchNorm, padChannels, pointwise, subsample } from './spatial.js';

/** How a skip is brought to the shape of its branch; the names of docs/recipes.md. */
export type ProjectionKind = (typeof KINDS)[number];

const KINDS = ['none', 'conv1x1', 'conv1x1-bn', 'avgpool-conv1x1', 'avgpool-conv1x1-bn', 'linear', 'option-a'] as const;

/** Options of a projection as the recipe gives them. */
export interface ProjectionOptions {
  readonly kind: ProjectionKind;
  readonly stride: number;
  readonly eps: number;
  readonly ceilMode: boolean;
  readonly channelPad: 'end' | 'split';
  /** How weights that are not given are made. */
  readonly init: Init | undefined;
  readonly seed: number;
}

/** Reads the options of an operation. @throws ResonnxError `recipe/option-invalid` */
export function projectionOptions(operation: string, options: Readonly<Record<string, unknown>>): ProjectionOptions {
  const invalid = (name: string, allowed: string): never => {
    throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, name, options[name], allowed)]);
  };
  const kind =
    KINDS.find((known) => known === (options['projection'] ?? 'none')) ??
    invalid('projection', `one of ${KINDS.join(', ')}`);
  const stride = options['stride'] ?? 1;
  if (typeof stride !== 'number' || !Number.isInteger(stride) || stride < 1)
    return invalid('stride', 'a positive integer');
  const eps = options['eps'] ?? 1e-5;
  if (typeof eps !== 'number' || !(eps > 0)) return invalid('eps', 'a positive number');
  const channelPad = options['channel_pad'] ?? 'end';
  if (channelPad !== 'end' && channelPad !== 'split') return invalid('channel_pad', '"end" or "split"');
  const init = options['init'] === undefined ? undefined : INITS.find((known) => known === options['init']);
  if (options['init'] !== undefined && !init) return invalid('init', `one of ${INITS.join(', ')}`);
  const seed = options['seed'] ?? 0;
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed)) return invalid('seed', 'an integer');
  const isOn = (name: string): boolean => options[name] === true || options[name] === 1;
  return {
    kind,
    stride,
    eps,
    ceilMode: isOn('ceil_mode'),
    channelPad,
    init,
    seed,
  };
}

/** What a projection is made for. */
export interface ProjectionRequest {
  readonly options: ProjectionOptions;
  readonly site: TargetSite;
  readonly parameters: Parameters;
}

/** `block<i>`, under which the parameters of a site are found. */
function prefixOf(site: TargetSite): string {
  return `block${site.block ?? 0}`;
}

/** The modules of a projection in order; weights are found by the place of their module. */
interface Modules {
  readonly pool: boolean;
  /** Name before `.weight` and `.bias`. */
  readonly weights: string;
  /** Name before `.running_mean` and the like. */
  readonly norm: string | undefined;
}

function modulesOf({ options, site }: ProjectionRequest): Modules {
  const prefix = prefixOf(site);
  const pool = options.kind.startsWith('avgpool');
  const norm = options.kind.endsWith('-bn');
  const place = pool ? 1 : 0;
  return {
    pool,
    weights: pool || norm ? `${prefix}.${place}` : prefix,
    norm: norm ? `${prefix}.${place + 1}` : undefined,
  };
}

/** Weights for a skip of `inn` to `out` channels. */
function weightsOf(
  request: ProjectionRequest,
  channels: readonly [number | undefined, number | undefined],
  spatial: number,
): ProjectionWeights {
  const { options, parameters } = request;
  const { weights: name, norm } = modulesOf(request);
  return projectionWeights({ parameters, name, norm, channels, spatial, init: options.init, seed: options.seed });
}

/** Whether every weight of the projection is a zero that was made: the skip adds nothing at first. */
export function isZeroAtFirst(request: ProjectionRequest): boolean {
  const { kind, init } = request.options;
  const { weights, norm } = modulesOf(request);
  const given = [`${weights}.weight`, `${weights}.bias`, ...(norm === undefined ? [] : [`${norm}.weight`])];
  return (
    kind !== 'none' && kind !== 'option-a' && init === 'zero' && !given.some((name) => request.parameters.has(name))
  );
}

/** Builds the projection of `x` in the graph. */
export function buildProjection(edit: Edit, x: Value, branch: Value, request: ProjectionRequest, types: Types): Value {
  const { options } = request;
  const constant = (name: string, array: NumericArray): Value =>
    edit.constant(name, Tensor.from(fromFloat64(types.dtype(x) ?? 'float32', array.shape, toFloat64(array))));
  if (options.kind === 'none') return x;
  if (options.kind === 'option-a') return buildOptionA(edit, x, branch, request, types);
  const modules = modulesOf(request);
  const rank = types.shape(x)?.length ?? 2;
  const axis = options.kind === 'linear' ? rank - 1 : 1;
  const sizes = [branch, x].map((value) => types.shape(value)?.[axis]);
  const [out, inn] = sizes.map((size) => (typeof size === 'number' ? size : undefined));
  const { weight, bias, norm } = weightsOf(request, [out, inn], options.kind === 'linear' ? 0 : rank - 2);
  if (options.kind === 'linear') {
    const product = edit.node('MatMul', [x, constant('skip_weight', transposed(weight))]);
    return bias ? edit.node('Add', [product, constant('skip_bias', bias)]) : product;
  }
  const spatial = weight.shape.length - 2;
  const strides = Array<number>(spatial).fill(options.stride);
  const pooled = modules.pool
    ? edit.node('AveragePool', [x], {
        kernel_shape: strides,
        strides,
        ...(options.ceilMode && { ceil_mode: 1 }),
      })
    : x;
  const convStrides = modules.pool ? Array<number>(spatial).fill(1) : strides;
  const inputs = [pooled, constant('skip_weight', weight), bias && constant('skip_bias', bias)];
  const projected = edit.node('Conv', inputs, { kernel_shape: weight.shape.slice(2), strides: convStrides });
  if (!norm) return projected;
  const parts = norm.map((part) => constant('skip_bn', part));
  return edit.node('BatchNormalization', [projected, ...parts], { epsilon: { type: 'FLOAT', value: options.eps } });
}

/** Subsampling and zero channels (He et al. 2015, arXiv:1512.03385, option A). */
function buildOptionA(edit: Edit, x: Value, branch: Value, { options }: ProjectionRequest, types: Types): Value {
  const { before, after, spatial } = channelPadding(x, branch, options, types);
  const list = (name: string, numbers: readonly number[]): Value =>
    edit.constant(name, Tensor.int64([numbers.length], numbers));
  const axes = Array.from({ length: spatial }, (_, i) => i + 2);
  const all = (value: number): number[] => Array<number>(spatial).fill(value);
  const subsampled =
    options.stride === 1
      ? x
      : edit.node('Slice', [
          x,
          list('skip_starts', all(0)),
          list('skip_ends', all(Number.MAX_SAFE_INTEGER)),
          list('skip_axes', axes),
          list('skip_steps', all(options.stride)),
        ]);
  if (before === 0 && after === 0) return subsampled;
  const pads = [0, before, ...all(0), 0, after, ...all(0)];
  const opset = edit.graph.opset('') ?? 0;
  if (opset >= 11) return edit.node('Pad', [subsampled, list('skip_pads', pads)]);
  return edit.node('Pad', [subsampled], { pads });
}

/** Zero channels in front and behind. @throws ResonnxError `rewrite/refused` when the channels are not known or shrink */
function channelPadding(
  x: Value,
  branch: Value,
  options: ProjectionOptions,
  types: Types,
): { readonly before: number; readonly after: number; readonly spatial: number } {
  const [from, to] = [types.shape(x), types.shape(branch)];
  const [a, b] = [from?.[1], to?.[1]];
  if (typeof a !== 'number' || typeof b !== 'number' || b < a || !from) {
    const why = `option-a needs known channels that do not shrink; they are ${String(a)} and ${String(b)}`;
    throw new ResonnxError([recipeCodes.refused({ path: 'main' }, why, 'Use projection conv1x1.')]);
  }
  const before = options.channelPad === 'split' ? Math.floor((b - a) / 2) : 0;
  return { before, after: b - a - before, spatial: from.length - 2 };
}

/** The same projection over arrays, in float64: the reference that the graph is compared with. `branch` gives the channels of option A. */
export function projectArray(x: NumericArray, branch: NumericArray, request: ProjectionRequest): NumericArray {
  const { options } = request;
  if (options.kind === 'none') return x;
  if (options.kind === 'option-a') {
    const added = branch.shape[1]! - x.shape[1]!;
    const before = options.channelPad === 'split' ? Math.floor(added / 2) : 0;
    return padChannels(subsample(x, options.stride), before, added - before);
  }
  const modules = modulesOf(request);
  const rank = x.shape.length;
  const axis = options.kind === 'linear' ? rank - 1 : 1;
  const channels = [branch.shape[axis], x.shape[axis]] as const;
  const { weight, bias, norm } = weightsOf(request, channels, options.kind === 'linear' ? 0 : rank - 2);
  if (options.kind === 'linear') return pointwise(x, weight, bias, -1);
  const spread = modules.pool ? averagePool(x, options.stride, options.ceilMode) : subsample(x, options.stride);
  const projected = pointwise(spread, weight, bias, 1);
  if (!norm) return projected;
  const [scale, shift, mean, variance] = norm;
  return batchNorm(projected, { scale: scale!, shift: shift!, mean: mean!, variance: variance!, eps: options.eps });
}
