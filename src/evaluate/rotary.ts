import type { Call, Kernels } from './call.js';
import { type Elements, floats, integers, numbers, sizeOf } from './elements.js';
import { joinHeads, splitHeads } from './attention-core.js';
import { invalid, unsupported } from './stop.js';

/** Where the angles of a position are: row of the caches for batch b and step s. */
type RowOf = (batch: number, step: number) => number;

/**
 * Pairs of elements rotated by the angles of their position; x is [B, H, S, D], the caches hold rows of cosines and sines.
 * Source: Su et al. 2021, arXiv:2104.09864, equation 34; pairs are neighbours where `interleaved`, else halves.
 */
function rotate(
  x: Elements,
  cos: Elements,
  sin: Elements,
  at: { readonly row: RowOf; readonly interleaved: boolean; readonly depth: number },
): Elements {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  const half = at.depth / 2;
  const width = cos.shape.at(-1)!;
  if (width < half) throw invalid(`${width} angles for ${at.depth} elements`);
  const [source, c, s] = [numbers(x), numbers(cos), numbers(sin)];
  const data = source.slice();
  for (let row = 0; row < batch * heads * length; row++) {
    const angles = at.row(Math.floor(row / length / heads), row % length) * width;
    if (!(angles >= 0 && angles + half <= c.length)) throw invalid('a position beyond the cache');
    for (let i = 0; i < half; i++) {
      const [p, q] = at.interleaved ? [2 * i, 2 * i + 1] : [i, i + half];
      const [a, b] = [source[row * size + p]!, source[row * size + q]!];
      data[row * size + p] = a * c[angles + i]! - b * s[angles + i]!;
      data[row * size + q] = b * c[angles + i]! + a * s[angles + i]!;
    }
  }
  return floats(x.dtype, x.shape, data);
}

/** RotaryEmbedding-23: without positions the caches hold a row for every batch and step. */
function rotaryEmbedding(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(4 * sizeOf(x));
  const flat = x.shape.length === 3;
  const split = flat ? splitHeads(x, call.int('num_heads')) : x;
  const [, , length, size] = split.shape as [number, number, number, number];
  const positions = call.inputs[3] && integers(call.inputs[3]);
  const row: RowOf = (b, s) => (positions ? positions[b * length + s]! : b * length + s);
  const depth = call.int('rotary_embedding_dim') || size;
  const interleaved = call.int('interleaved') !== 0;
  const made = rotate(split, call.input(1), call.input(2), { row, interleaved, depth });
  return [flat ? joinHeads(made) : made];
}

/** onnxruntime's form: positions first, one of them standing for the start of all rows. */
function runtimeRotaryEmbedding(call: Call): readonly Elements[] {
  if (call.maybeInt('is_packed_batching')) throw unsupported('packed batching');
  const x = call.input(0);
  call.spend(4 * sizeOf(x));
  const cos = call.input(2);
  const positions = integers(call.input(1));
  const flat = x.shape.length === 3;
  const depth = call.maybeInt('rotary_embedding_dim') || 0;
  const heads = call.maybeInt('num_heads') || 0;
  const count = heads > 0 ? heads : x.shape.at(-1)! / (2 * cos.shape.at(-1)!);
  const split = flat ? splitHeads(x, count) : x;
  const length = split.shape[2]!;
  const row: RowOf = (b, s) => (positions.length === 1 ? positions[0]! + s : positions[b * length + s]!);
  const interleaved = call.maybeInt('interleaved') === 1;
  const made = rotate(split, cos, call.input(3), { row, interleaved, depth: depth || split.shape[3]! });
  return [flat ? joinHeads(made) : made];
}

/** Rotary position embeddings. */
export const ROTARY: Kernels = {
  RotaryEmbedding: rotaryEmbedding,
  'com.microsoft.RotaryEmbedding': runtimeRotaryEmbedding,
};
