import { type Edit, type Locator, type NumericArray, type Operation, type Types, type Value } from '#core';
import { type Addition, findAdditions } from './addition.js';
import { readAffine } from './bare-norm.js';
import { composed, diagonal, type FeatureMap, matrixMap, matrixOf } from './feature-map.js';
import { multiplyFeatures, readThrough } from './fold-readers.js';
import { namedNorms } from './named-norms.js';
import { describeNorm } from './norm-kind.js';
import { getNorm, type NormSite } from './norm-site.js';
import { transposedProduct } from './orthogonal.js';
import { buildRms } from './rms.js';
import { Stream } from './stream.js';
import { checkTied } from './tied-tables.js';
import { rankOf, refuse, type Weights } from './weight-edit.js';

/** Keys by which a site names an addition. */
const NAMES = ['residual_add', 'output', 'branch_value'];

/** The residual stream that an operation names: its additions in order, and the norms that read it. */
export interface NamedStream {
  readonly additions: readonly Addition[];
  readonly norms: readonly NormSite[];
  /** Features of the stream. */
  readonly size: number;
}

/** @throws ResonnxError `rewrite/refused` when a norm that reads the stream is no root mean square norm */
export function findStream(locator: Locator, operation: Operation, types: Types): NamedStream {
  const sites = operation.targets.sites ?? [];
  const additions = findAdditions(
    locator,
    sites.filter((site) => NAMES.some((key) => site[key] !== undefined)),
  );
  const norms = namedNorms(locator, operation).map(({ output }) => getNorm(output));
  const sizes = norms.map((norm) => {
    if (describeNorm(norm, types).kind !== 'rms') {
      const why = 'a layer norm reads the stream: the mean that it takes away is not the same in other coordinates';
      refuse(norm.output, why, 'Run swap-norm first: it makes layer norms root mean square norms.');
    }
    return readAffine(norm, types).size;
  });
  const size = sizes[0]!;
  const other = sizes.findIndex((each) => each !== size);
  if (other >= 0) refuse(norms[other]!.output, `the norm has ${sizes[other]!} features, the stream ${size}`);
  const foreign = norms.find(({ output }) => output.graph !== norms[0]!.output.graph);
  if (foreign) refuse(foreign.output, 'the norms stand in different graphs');
  return { additions, norms, size };
}

/** One matrix for the whole stream, or one for each stage: before the first addition, and behind each. `[features, new features]`. */
export type Bases = readonly NumericArray[];

/** Whether the operation may duplicate tied tables. */
export function mayUntie({ options }: Operation): boolean {
  return options['untie'] === true;
}

/**
 * Gives the stream x' = xQ: writers W Q, readers QᵀW with the scale of their norm in them, skips Q_kᵀQ_{k+1} between stages. The norms
 * keep dividing by √(Σx²/d + epsilon) with the width d that the stream had.
 */
export function reorient(
  edit: Edit,
  { additions, norms, size }: NamedStream,
  bases: Bases,
  types: Types,
  untie: boolean,
): void {
  const w: Weights = { edit, types, made: new Map(), alone: true };
  const maps = bases.map(matrixMap);
  const mapAt = (stage: number): FeatureMap => maps[Math.min(stage, maps.length - 1)]!;
  const stream = new Stream(w, endsOf(additions, norms, types), {
    map: mapAt,
    transport: (from, to) => transposedProduct(bases[from]!, bases[to]!),
    stageOf: new Map(bases.length > 1 ? additions.map(({ sum }, k) => [sum, k + 1]) : []),
    otherwise: (value, axis, map) =>
      multiplyFeatures(w, value, matrixOf(map), { axis, rank: rankOf(w, value), like: value }),
  });
  checkTied(stream.writers.keys(), untie);
  if (additions[0]) stream.settle(additions[0].skip, 0);
  for (const norm of norms) stream.settle(norm.input, 0);
  stream.build();
  const factor = bases[0]!.shape[1]! / size;
  for (const norm of norms) readNorm(w, stream, norm, mapAt(stream.stageOf(norm.input)), factor);
  const nodes = new Set(norms.flatMap((norm) => norm.nodes));
  for (const { value, axis, use } of stream.readersBeside(nodes)) {
    const at = { old: value, next: stream.built(value), axis, map: mapAt(stream.stageOf(value)) };
    readThrough(w, at, [use], { others: 'keep' });
  }
}

function endsOf(
  additions: readonly Addition[],
  norms: readonly NormSite[],
  types: Types,
): readonly { readonly value: Value; readonly axis: number }[] {
  const values = [...norms.map((norm) => norm.input), ...additions.map((addition) => addition.sum)];
  return values.map((value) => ({ value, axis: (types.shape(value)?.length ?? 1) - 1 }));
}

/** The norm without its scale, which goes into its readers with the way back to the old coordinates. */
function readNorm(w: Weights, stream: Stream, norm: NormSite, map: FeatureMap, factor: number): void {
  const { axis, scale, bias } = readAffine(norm, w.types);
  const { epsilon } = describeNorm(norm, w.types);
  const uses = [...norm.output.uses];
  const dtype = w.types.dtype(norm.output) ?? 'float32';
  const next = buildRms(w, stream.built(norm.input), { epsilon, factor, size: map.to }, dtype);
  const at = { old: norm.output, next, axis, map: composed(diagonal(scale), map), shift: bias };
  readThrough(w, at, uses, { others: 'keep' });
}
