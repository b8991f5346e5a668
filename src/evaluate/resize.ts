import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { allocate, type Elements, fromNumbers, numbers, type Writable } from './elements.js';
import { axisOf, rowsAlong } from './index-maps.js';
import { type AxisPlan, type Filter, neighbourWeights, originalCoordinate } from './resize-coordinates.js';
import { invalid, unsupported } from './stop.js';

/** One resized position: the places that it reads and their weights, or nothing where it lies outside of the region of interest. */
interface Mix {
  readonly places: readonly number[];
  readonly weights: readonly number[];
}

interface Options extends Filter {
  readonly coordinates: string;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
}

function mixAt(position: number, plan: AxisPlan, options: Options): Mix | undefined {
  const at = originalCoordinate(options.coordinates, position, plan);
  const last = plan.from - 1;
  if (options.coordinates === 'tf_crop_and_resize' && (at < 0 || at > last)) return undefined;
  const left = Math.ceil(at) - 1;
  const weights = neighbourWeights(options, at - left, plan.scale);
  const first = left - weights.length / 2 + 1;
  const raw = weights.map((_, i) => first + i);
  const places = raw.map((place) => Math.min(Math.max(place, 0), last));
  if (!options.excludeOutside) return { places, weights };
  const kept = weights.map((weight, i) => (raw[i]! >= 0 && raw[i]! <= last ? weight : 0));
  const sum = kept.reduce((total, weight) => total + weight, 0);
  return { places, weights: kept.map((weight) => weight / sum) };
}

/** One axis resized; nearest moves elements as they are, the others compute in float64. */
function resizeAxis(call: Call, x: Elements, axis: number, plan: AxisPlan, options: Options): Elements {
  const shape = x.shape.with(axis, plan.to);
  const mixes = Array.from({ length: plan.to }, (_, position) => mixAt(position, plan, options));
  const source = rowsAlong(x.shape, [axis]);
  const target = rowsAlong(shape, [axis]);
  call.spend(elementCount(shape) * (mixes[0]?.weights.length ?? 1));
  const moves = options.mode === 'nearest';
  const made = (moves ? allocate(x.dtype, elementCount(shape)) : new Float64Array(elementCount(shape))) as Writable;
  const data = moves ? x.data : numbers(x);
  mixes.forEach((mix, position) => {
    for (let row = 0; row < source.rows.length; row++) {
      const to = target.rows[row]! + target.places[position]!;
      const read = (place: number): number => data[source.rows[row]! + source.places[place]!] as number;
      if (!mix) made[to] = options.extrapolation;
      else if (moves) made[to] = read(mix.places[mix.weights.indexOf(1)]!);
      else made[to] = mix.places.reduce((sum, place, i) => sum + mix.weights[i]! * read(place), 0);
    }
  });
  return { dtype: x.dtype, shape, data: made as Elements['data'] };
}

/** The sizes and scales of the axes that change. */
function plansOf(call: Call, x: Elements, axes: readonly number[]): readonly AxisPlan[] {
  const scales = call.inputs[2] && numbers(call.inputs[2]);
  const sizes = call.ints(3);
  const roi = call.inputs[1] && numbers(call.inputs[1]);
  const policy = call.text('keep_aspect_ratio_policy') || 'stretch';
  const given = scales && scales.length > 0 ? scales : undefined;
  if (!given && !sizes) throw invalid('neither scales nor sizes');
  const ratios = axes.map((axis, i) => (sizes && !given ? sizes[i]! / x.shape[axis]! : given![i]!));
  const common = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis, i): AxisPlan => {
    const from = x.shape[axis]!;
    const window: readonly [number, number] =
      roi && roi.length === 2 * axes.length ? [roi[i]!, roi[axes.length + i]!] : [0, 1];
    if (given) return { from, to: Math.floor(from * given[i]!), scale: given[i]!, roi: window };
    if (policy === 'stretch') return { from, to: sizes![i]!, scale: ratios[i]!, roi: window };
    return { from, to: Math.floor(from * common + 0.5), scale: common, roi: window };
  });
}

function resized(
  call: Call,
  x: Elements,
  axes: readonly number[],
  plans: readonly AxisPlan[],
  options: Options,
): Elements {
  let made = x;
  axes.forEach((axis, i) => {
    const plan = plans[i]!;
    if (plan.from === 0 || plan.to < 0) throw invalid(`axis ${axis} from ${plan.from} to ${plan.to}`);
    const same = plan.from === plan.to && plan.scale === 1 && options.coordinates !== 'tf_crop_and_resize';
    if (!same) made = resizeAxis(call, made, axis, plan, options);
  });
  return options.mode === 'nearest' ? made : fromNumbers(x.dtype, made.shape, numbers(made));
}

/** Resize-11 to 25. */
function resize(call: Call): readonly Elements[] {
  if (call.opset < 11) return resizeOld(call);
  const x = call.input(0);
  const axes = (call.intList('axes') ?? [...x.shape.keys()]).map((axis) => axisOf(axis, x.shape.length));
  const options: Options = {
    mode: call.text('mode'),
    nearest: call.text('nearest_mode'),
    cubicA: call.float('cubic_coeff_a'),
    antialias: call.maybeInt('antialias') === 1,
    coordinates: call.text('coordinate_transformation_mode'),
    excludeOutside: call.int('exclude_outside') !== 0,
    extrapolation: call.float('extrapolation_value'),
  };
  return [resized(call, x, axes, plansOf(call, x, axes), options)];
}

/** Resize-10 and Upsample: positions are divided by the scale, nearest takes the one before. */
function resizeOld(call: Call): readonly Elements[] {
  const x = call.input(0);
  const scales = call.inputs[1] ? [...numbers(call.inputs[1])] : call.floatList('scales');
  if (!scales || scales.length !== x.shape.length) throw unsupported('such scales');
  const plans = x.shape.map((from, axis): AxisPlan => {
    return { from, to: Math.floor(from * scales[axis]!), scale: scales[axis]!, roi: [0, 1] };
  });
  const options: Options = {
    mode: call.text('mode') === 'nearest' ? 'nearest' : 'linear',
    nearest: 'floor',
    cubicA: 0,
    antialias: false,
    coordinates: 'asymmetric',
    excludeOutside: false,
    extrapolation: 0,
  };
  return [resized(call, x, [...x.shape.keys()], plans, options)];
}

/** Operators that resample. */
export const RESIZING: Kernels = { Resize: resize, Upsample: resizeOld };
