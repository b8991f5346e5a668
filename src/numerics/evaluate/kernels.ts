import { ACTIVATIONS } from './activations.js';
import { ARITHMETIC } from './arithmetic.js';
import type { Kernel, Kernels } from './call.js';
import { CASTS } from './cast.js';
import { CONVOLUTIONS } from './convolution.js';
import { GENERATORS } from './generate.js';
import { LAYOUT } from './layout.js';
import { NORMS } from './norms.js';
import { PADDING } from './pad.js';
import { POOLS } from './pooling.js';
import { PRODUCTS } from './products.js';
import { RANKING } from './ranking.js';
import { REDUCTION_KERNELS } from './reductions.js';
import { SCATTER } from './scatter.js';
import { SELECTION } from './select.js';

const FAMILIES: readonly Kernels[] = [
  ACTIVATIONS,
  ARITHMETIC,
  CASTS,
  CONVOLUTIONS,
  GENERATORS,
  LAYOUT,
  NORMS,
  PADDING,
  POOLS,
  PRODUCTS,
  RANKING,
  REDUCTION_KERNELS,
  SCATTER,
  SELECTION,
];

/** Every kernel by operator: `Add`, `com.microsoft.Gelu`. */
export const KERNELS: ReadonlyMap<string, Kernel> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));
