import { elementCount, type NumericArray, type Parameters } from '#core';
import { seededNormal, seedFor } from './seeded.js';

/** How weights that are not given are made; the names of the recipe's option `init`. */
export const INITS = ['zero', 'identity', 'dirac', 'he'] as const;
export type Init = (typeof INITS)[number];

/** What the weights of a projection are for. */
export interface WeightRequest {
  readonly parameters: Parameters;
  /** Name before `.weight` and `.bias`. */
  readonly name: string;
  /** Name before `.running_mean` and the like, where a norm follows. */
  readonly norm: string | undefined;
  readonly init: Init | undefined;
  readonly seed: number;
  /** Output and input channels, where they are known. */
  readonly channels: readonly [number | undefined, number | undefined];
  /** Axes that the window lies over. */
  readonly spatial: number;
}

export interface ProjectionWeights {
  /** `[out, in, 1…]`. */
  readonly weight: NumericArray;
  readonly bias: NumericArray | undefined;
  /** weight, bias, running_mean, running_var. */
  readonly norm: readonly NumericArray[] | undefined;
}

const NORM_PARTS = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/**
 * Weights of a projection: those that are given, else made as `init` says: zeros; the identity on the channels that both sides have;
 * He et al. 2015 (arXiv:1502.01852, eq. 10), seeded. A norm that is not given leaves what it reads alone but for its epsilon.
 * @throws ResonnxError `recipe/parameter-missing`, `recipe/parameter-shape`
 */
export function projectionWeights(request: WeightRequest): ProjectionWeights {
  const { parameters, name, init, channels, spatial } = request;
  const [out, inn] = channels;
  const isMade = init !== undefined && !parameters.has(`${name}.weight`) && out !== undefined && inn !== undefined;
  const weight = isMade
    ? makeWeight(init, [out, inn, ...Array<number>(spatial).fill(1)], request)
    : parameters.get(`${name}.weight`, [out, inn, ...Array<number>(spatial).fill(1)]);
  const bias = parameters.has(`${name}.bias`) ? parameters.get(`${name}.bias`, [out]) : undefined;
  return { weight, bias, norm: normOf(request, weight.shape[0]!) };
}

function makeWeight(init: Init, shape: readonly number[], { seed, name }: WeightRequest): NumericArray {
  const [out, inn] = shape as readonly [number, number];
  const data = new Float64Array(elementCount(shape));
  if (init === 'he') {
    const next = seededNormal(seedFor(seed, name));
    for (let i = 0; i < data.length; i++) data[i] = next() * Math.sqrt(2 / inn);
  } else if (init !== 'zero') for (let c = 0; c < Math.min(out, inn); c++) data[c * inn + c] = 1;
  return { dtype: 'float64', shape, data };
}

function normOf({ parameters, norm, init }: WeightRequest, size: number): readonly NumericArray[] | undefined {
  if (norm === undefined) return undefined;
  const isMade = init !== undefined && !parameters.has(`${norm}.weight`);
  return NORM_PARTS.map((part) => {
    if (!isMade) return parameters.get(`${norm}.${part}`, [size]);
    const isOne = part === 'weight' || part === 'running_var';
    return { dtype: 'float64', shape: [size], data: new Float64Array(size).fill(isOne ? 1 : 0) };
  });
}
