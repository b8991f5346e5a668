import type { Model } from '../../src/ir/model.js';
import { modelOf } from '../support/model.js';

const weight = (type: string, seed: number): string => `${type} = ["location": "fill:normal", "seed": "${seed}"]`;
const scale = (type: string, seed: number): string =>
  `${type} = ["location": "fill:uniform", "low": "0.5", "high": "1.5", "seed": "${seed}"]`;

function net(body: string, opset = 17): Model {
  return modelOf(`<ir_version: 9, opset_import: ["": ${opset}]>\ng ${body}`);
}

/** Small networks that together have a place for nearly every kind of damage. */
export const networks: Readonly<Record<string, () => Model>> = {
  recurrent: () => net(`(float[seq, batch, 4] X, float[1, batch, 5] h0) => (float[seq, 1, batch, 5] Y, float[1, batch, 5] Z)
<${weight('float[1, 20, 4] W', 1)}, ${weight('float[1, 20, 5] R', 2)}, ${weight('float[1, 40] B', 3)}, ${weight('float[1, 15, 5] GW', 4)},
 ${weight('float[1, 15, 5] GR', 5)}, ${weight('float[1, 30] GB', 6)}, int64[1] axes = {1}>
{ y = LSTM <hidden_size = 5> (X, W, R, B, , h0) Y = Tanh (y) s = Squeeze (y, axes)
  , Z = GRU <hidden_size = 5, linear_before_reset = 1> (s, GW, GR, GB, , h0) }`),
  control: () => net(`(float[n, 4] X, int64 rate, int64 count) => (float[n, 4] Y)
<int64 low = {8000}, float two = {2}, float one = {1}, bool yes = {1}, float[4] bias = {1, 2, 3, 4}>
{ is = Equal (rate, low)
  a = If (is) <then_branch = t () => (float[n, 4] ta) { ta = Mul (X, two) }, else_branch = e () => (float[n, 4] ea) { e0 = Sub (one, X) ea = Add (e0, bias) }>
  Y = Loop (count, yes, a) <body = l (int64 i, bool go, float[n, 4] at) => (bool on, float[n, 4] next) { on = Identity (go) s = Sigmoid (at) next = Mul (s, at) }> }`),
  selection: () => net(`(float[batch, 6, 6] X, int64[batch, seq] ids) => (float[batch, 6, 6] Y, float[batch, 6, 2] top, int64[batch, 6] best, float[batch, seq, 6] H, int64[seq] P, float[6, 6] T, float[batch, 6, 6] U)
<int64[1] k = {2}, int64 axis = {1}, int64[1] starts = {1}, int64[1] ends = {4}, int64[1] axes = {2}, int64[6] order = {2, 1, 0, 4, 3, 4},
 float[2] values = {0, 1}, int64 depth = {6}, int64 zero = {0}, int64 unit = {1}, int64[3] target = {0, 3, 12}, int64[3] back = {0, 6, 6}, int64[8] pads = {0, 0, 0, 0, 0, 1},
 float[6, 6] mask = {1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1}>
{ t = Transpose <perm = [0, 2, 1]> (X) c = CumSum (t, axis) g = Gather <axis = 1> (c, order) l, r = Split <axis = 2> (g) j = Concat <axis = 2> (l, r)
  u = Reshape (j, target) w = Reshape (u, back) U = Trilu <upper = 0> (w) f = Mul (w, mask) s = Slice (f, starts, ends, axes)
  e = Pad <mode = "edge"> (s, six) Y = Slice (e, zeros, sixes, axes) top, indices = TopK (X, k) best = ArgMax <axis = -1, keepdims = 0> (X)
  H = OneHot (ids, depth, values) shape = Shape (ids) length = Gather (shape, unit) P = Range (zero, length, unit) row = Gather (X, zero) T = Trilu (row)
  six = Constant <value_ints = [0, 0, 2, 0, 0, 1]> () zeros = Constant <value_ints = [0]> () sixes = Constant <value_ints = [6]> () }`.replace(' int64[8] pads = {0, 0, 0, 0, 0, 1},', '')),
  integers: () => net(`(int64[n] A, int64[n] B, float[n] F) => (int64[n] Q, int64[n] M, bool[n] C, float[n] R, float[n] W, float[n] S)
<int64 three = {3}, int64 five = {5}, float zero = {0}>
{ s = Add (A, B) Q = Div (s, three) M = Mod (A, five) lt = Less (A, B) eq = Equal (A, three) nn = Not (eq) C = And (lt, nn)
  R = Round (F) z = Add (F, zero) S = Reciprocal (z) hc = Cast <to = 10> (F) h = Cast <to = 1> (hc) fl = Floor (h) mx = Max (fl, zero) W = Where (C, mx, F) }`),
  quantized: () => net(`(float[n, 4] X) => (float[n, 3] Y)
<float sx = {0.03}, uint8 zx = {128}, int8[4, 3] W = {5, -9, 17, 100, -128, 33, 7, 8, -9, 10, 11, -12}, float sw = {0.01}, int8 zw = {3}, float[3] b = {0.5, -0.25, 0}>
{ q = QuantizeLinear (X, sx, zx) d = DequantizeLinear (q, sx, zx) w = DequantizeLinear (W, sw, zw) m = MatMul (d, w) Y = Add (m, b) }`),
  convolutional: () => net(`(float[batch, 3, 16, 16] X) => (float[batch, 5] Y)
<${weight('float[6, 3, 3, 3] W', 1)}, ${weight('float[6] B', 2)}, ${scale('float[6] g', 3)}, ${weight('float[6] b', 4)},
 ${scale('float[6] mean', 5)}, ${scale('float[6] var', 6)}, ${weight('float[6, 1, 3, 3] D', 7)}, ${weight('float[6, 6, 1, 1] S', 8)},
 ${weight('float[6, 5] F', 9)}, ${weight('float[5] fb', 10)}, float low = {0}, float high = {6}, float[4] by = {1, 1, 2, 2}>
{ c = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (X, W, B) n = BatchNormalization (c, g, b, mean, var) r = Relu (n)
  dw = Conv <kernel_shape = [3, 3], pads = [0, 0, 1, 1], strides = [2, 2], group = 6> (r, D) cl = Clip (dw, low, high)
  p = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (cl) u = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (p)
  gap = GlobalAveragePool (u) s = Conv (gap, S) gate = HardSigmoid <alpha = 0.2, beta = 0.5> (s) w = Mul (u, gate) z = Add (w, cl)
  up = Resize <mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric"> (z, , by)
  m = ReduceMean <axes = [2, 3], keepdims = 0> (up) Y = Gemm <alpha = 0.7, beta = 1.1> (m, F, fb) }`),
  transformer: () => net(`(int64[batch, seq] ids, float[batch, seq] mask) => (float[batch, seq, 8] Y)
<${weight('float[19, 8] table', 1)}, ${scale('float[8] g', 2)}, ${weight('float[8] b', 3)}, ${weight('float[8, 8] Wq', 4)},
 ${weight('float[8, 8] Wk', 5)}, ${weight('float[8, 8] Wv', 6)}, ${weight('float[8] bv', 7)}, ${weight('float[8, 16] W1', 8)},
 ${weight('float[16] b1', 9)}, ${weight('float[16, 8] W2', 10)}, float one = {1}, float far = {-10000}, float root = {0.35355339},
 float two = {2}, float epsilon = {0.00001}, float half = {0.5}, float sqrt2 = {1.4142135}, int64[2] last = {1, 2}>
{ x = Gather (table, ids) m = ReduceMean <axes = [-1]> (x) d = Sub (x, m) s = Pow (d, two) v = ReduceMean <axes = [-1]> (s)
  ve = Add (v, epsilon) sd = Sqrt (ve) n = Div (d, sd) ng = Mul (n, g) h = Add (ng, b)
  q = MatMul (h, Wq) k = MatMul (h, Wk) vv = MatMul (h, Wv) vb = Add (vv, bv) kt = Transpose <perm = [0, 2, 1]> (k)
  qk = MatMul (q, kt) sc = Mul (qk, root) ms = Unsqueeze (mask, axes1) inv = Sub (one, ms) pen = Mul (inv, far)
  sm = Add (sc, pen) p = Softmax <axis = -1> (sm) a = MatMul (p, vb) r = Add (x, a)
  h2 = LayerNormalization <axis = -1, epsilon = 1e-5> (r, g, b) f = MatMul (h2, W1) fb = Add (f, b1)
  e0 = Div (fb, sqrt2) e1 = Erf (e0) e2 = Add (e1, one) e3 = Mul (fb, e2) e4 = Mul (e3, half) o = MatMul (e4, W2) Y = Add (r, o)
  axes1 = Constant <value_ints = [1]> () }`),
}; // prettier-ignore
