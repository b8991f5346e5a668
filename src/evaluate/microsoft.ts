import { activation, gelu } from './activations.js';
import { attend, joinHeads, splitHeads, withPast } from './attention-core.js';
import { maskTerms } from './attention.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, integers, numbers } from './elements.js';
import { permute } from './index-maps.js';
import { reshaped } from './layout.js';
import { concatenate, piece, slab } from './pieces.js';
import { mapElements, zipNumbers } from './pointwise.js';
import { gemm, matmul, transposed } from './products.js';
import { unsupported } from './stop.js';

/** A + B, then an activation. */
function biased(f: (x: number) => number): (call: Call) => readonly Elements[] {
  return (call) => {
    const x = call.input(0);
    const bias = call.inputs[1];
    return [bias ? zipNumbers(call, x.dtype, [x, bias], (a, b) => f(a! + b!)) : mapElements(call, x, { float: f })];
  };
}

/** The first axis before the last one: what transBatchA and transBatchB ask for. */
function transposedBatch(x: Elements): Elements {
  const rank = x.shape.length;
  return permute(x, [...Array.from({ length: rank - 2 }, (_, i) => i + 1), 0, rank - 1]);
}

function fusedMatMul(call: Call): readonly Elements[] {
  const side = (index: number, name: 'A' | 'B'): Elements => {
    const x = call.input(index);
    const batch = call.int(`transBatch${name}`) ? transposedBatch(x) : x;
    return call.int(`trans${name}`) ? transposed(batch) : batch;
  };
  const alpha = call.float('alpha');
  const made = matmul(call, side(0, 'A'), side(1, 'B'));
  return [
    floats(
      made.dtype,
      made.shape,
      numbers(made).map((x) => alpha * x),
    ),
  ];
}

function fusedGemm(call: Call): readonly Elements[] {
  const name = call.text('activation');
  const f = activation(name, call.maybeFloat('activation_alpha'), call.maybeFloat('activation_beta'));
  if (!f) throw unsupported(`activation ${name}`);
  return [mapElements(call, gemm(call), { float: f })];
}

/** Added to the scores of keys that a padding mask hides. */
function filterValue(call: Call): number {
  return call.maybeFloat('mask_filter_value') ?? -10_000;
}

/** Padding masks of onnxruntime: [B, T] of 0 and 1, or [B] lengths. */
function paddingTerms(call: Call, mask: Elements | undefined, batch: number): (batch: number, j: number) => number {
  if (!mask) return () => 0;
  const values = integers(mask);
  const hidden = filterValue(call);
  if (mask.shape.length === 2) return (b, j) => (values[b * mask.shape[1]! + j] ? 0 : hidden);
  if (mask.shape.length === 1 && mask.shape[0] === batch) return (b, j) => (j < values[b]! ? 0 : hidden);
  throw unsupported(`a mask of shape [${mask.shape.join(', ')}]`);
}

interface Heads {
  readonly q: Elements;
  readonly k: Elements;
  readonly v: Elements;
}

/** Attention over heads with the terms that both of onnxruntime's operators add. */
function runtimeAttention(
  call: Call,
  { q, k, v }: Heads,
  masks: { readonly padding: Elements | undefined; readonly terms: Elements | undefined },
): Elements {
  const [rows, columns] = [q.shape[2]!, k.shape[2]!];
  const causal = call.int('unidirectional') !== 0;
  const padding = paddingTerms(call, masks.padding, q.shape[0]!);
  const terms = maskTerms(masks.terms);
  const scale = call.maybeFloat('scale') || 1 / Math.sqrt(q.shape[3]!);
  const bias = (b: number, h: number, i: number, j: number): number => {
    const ahead = causal && j > i + columns - rows;
    return (ahead ? -3.4028234663852886e38 : padding(b, j)) + terms(b, h, i, j);
  };
  return joinHeads(attend(call, { q, k, v, scale, bias }).y);
}

function multiHeadAttention(call: Call): readonly Elements[] {
  const heads = call.int('num_heads');
  const [query, key, value] = [call.input(0), call.inputs[1], call.inputs[2]];
  if (!key || !value || query.shape.length !== 3) throw unsupported('a packed form');
  if (call.inputs[8] || call.inputs[9]) throw unsupported('a buffer for the past');
  const bias = call.inputs[3];
  const parts = [query.shape.at(-1)!, query.shape.at(-1)!];
  const biasAt = (index: number): Elements | undefined => {
    if (!bias) return undefined;
    const start = parts.slice(0, index).reduce((sum, size) => sum + size, 0);
    return piece(bias, 0, start, index < 2 ? parts[index]! : bias.shape[0]! - start);
  };
  const prepared = (x: Elements, index: number): Elements => {
    const term = biasAt(index);
    if (x.shape.length === 4) {
      if (term) throw unsupported('a bias of keys that are split already');
      return x;
    }
    return splitHeads(term ? zipNumbers(call, x.dtype, [x, term], (a, b) => a! + b!) : x, heads);
  };
  const k = withPast(call.inputs[6], prepared(key, 1));
  const v = withPast(call.inputs[7], prepared(value, 2));
  const y = runtimeAttention(call, { q: prepared(query, 0), k, v }, { padding: call.inputs[4], terms: call.inputs[5] });
  return [y, k, v];
}

function fusedAttention(call: Call): readonly Elements[] {
  if (call.maybeInt('do_rotary') || call.maybeInt('past_present_share_buffer')) throw unsupported('such an attribute');
  const x = call.input(0);
  const heads = call.int('num_heads');
  const product = matmul(call, x, call.input(1));
  const bias = call.inputs[2];
  const packed = bias ? zipNumbers(call, x.dtype, [product, bias], (a, b) => a! + b!) : product;
  const sizes = call.intList('qkv_hidden_sizes');
  const width = packed.shape.at(-1)!;
  const widths = sizes && sizes.length === 3 ? sizes : [width / 3, width / 3, width / 3];
  const [q, k, v] = widths.map((size, i) => {
    const start = widths.slice(0, i).reduce((sum, each) => sum + each, 0);
    return splitHeads(piece(packed, 2, start, size), heads);
  });
  const past = call.inputs[4];
  const keys = withPast(past && slab(past, 0, 0), k!);
  const values = withPast(past && slab(past, 0, 1), v!);
  const y = runtimeAttention(call, { q: q!, k: keys, v: values }, { padding: call.inputs[3], terms: call.inputs[5] });
  if (keys.shape.join() !== values.shape.join()) return [y];
  const present = [keys, values].map((each) => reshaped(each, [1, ...each.shape]));
  return [y, concatenate(present, 0)];
}

/** Sum of input, bias and skip. */
function biasAdd(call: Call): readonly Elements[] {
  const x = call.input(0);
  return [zipNumbers(call, x.dtype, [x, call.input(1), call.input(2)], (a, b, c) => a! + b! + c!)];
}

/** Operators of onnxruntime's own domain that rewrites meet or make. */
export const MICROSOFT: Kernels = {
  'com.microsoft.Attention': fusedAttention,
  'com.microsoft.BiasAdd': biasAdd,
  'com.microsoft.BiasGelu': biased(gelu('none')),
  'com.microsoft.FastGelu': biased(gelu('tanh')),
  'com.microsoft.FusedGemm': fusedGemm,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
};
