import { ACTIVATIONS } from './activations.js';
import { ARITHMETIC } from './arithmetic.js';
import { ATTENTION } from './attention.js';
import type { Kernel, Kernels } from './call.js';
import { CASTS } from './cast.js';
import { CONVOLUTIONS } from './convolution.js';
import { EINSUM } from './einsum.js';
import { GENERATORS } from './generate.js';
import { LAYOUT } from './layout.js';
import { LOSSES } from './losses.js';
import { MICROSOFT } from './microsoft.js';
import { NORMS } from './norms.js';
import { PADDING } from './pad.js';
import { POOLS } from './pooling.js';
import { PRODUCTS } from './products.js';
import { QUANTIZATION } from './quantization.js';
import { RANKING } from './ranking.js';
import { RECURRENT } from './recurrent.js';
import { REDUCTION_KERNELS } from './reductions.js';
import { RESIZING } from './resize.js';
import { ROTARY } from './rotary.js';
import { SAMPLING } from './sampling.js';
import { SCATTER } from './scatter.js';
import { SELECTION } from './select.js';
import { SETS } from './sets.js';
import { TRANSFORMS } from './transforms.js';

const FAMILIES: readonly Kernels[] = [
  ACTIVATIONS,
  ARITHMETIC,
  ATTENTION,
  CASTS,
  CONVOLUTIONS,
  EINSUM,
  GENERATORS,
  LAYOUT,
  LOSSES,
  MICROSOFT,
  NORMS,
  PADDING,
  POOLS,
  PRODUCTS,
  QUANTIZATION,
  RANKING,
  RECURRENT,
  REDUCTION_KERNELS,
  RESIZING,
  ROTARY,
  SAMPLING,
  SCATTER,
  SELECTION,
  SETS,
  TRANSFORMS,
];

/** Every kernel by operator: `Add`, `com.microsoft.Gelu`. */
export const KERNELS: ReadonlyMap<string, Kernel> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));
