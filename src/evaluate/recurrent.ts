import { elementCount } from '../tensor/array.js';
import { activation } from './activations.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, integers, numbers } from './elements.js';
import { permute } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

type Activation = (x: number) => number;

/** One direction of a recurrent operator. Weights are [gates·H, I], [gates·H, H]; biases [gates·H] or absent. */
interface Cell {
  readonly call: Call;
  readonly hidden: number;
  readonly w: Float64Array;
  readonly r: Float64Array;
  readonly wb: Float64Array;
  readonly rb: Float64Array;
  /** Peepholes [3·H] of an LSTM. */
  readonly p: Float64Array;
  readonly activations: readonly Activation[];
}

interface State {
  readonly h: Float64Array;
  readonly c: Float64Array;
}

/** One step for one row of the batch. */
type Step = (cell: Cell, x: Float64Array, state: State) => State;

/** Row `row` of a matrix with `v.length` columns, times v. */
function dot(matrix: Float64Array, row: number, v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += matrix[row * v.length + i]! * v[i]!;
  return sum;
}

function clipped(call: Call): Activation {
  const clip = call.maybeFloat('clip');
  return clip === undefined ? (x) => x : (x) => Math.min(Math.max(x, -clip), clip);
}

const rnnStep: Step = ({ call, hidden, w, r, wb, rb, activations }, x, { h, c }) => {
  const [cut, f] = [clipped(call), activations[0]!];
  const next = h.map((_, k) => f(cut(dot(w, k, x) + dot(r, k, h) + wb[k]! + rb[k]!)));
  return { h: next.subarray(0, hidden), c };
};

/** GRU-14: gates in the order update, reset, hidden. */
const gruStep: Step = ({ call, hidden, w, r, wb, rb, activations }, x, { h, c }) => {
  const [cut, f, g] = [clipped(call), activations[0]!, activations[1]!];
  const gate = (row: number): number => f(cut(dot(w, row, x) + dot(r, row, h) + wb[row]! + rb[row]!));
  const update = h.map((_, k) => gate(k));
  const reset = h.map((_, k) => gate(hidden + k));
  const after = call.int('linear_before_reset') !== 0;
  const gated = h.map((value, k) => reset[k]! * value);
  const next = h.map((value, k) => {
    const row = 2 * hidden + k;
    const inner = after ? reset[k]! * (dot(r, row, h) + rb[row]!) : dot(r, row, gated) + rb[row]!;
    const candidate = g(cut(dot(w, row, x) + wb[row]! + inner));
    return (1 - update[k]!) * candidate + update[k]! * value;
  });
  return { h: next, c };
};

/** LSTM-14: gates in the order input, output, forget, cell. */
const lstmStep: Step = ({ call, hidden, w, r, wb, rb, p, activations }, x, { h, c }) => {
  const [cut, f, g, out] = [clipped(call), activations[0]!, activations[1]!, activations[2]!];
  const sum = (gate: number, k: number): number => {
    const row = gate * hidden + k;
    return dot(w, row, x) + dot(r, row, h) + wb[row]! + rb[row]!;
  };
  const coupled = call.maybeInt('input_forget') === 1;
  const cells = c.map((value, k) => {
    const input = f(cut(sum(0, k) + p[k]! * value));
    const forget = coupled ? 1 - input : f(cut(sum(2, k) + p[2 * hidden + k]! * value));
    return forget * value + input * g(cut(sum(3, k)));
  });
  const next = cells.map((value, k) => f(cut(sum(1, k) + p[hidden + k]! * value)) * out(value));
  return { h: next, c: cells };
};

/** The activations of each direction; those named take parameters from the two lists in turn. */
function activationsOf(call: Call, defaults: readonly string[], direction: number): readonly Activation[] {
  const names = call.texts('activations');
  const [alphas, betas] = [call.floatList('activation_alpha') ?? [], call.floatList('activation_beta') ?? []];
  const count = defaults.length;
  return defaults.map((fallback, i) => {
    const at = direction * count + i;
    const name = (names?.[at] ?? names?.[i] ?? fallback).toLowerCase();
    const spelled = SPELLED.find((each) => each.toLowerCase() === name) ?? name;
    const f = activation(spelled, alphas[at], betas[at]);
    if (!f) throw unsupported(`activation ${name}`);
    return f;
  });
}

const SPELLED = [
  'Affine',
  'Elu',
  'HardSigmoid',
  'LeakyRelu',
  'Relu',
  'ScaledTanh',
  'Sigmoid',
  'Softplus',
  'Softsign',
  'Tanh',
  'ThresholdedRelu',
];

interface Kind {
  readonly gates: number;
  readonly step: Step;
  readonly activations: readonly string[];
}

/** Part `index` of `count` equal ones; zeros where the operand is absent. */
function share(x: Elements | undefined, index: number, count: number, size: number): Float64Array {
  if (!x) return new Float64Array(size);
  const length = elementCount(x.shape) / count;
  return numbers(x).subarray(index * length, (index + 1) * length);
}

function cellOf(call: Call, kind: Kind, direction: number, directions: number): Cell {
  const hidden = call.maybeInt('hidden_size') ?? call.input(2).shape.at(-1)!;
  const rows = kind.gates * hidden;
  const bias = share(call.inputs[3], direction, directions, 2 * rows);
  return {
    call,
    hidden,
    w: share(call.input(1), direction, directions, 0),
    r: share(call.input(2), direction, directions, 0),
    wb: bias.subarray(0, rows),
    rb: bias.subarray(rows),
    p: share(kind.gates === 4 ? call.inputs[7] : undefined, direction, directions, 3 * hidden),
    activations: activationsOf(call, kind.activations, direction),
  };
}

/** Runs all directions; gives Y [T, directions, B, H] and the last states [directions, B, H]. */
function run(call: Call, kind: Kind): readonly Elements[] {
  const batchFirst = call.maybeInt('layout') === 1;
  const x = batchFirst ? permute(call.input(0), [1, 0, 2]) : call.input(0);
  const [length, batch, width] = x.shape as [number, number, number];
  const way = call.text('direction') || 'forward';
  const directions = way === 'bidirectional' ? 2 : 1;
  const lengths = call.inputs[4] ? integers(call.inputs[4]) : Array<number>(batch).fill(length);
  const { hidden } = cellOf(call, kind, 0, directions);
  if (lengths.some((each) => each > length)) throw invalid('a sequence longer than the input');
  call.spend(directions * length * batch * kind.gates * hidden * (width + hidden));
  const y = new Float64Array(length * directions * batch * hidden);
  const last = { h: new Float64Array(directions * batch * hidden), c: new Float64Array(directions * batch * hidden) };
  const first = (index: number): Elements | undefined => {
    const given = call.inputs[index];
    return given && batchFirst ? permute(given, [1, 0, 2]) : given;
  };
  const [h0, c0] = [first(5), kind.gates === 4 ? first(6) : undefined];
  const data = numbers(x);
  for (let d = 0; d < directions; d++) {
    const cell = cellOf(call, kind, d, directions);
    const backward = way === 'reverse' || d === 1;
    for (let b = 0; b < batch; b++) {
      const at = d * batch + b;
      const start = (given: Elements | undefined): Float64Array => share(given, at, directions * batch, hidden).slice();
      let state: State = { h: start(h0), c: start(c0) };
      for (let t = 0; t < lengths[b]!; t++) {
        const time = backward ? lengths[b]! - 1 - t : t;
        const from = (time * batch + b) * width;
        state = kind.step(cell, data.subarray(from, from + width), state);
        y.set(state.h, ((time * directions + d) * batch + b) * hidden);
      }
      last.h.set(state.h, at * hidden);
      last.c.set(state.c, at * hidden);
    }
  }
  const { dtype } = x;
  const states = [last.h, last.c].map((state) => floats(dtype, [directions, batch, hidden], state));
  const all = [floats(dtype, [length, directions, batch, hidden], y), ...states];
  if (!batchFirst) return all;
  return all.map((each, i) => permute(each, i === 0 ? [2, 0, 1, 3] : [1, 0, 2]));
}

const LSTM: Kind = { gates: 4, step: lstmStep, activations: ['Sigmoid', 'Tanh', 'Tanh'] };
const GRU: Kind = { gates: 3, step: gruStep, activations: ['Sigmoid', 'Tanh'] };
const RNN: Kind = { gates: 1, step: rnnStep, activations: ['Tanh'] };

/** Recurrent operators. */
export const RECURRENT: Kernels = {
  GRU: (call) => run(call, GRU).slice(0, 2),
  LSTM: (call) => run(call, LSTM),
  RNN: (call) => run(call, RNN).slice(0, 2),
};
