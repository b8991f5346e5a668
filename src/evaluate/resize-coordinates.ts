import { invalid } from './stop.js';

/** How one axis is resized. */
export interface AxisPlan {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** The part of the axis that tf_crop_and_resize reads, as shares of it. */
  readonly roi: readonly [number, number];
}

/** Where position `x` of the resized axis lies on the original one. Formulas of Resize-19. */
export function originalCoordinate(mode: string, x: number, { from, to, scale, roi }: AxisPlan): number {
  switch (mode) {
    case 'half_pixel':
      return (x + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric': {
      const adjustment = to / (scale * from);
      return (from / 2) * (1 - adjustment) + (x + 0.5) / scale - 0.5;
    }
    case 'pytorch_half_pixel':
      return to > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return to === 1 ? 0 : (x * (from - 1)) / (to - 1);
    case 'asymmetric':
      return x / scale;
    case 'tf_half_pixel_for_nn':
      return (x + 0.5) / scale;
    case 'tf_crop_and_resize': {
      const [start, end] = roi;
      if (to === 1) return 0.5 * (start + end) * (from - 1);
      return start * (from - 1) + (x * (end - start) * (from - 1)) / (to - 1);
    }
    default:
      throw invalid(`coordinate_transformation_mode ${mode}`);
  }
}

/** Keys 1981, equations 4 and 8, with parameter a. */
function cubicKernel(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}

/** What weighs the neighbours of a coordinate. */
export interface Filter {
  readonly mode: string;
  readonly nearest: string;
  readonly cubicA: number;
  readonly antialias: boolean;
}

/**
 * Weights of the neighbours of a coordinate that lies `ratio` (above 0, at most 1) beyond the one on its left: an even number of them,
 * half on either side.
 */
export function neighbourWeights({ mode, nearest, cubicA, antialias }: Filter, ratio: number, scale: number): number[] {
  if (mode === 'nearest') return nearestWeights(nearest, ratio);
  const reach = mode === 'cubic' ? 2 : 1;
  const kernel = mode === 'cubic' ? (x: number) => cubicKernel(x, cubicA) : (x: number) => Math.max(0, 1 - Math.abs(x));
  const shrink = antialias ? Math.min(scale, 1) : 1;
  const start = Math.floor(-reach / shrink) + 1;
  const weights = Array.from({ length: 2 - 2 * start }, (_, i) => kernel((start + i - ratio) * shrink));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return antialias ? weights.map((weight) => weight / sum) : weights;
}

function nearestWeights(rule: string, ratio: number): number[] {
  const right: Readonly<Record<string, boolean>> = {
    round_prefer_floor: ratio > 0.5,
    round_prefer_ceil: ratio >= 0.5,
    floor: ratio === 1,
    ceil: true,
  };
  if (!Object.hasOwn(right, rule)) throw invalid(`nearest_mode ${rule}`);
  return right[rule] ? [0, 1] : [1, 0];
}
