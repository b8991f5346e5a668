import {
  type Edit,
  inferTypes,
  type Model,
  type Operation,
  type OperationOptions,
  type OperationPass,
  type PassContext,
  recipeCodes,
  ResonnxError,
  Tensor,
  type Value,
  Locator,
} from '#core';
import { readAffine } from '../_shared/bare-norm.js';
import { centring, type FeatureMap, identityMap } from '../_shared/feature-map.js';
import { readThrough } from '../_shared/fold-readers.js';
import { namedNorms } from '../_shared/named-norms.js';
import { describeNorm } from '../_shared/norm-kind.js';
import { getNorm, type NormSite } from '../_shared/norm-site.js';
import { buildRms, rootMeanSquare } from '../_shared/rms.js';
import { Stream } from '../_shared/stream.js';
import { checkTied } from '../_shared/tied-tables.js';
import { refuse, type Weights } from '../_shared/weight-edit.js';
import { moveReader } from './readers.js';

type Context = PassContext<OperationOptions>;

/**
 * LN(x) = RMS(x − mean x)γ + β: with a stream whose every writer has its mean over the features taken away, each layer norm that reads
 * it is a root mean square norm (Jiang et al. 2023, arXiv:2305.14858; Ashkboos et al. 2024, arXiv:2401.15024, section 3.1).
 */
export const swapNorm: OperationPass = {
  name: 'swap-norm',
  summary: 'layer norms become root mean square norms, the writers of the stream are centred',
  semantics: 'equivalent',
  optionNames: ['to', 'exact', 'beta', 'untie'],
  semanticsOf: ({ operation }) => (isExact(operation) ? 'equivalent' : 'changes-function'),
  equations: () => ({ before: 'y = x + F(LN(x))', after: "y' = x' + C·F(RMS(x')·γ + β), C = I − 11ᵀ/d, x' = C·x" }),
  run(model: Model, cx) {
    checkOptions(cx.options.operation);
    const norms = namedNorms(new Locator(model), cx.options.operation).map(({ output }) => layerNorm(output, cx));
    const [first] = norms;
    const foreign = norms.find(({ output }) => output.graph !== first!.output.graph);
    if (foreign) refuse(foreign.output, 'the norms stand in different graphs');
    cx.rewrite('swap-norm', first!.output.producer!, (edit) => {
      if (isExact(cx.options.operation)) swap(edit, norms, cx);
      else replace({ edit, types: cx.types, made: new Map() }, norms, (norm) => norm.input, cx.options.operation);
    });
  },
  async reference({ operation }, taps) {
    const types = inferTypes(taps.model);
    for (const { output } of namedNorms(new Locator(taps.model), operation)) {
      const norm = getNorm(output);
      const [x] = await taps.get([norm.input]);
      taps.override(output, rootMeanSquare(x!, readAffine(norm, types), describeNorm(norm, types).epsilon));
    }
  },
};

/** Whether the writers of the stream are centred, so that the function stays; else the norms alone change. */
function isExact({ options }: Operation): boolean {
  return options['exact'] !== false;
}

function checkOptions({ operation, options }: Operation): void {
  const fail = (option: string, allowed: string): never => {
    throw new ResonnxError([recipeCodes.optionInvalid({ path: operation }, option, options[option], allowed)]);
  };
  if (options['to'] !== undefined && options['to'] !== 'rmsnorm') fail('to', '"rmsnorm"');
  if (!['undefined', 'keep', 'fold'].includes(String(options['beta']))) fail('beta', '"keep" or "fold"');
  if (!['undefined', 'boolean'].includes(typeof options['exact'])) fail('exact', 'true or false');
}

/** @throws ResonnxError `rewrite/refused` when the norm that ends in `output` is no layer norm over the last axis */
function layerNorm(output: Value, cx: Context): NormSite {
  const norm = getNorm(output);
  if (describeNorm(norm, cx.types).kind === 'layer') return norm;
  return refuse(output, 'the norm takes no mean away: it is no layer norm');
}

function swap(edit: Edit, norms: readonly NormSite[], cx: Context): void {
  const w: Weights = { edit, types: cx.types, made: new Map(), alone: true };
  const sizes = norms.map((norm) => readAffine(norm, cx.types).size);
  const size = sizes[0]!;
  if (sizes.some((each) => each !== size)) refuse(norms[0]!.output, 'the norms have different numbers of features');
  const map = centring(size);
  const ends = norms.map((norm) => ({ value: norm.input, axis: (cx.types.shape(norm.input)?.length ?? 1) - 1 }));
  let spent = 0;
  const stream = new Stream(w, ends, {
    map: () => map,
    stageOf: new Map(),
    otherwise(value, axis, _map: FeatureMap, reason) {
      // One mean at the stream's beginning in place of one in each norm; more of them would gain nothing.
      if (norms.length < 2 || spent > 0 || axis !== (cx.types.shape(value)?.length ?? 0) - 1) throw reason;
      spent++;
      return centred(edit, value);
    },
  });
  checkTied(stream.writers.keys(), cx.options.operation.options['untie'] === true);
  stream.build();
  const replaced = new Set(norms.flatMap((norm) => norm.nodes));
  replace(w, norms, (norm) => stream.built(norm.input), cx.options.operation);
  for (const reader of stream.readersBeside(replaced)) moveReader(w, stream, reader);
}

/** Each norm as a root mean square norm of another value; its bias behind it, or in the linear operators that read it. */
function replace(
  w: Weights,
  norms: readonly NormSite[],
  inputOf: (norm: NormSite) => Value,
  { options }: Operation,
): void {
  for (const norm of norms) {
    const { axis, scale, bias, size } = readAffine(norm, w.types);
    const { epsilon } = describeNorm(norm, w.types);
    const dtype = w.types.dtype(norm.output) ?? 'float32';
    const uses = [...norm.output.uses];
    const folds = options['beta'] === 'fold' && bias !== undefined;
    const next = buildRms(w, inputOf(norm), { epsilon, scale, size, bias: folds ? undefined : bias }, dtype);
    if (!folds) w.edit.replace(norm.output, next);
    else
      readThrough(w, { old: norm.output, next, axis, map: identityMap(size), shift: bias }, uses, { others: 'keep' });
  }
}

/** x − mean x over the last axis. */
function centred(edit: Edit, x: Value): Value {
  const isInput = (edit.graph.opset('') ?? 0) >= 18;
  const mean = isInput
    ? edit.node('ReduceMean', [x, edit.constant('axes', Tensor.int64([1], [-1]))], { keepdims: 1 })
    : edit.node('ReduceMean', [x], { axes: [-1], keepdims: 1 });
  return edit.node('Sub', [x, mean]);
}
