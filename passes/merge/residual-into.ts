import {
  dependsOn,
  type Edit,
  fromFloat64,
  isOp,
  Locator,
  type Model,
  type Node,
  type OperationOptions,
  type PassContext,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { type Addition, findAdditions } from '../_shared/addition.js';
import { proveAligned } from '../_shared/alignment.js';
import { sitesOf } from '../_shared/sites.js';
import { copyNode, refuse } from '../_shared/weight-edit.js';
import { dirac, excess, inputsOf, type Kernel, outputsOf, regrouped, sum, windowOf } from './kernel.js';
import { kernelBetween, type PathKind } from './linear-path.js';
import { keepsRange, provenRange } from './nonnegative.js';
import { convolve } from './parallel-branches.js';

/** A linear operator of a branch, and the activation behind it; the last one has none. */
interface Stage {
  readonly kernel: Kernel;
  readonly activation: Node | undefined;
}

/** A branch from the value that it shares with the skip: K_n a_{n-1}(… a_1(K_1 x)), and the skip P x. */
interface Absorbable {
  readonly source: Value;
  readonly stages: readonly Stage[];
  readonly skip: Kernel;
}

type Context = PassContext<OperationOptions>;
const ACTIVATIONS = ['Relu', 'LeakyRelu', 'PRelu', 'Elu', 'Celu', 'Clip'];

/**
 * P x + K₂ a(K₁ x) with x ≥ 0 becomes [P | K₂] a([x; K₁ x]): x is carried through the activation, which leaves it as it is, by channels
 * with a dirac kernel; the addition goes. A branch without an activation takes the skip as a dirac kernel of its own.
 */
export function absorbResiduals(model: Model, layer: PathKind['layer'], cx: Context): void {
  const kind: PathKind = { layer, types: cx.types };
  for (const addition of findAdditions(new Locator(model), sitesOf(cx.options.operation))) {
    proveAligned(addition.skip, addition.branch, cx.types);
    const found = readResidual(addition, kind);
    cx.rewrite(`residual-into-${layer}`, addition.node, (edit) => {
      const built =
        found.stages.length === 1 ? single(edit, addition, found, kind) : carried(edit, addition, found, kind);
      edit.replace(addition.sum, built);
    });
  }
}

/** @throws ResonnxError `rewrite/refused` when the branch is no chain of linear operators and activations on what the skip reads */
function readResidual(addition: Addition, kind: PathKind): Absorbable {
  const sources = linearAncestors(addition.skip);
  const stages: Stage[] = [];
  let end = addition.branch;
  let activation: Node | undefined;
  for (;;) {
    const start = stageStart(end, sources);
    stages.unshift({ kernel: kernelBetween(start, end, kind), activation });
    if (sources.includes(start)) return { source: start, stages, skip: kernelBetween(start, addition.skip, kind) };
    activation = start.producer!;
    end = activation.inputs[0]!;
  }
}

/** The skip, and what it is a linear function of, nearest first. */
function linearAncestors(skip: Value): readonly Value[] {
  const found = [skip];
  for (
    let node = skip.producer;
    node && isOp(node, 'Conv', 'MatMul', 'Gemm', 'BatchNormalization', 'Identity', 'Add');
  ) {
    const above: Value | undefined = node.inputs.find((input) => input && !input.constant && input.producer);
    if (!above) break;
    found.push(above);
    node = above.producer;
  }
  return found;
}

/** Walks up to the activation, or the source, that a linear stage begins with. */
function stageStart(end: Value, sources: readonly Value[]): Value {
  let value = end;
  for (let steps = 0; steps < 64; steps++) {
    if (sources.includes(value)) return value;
    if (isActivation(value.producer)) return value;
    const next: Value | undefined = value.producer?.inputs.find(
      (input) => input && !input.constant && sources.some((source) => dependsOn(input, source)),
    );
    if (!next) break;
    value = next;
  }
  return refuse(end, 'the branch is not a chain of linear operators and activations on what the skip reads');
}

function isActivation(node: Node | undefined): boolean {
  return isOp(node, ...ACTIVATIONS);
}

function single(edit: Edit, addition: Addition, { source, stages, skip }: Absorbable, kind: PathKind): Value {
  return apply(edit, source, sum(stages[0]!.kernel, skip, addition.sum), addition.branch, kind);
}

function carried(edit: Edit, addition: Addition, { source, stages, skip }: Absorbable, kind: PathKind): Value {
  const limit = provenRange(source);
  if (limit === undefined)
    refuse(
      addition.node,
      `"${source.hint}" is not proven to be non-negative: an activation would cut what the skip carries`,
    );
  const blocked = stages.find(({ activation }) => activation && !keepsRange(activation, limit));
  if (blocked) refuse(blocked.activation!, `${blocked.activation!.op} does not leave what the skip carries as it is`);
  const channels = inputsOf(skip);
  let value = source;
  stages.forEach(({ kernel, activation }, index) => {
    const isLast = index === stages.length - 1;
    const wide = isLast
      ? joined(kernel, skip, stages, addition)
      : index === 0
        ? beside(kernel, carrier(kernel, channels, addition))
        : widened(kernel, channels, addition);
    value = apply(edit, value, wide, activation?.inputs[0] ?? addition.branch, kind);
    if (activation) value = copyNode(activation, [value, ...activation.inputs.slice(1)]);
  });
  return value;
}

/** The dirac kernel that samples where the window of `kernel` has its centre. */
function carrier(kernel: Kernel, channels: number, addition: Addition): Kernel {
  const window = windowOf(kernel);
  const unit = dirac(channels, window.length);
  const place = window.map((_, i) => kernel.before[i]! / kernel.dilations[i]!);
  const fits =
    place.every((at, i) => Number.isInteger(at) && at < window[i]!) && excess(kernel).every((extra) => extra === 0);
  if (!fits) refuse(addition.node, 'a convolution of the branch moves or resizes what the skip carries');
  const inner = window.reduce((a, b) => a * b, 1);
  const at = place.reduce((offset, tap, i) => offset * window[i]! + tap, 0);
  const data = new Float64Array(channels * inner);
  for (let c = 0; c < channels; c++) data[c * inner + at] = 1;
  return {
    ...kernel,
    groups: channels,
    bias: unit.bias,
    weight: { dtype: 'float64', shape: [channels, 1, ...window], data },
  };
}

/** Outputs of both kernels, side by side, from one input. */
function beside(kernel: Kernel, extra: Kernel): Kernel {
  const [a, b] = [regrouped(kernel, 1), regrouped(extra, 1)];
  const shape = [outputsOf(a) + outputsOf(b), ...a.weight.shape.slice(1)];
  return {
    ...a,
    weight: { dtype: 'float64', shape, data: both(a.weight.data, b.weight.data) },
    bias: both(a.bias, b.bias),
  };
}

function both(a: Kernel['weight']['data'], b: Kernel['weight']['data']): Float64Array {
  const [p, q] = [a as Float64Array, b as Float64Array];
  const result = new Float64Array(p.length + q.length);
  result.set(p);
  result.set(q, p.length);
  return result;
}

/** The kernel with more inputs and as many more outputs, which hand them on. */
function widened(kernel: Kernel, channels: number, addition: Addition): Kernel {
  const extra = carrier(kernel, channels, addition);
  const [ins, outs] = [kernel.weight.shape[1]!, outputsOf(kernel) / kernel.groups];
  if (kernel.groups > 1 && ins === outs && channels % ins === 0) {
    const blocks = regrouped(extra, channels / ins);
    const shape = [outputsOf(kernel) + channels, ...kernel.weight.shape.slice(1)];
    const weight = { dtype: 'float64' as const, shape, data: both(kernel.weight.data, blocks.weight.data) };
    return { ...kernel, groups: kernel.groups + channels / ins, weight, bias: both(kernel.bias, extra.bias) };
  }
  const dense = regrouped(kernel, 1);
  const more = regrouped(extra, 1);
  return beside(padInputs(dense, 0, channels), padInputs(more, inputsOf(dense), 0));
}

/** Input channels whose weights are zero, in front and behind. */
function padInputs(kernel: Kernel, before: number, after: number): Kernel {
  const [out, inn, ...window] = kernel.weight.shape as readonly [number, number, ...number[]];
  const inner = window.reduce((a, b) => a * b, 1);
  const total = before + inn + after;
  const from = toFloat64(kernel.weight);
  const data = new Float64Array(out * total * inner);
  for (let o = 0; o < out; o++)
    data.set(from.subarray(o * inn * inner, (o + 1) * inn * inner), (o * total + before) * inner);
  return { ...kernel, weight: { dtype: 'float64', shape: [out, total, ...window], data } };
}

/** The last stage reads what was carried through the kernel of the skip: their sum, each with its own inputs. */
function joined(kernel: Kernel, skip: Kernel, stages: readonly Stage[], addition: Addition): Kernel {
  const dense = regrouped(kernel, 1);
  const earlier = stages.slice(0, -1).map((stage) => stage.kernel.strides);
  const strides = skip.strides.map((stride, i) => stride / earlier.reduce((total, each) => total * each[i]!, 1));
  const own = regrouped({ ...skip, strides }, 1);
  return sum(padInputs(dense, 0, inputsOf(own)), padInputs(own, inputsOf(dense), 0), addition.sum);
}

/** A kernel as an operator on `x`. */
function apply(edit: Edit, x: Value, kernel: Kernel, like: Value, kind: PathKind): Value {
  if (kind.layer === 'conv') return convolve(edit, x, kernel, like, kind.types);
  return multiply(edit, x, kernel, like, kind.types);
}

function multiply(edit: Edit, x: Value, kernel: Kernel, like: Value, types: Types): Value {
  const dtype = types.dtype(like) ?? 'float32';
  const dense = regrouped(kernel, 1);
  const [out, inn] = dense.weight.shape as readonly [number, number];
  const from = toFloat64(dense.weight);
  const data = Float64Array.from({ length: out * inn }, (_, i) => from[(i % out) * inn + Math.floor(i / out)]!);
  const constant = (name: string, shape: readonly number[], elements: Float64Array): Value =>
    edit.constant(`${like.hint}_${name}`, Tensor.from(fromFloat64(dtype, shape, elements)));
  const product = edit.node('MatMul', [x, constant('weight', [inn, out], data)]);
  return edit.node('Add', [product, constant('bias', [out], dense.bias)]);
}
