import {
  dependsOn,
  Locator,
  type Model,
  type NumericArray,
  type Operation,
  type OperationOptions,
  type OperationPass,
  recipeCodes,
  ResonnxError,
  type Taps,
  toFloat64,
  inferTypes,
  type Types,
} from '#core';
import { transposed, zip } from '../_shared/arrays.js';
import { readAffine } from '../_shared/bare-norm.js';
import { mapAlong, matrixMap } from '../_shared/feature-map.js';
import { describeNorm } from '../_shared/norm-kind.js';
import type { NormSite } from '../_shared/norm-site.js';
import { checkOrthonormal, transposedProduct } from '../_shared/orthogonal.js';
import { type Bases, findStream, mayUntie, type NamedStream, reorient } from '../_shared/reorient.js';
import { refuse } from '../_shared/weight-edit.js';

/**
 * The residual stream with r of its d features, x' = xQ with orthonormal columns: one Q, or one behind each addition with Q_kᵀQ_{k+1} on
 * the skip (Ashkboos et al. 2024, SliceGPT, arXiv:2401.15024, section 3). Norms divide by √(Σx'²/d + epsilon) with the original d.
 */
export const slice: OperationPass = {
  name: 'slice',
  summary: 'the residual stream is cut to a lower rank',
  semantics: 'changes-function',
  optionNames: ['mode', 'rank', 'fold_gamma_first', 'untie'],
  semanticsOf: () => 'changes-function',
  equations: () => ({
    before: 'y = x + F(N(x))',
    after: "y' = x'·Q_kᵀQ_{k+1} + Q_{k+1}ᵀF(N(x')·Q_kᵀ), x' = xQ_k of rank r",
  }),
  run(model: Model, cx) {
    const { operation } = cx.options;
    const stream = preNormStream(new Locator(model), operation, cx.types);
    const bases = basesOf(stream.size, stream.additions.length, cx.options);
    cx.rewrite('slice', stream.norms[0]!.output.producer!, (edit) =>
      reorient(edit, stream, bases, cx.types, mayUntie(operation)),
    );
  },
  async reference(request, taps) {
    const types = inferTypes(taps.model);
    const { additions, norms, size } = preNormStream(new Locator(taps.model), request.operation, types);
    const bases = basesOf(size, additions.length, request);
    const at = (stage: number): NumericArray => bases[Math.min(stage, bases.length - 1)]!;
    const [start] = await taps.get([additions[0]!.skip]);
    let x = times(start!, at(0));
    const done = new Set<NormSite['output']>();
    for (const [k, { skip, branch, sum }] of additions.entries()) {
      for (const norm of norms) {
        if (norm.input !== skip || !dependsOn(branch, norm.output)) continue;
        done.add(norm.output);
        taps.override(norm.output, normalized(x, norm, at(k), types));
      }
      const [f] = await taps.get([branch]);
      const carried = bases.length > 1 ? times(x, transposedProduct(at(k), at(k + 1))) : x;
      x = zip((a, b) => a + b, carried, times(f!, at(k + 1)));
      taps.override(sum, times(x, transposed(at(k + 1))));
    }
    await finish(
      taps,
      norms.filter((norm) => !done.has(norm.output)),
      x,
      at(additions.length),
      types,
    );
  },
};

/** @throws ResonnxError `recipe/malformed` without additions, `rewrite/refused` where a norm stands on the stream itself */
function preNormStream(locator: Locator, operation: Operation, types: Types): NamedStream {
  const stream = findStream(locator, operation, types);
  if (stream.additions.length === 0) {
    const what = 'the stream is named by its additions: give residual_add';
    throw new ResonnxError([recipeCodes.recipeMalformed({ path: 'slice' }, what)]);
  }
  const onNorm = stream.additions.find(({ skip }) => stream.norms.some(({ output }) => output === skip));
  if (onNorm) refuse(onNorm.node, 'the skip is the output of a norm: a post-norm stream has no coordinates of its own');
  return stream;
}

/** Norms behind the last addition read the stream as it is at the end. */
async function finish(
  taps: Taps,
  norms: readonly NormSite[],
  x: NumericArray,
  q: NumericArray,
  types: Types,
): Promise<void> {
  for (const norm of norms) {
    const [input] = await taps.get([norm.input]);
    const same = input!.shape.every((dim, axis) => axis === input!.shape.length - 1 || dim === x.shape[axis]);
    const cut = same && input!.shape.length === x.shape.length ? x : times(input!, q);
    taps.override(norm.output, normalized(cut, norm, q, types));
  }
}

/** x·A over the last axis. */
function times(x: NumericArray, matrix: NumericArray): NumericArray {
  return mapAlong(x, x.shape.length - 1, matrixMap(matrix));
}

/** γ·(x Qᵀ)/√(Σx²/d + epsilon) + β: the output of a norm in the old coordinates. */
function normalized(x: NumericArray, norm: NormSite, q: NumericArray, types: Types): NumericArray {
  const { scale, bias, size } = readAffine(norm, types);
  const { epsilon } = describeNorm(norm, types);
  const rank = x.shape.at(-1)!;
  const elements = toFloat64(x);
  const roots = Float64Array.from({ length: elements.length / rank }, (_, row) => {
    let total = 0;
    for (let i = 0; i < rank; i++) total += elements[row * rank + i]! ** 2;
    return Math.sqrt(total / size + epsilon);
  });
  const back = toFloat64(
    times({ ...x, dtype: 'float64', data: elements }, transposed({ ...q, dtype: 'float64', data: toFloat64(q) })),
  );
  const result = Float32Array.from(
    back,
    (element, i) => (element / roots[Math.floor(i / size)]!) * scale[i % size]! + (bias?.[i % size] ?? 0),
  );
  return { dtype: 'float32', shape: [...x.shape.slice(0, -1), size], data: result };
}

/** Q, or Q0 to Qn for mode `perlayer`, cut to `rank` columns. @throws ResonnxError of `recipe/` */
function basesOf(size: number, additions: number, { operation, parameters }: OperationOptions): Bases {
  const { mode = parameters.has('Q') ? 'slice' : 'perlayer', rank } = operation.options;
  const fail = (option: string, allowed: string): never => {
    throw new ResonnxError([recipeCodes.optionInvalid({ path: 'slice' }, option, operation.options[option], allowed)]);
  };
  if (mode !== 'slice' && mode !== 'perlayer') return fail('mode', '"slice" or "perlayer"');
  const isRank = typeof rank === 'number' && Number.isInteger(rank) && rank > 0 && rank <= size;
  if (rank !== undefined && !isRank) return fail('rank', `a whole number from 1 to ${size}`);
  const names = mode === 'slice' ? ['Q'] : Array.from({ length: additions + 1 }, (_, k) => `Q${k}`);
  const bases = names.map((name) => {
    const q = parameters.get(name, [size, undefined]);
    const cut = isRank ? firstColumns(q, rank) : q;
    checkOrthonormal(name, cut);
    return cut;
  });
  if (bases.some((q) => q.shape[1] !== bases[0]!.shape[1])) return fail('rank', 'one rank for all stages');
  return bases;
}

function firstColumns(q: NumericArray, rank: number): NumericArray {
  const [rows, columns] = q.shape as readonly [number, number];
  if (columns <= rank) return q;
  const elements = toFloat64(q);
  const data = Float64Array.from(
    { length: rows * rank },
    (_, i) => elements[Math.floor(i / rank) * columns + (i % rank)]!,
  );
  return { dtype: 'float64', shape: [rows, rank], data };
}
