import type { Attribute } from '../../ir/attribute.js';
import { type Dim, add } from '../../dim/dim.js';
import type { DType } from '../../tensor/dtype.js';
import { like } from '../like.js';
import type { Family, Infer, NodeContext } from '../context.js';

/** Number of elements of a list attribute; `undefined` when it is absent or empty. */
function lengthOf(attribute: Attribute | undefined): number | undefined {
  switch (attribute?.type) {
    case 'INTS':
    case 'FLOATS':
    case 'STRINGS':
      return attribute.value.length === 0 ? undefined : attribute.value.length;
    case 'TENSOR':
      return attribute.value.size === 0 ? undefined : attribute.value.size;
    default:
      return undefined;
  }
}

/** The length of the first of these attributes that is there. */
function listed(cx: NodeContext, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const length = lengthOf(cx.attribute(name));
    if (length !== undefined) return length;
  }
  return undefined;
}

/** Rows of X: `N` of `[N, F]`, 1 of `[F]`. */
function rows(cx: NodeContext): Dim {
  const x = cx.shape(0);
  return x === undefined ? null : x.length < 2 ? 1 : (x[0] ?? null);
}

/**
 * TreeEnsembleClassifier 1-5, LinearClassifier 1, SVMClassifier 1: labels `[N]`, strings or int64 as the class labels are; scores
 * `[N, E]` with E the number of labels (for one class that is at least 2).
 */
function classifier(strings: string, ints: string): Infer {
  return (cx) => {
    const count = listed(cx, strings, ints);
    const batch = rows(cx) ?? cx.fresh();
    cx.output(0, [batch], listed(cx, strings) === undefined ? 'int64' : 'string');
    cx.output(1, [batch, count === 1 ? null : (count ?? null)]);
  };
}

/** TreeEnsembleRegressor 1-5 and TreeEnsemble 5 (`n_targets`), LinearRegressor 1 (`targets`): `[N, targets]`. */
function regressor(targets: string): Infer {
  return (cx) => cx.output(0, [rows(cx), cx.int(targets) ?? null]);
}

/** SVMRegressor 1: `[N, 1]`. */
const svmRegressor: Infer = (cx) => cx.output(0, [rows(cx), 1]);

function labelDType(cx: NodeContext): DType | undefined {
  for (const [name, dtype] of LABELS) if (lengthOf(cx.attribute(name)) !== undefined) return dtype;
  const tensor = cx.attribute('values_tensor');
  return tensor?.type === 'TENSOR' ? tensor.value.dtype : undefined;
}

const LABELS: readonly (readonly [string, DType])[] = [
  ['values_strings', 'string'],
  ['values_int64s', 'int64'],
  ['values_floats', 'float32'],
];

/** LabelEncoder 1 (strings to int64 and back), 2-4 (of the type of the values): as X. */
const labelEncoder: Infer = (cx) => {
  const swapped: DType | undefined = cx.dtype(0) === 'string' ? 'int64' : cx.dtype(0) && 'string';
  cx.output(0, cx.shape(0), labelDType(cx) ?? (cx.since > 1 ? undefined : swapped));
};

/** CategoryMapper 1: as X, strings to int64 and back. */
const categoryMapper: Infer = (cx) => {
  cx.output(0, cx.shape(0), cx.dtype(0) === 'string' ? 'int64' : cx.dtype(0) && 'string');
};

/** ZipMap 1: a sequence of maps from class labels, strings or int64, to float32. */
const zipMap: Infer = (cx) => {
  const key = listed(cx, 'classlabels_strings') === undefined ? 'int64' : 'string';
  const value = { kind: 'tensor', dtype: 'float32', shape: [] } as const;
  cx.outputType(0, { kind: 'sequence', element: { kind: 'map', key, value } });
};

/** OneHotEncoder 1: `[…X, categories]` of float32. */
const oneHotEncoder: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x && [...x, listed(cx, 'cats_int64s', 'cats_strings') ?? null]);
};

/** ArrayFeatureExtractor 1: `[…, K]` of X `[…, F]` and K indices, `[1, K]` of X `[F]`. */
const featureExtractor: Infer = (cx) => {
  const [x, y] = [cx.shape(0), cx.shape(1)];
  const count = y === undefined ? null : (y.at(-1) ?? 1);
  if (x !== undefined) cx.output(0, x.length === 1 ? [1, count] : [...x.slice(0, -1), count]);
};

/** FeatureVectorizer 1: `[N, sum of widths]`, the widths being `inputdimensions` or those of the inputs. */
const featureVectorizer: Infer = (cx) => {
  const widths = cx.ints('inputdimensions');
  let width: Dim = 0;
  for (let i = 0; i < cx.inputCount; i++) {
    const x = cx.shape(i);
    width = add(width, widths?.[i] ?? (x === undefined ? null : (x.at(-1) ?? 1)));
  }
  cx.output(0, [rows(cx), width]);
};

/** DictVectorizer 1: `[1, vocabulary]`. */
const dictVectorizer: Infer = (cx) => {
  const map = cx.input(0);
  const value = map?.kind === 'map' && map.value?.kind === 'tensor' ? map.value.dtype : undefined;
  cx.output(0, [1, listed(cx, 'string_vocabulary', 'int64_vocabulary') ?? null], value);
};

const CASTS: ReadonlyMap<string, DType> = new Map([
  ['TO_FLOAT', 'float32'],
  ['TO_STRING', 'string'],
  ['TO_INT64', 'int64'],
]);

/** CastMap 1: `[1, u]`, u the number of entries, or `max_map` where `map_form` is SPARSE. */
const castMap: Infer = (cx) => {
  const sparse = cx.string('map_form') === 'SPARSE';
  cx.output(0, [1, sparse ? (cx.int('max_map') ?? null) : null], CASTS.get(cx.string('cast_to') ?? ''));
};

const trees = classifier('classlabels_strings', 'classlabels_int64s');
const flat = classifier('classlabels_strings', 'classlabels_ints');
const same = like();

/** Scaler, Normalizer, Binarizer and Imputer: as X. */
export const ML: Family = {
  'ai.onnx.ml.ArrayFeatureExtractor': featureExtractor,
  'ai.onnx.ml.Binarizer': same,
  'ai.onnx.ml.CastMap': castMap,
  'ai.onnx.ml.CategoryMapper': categoryMapper,
  'ai.onnx.ml.DictVectorizer': dictVectorizer,
  'ai.onnx.ml.FeatureVectorizer': featureVectorizer,
  'ai.onnx.ml.Imputer': same,
  'ai.onnx.ml.LabelEncoder': labelEncoder,
  'ai.onnx.ml.LinearClassifier': flat,
  'ai.onnx.ml.LinearRegressor': regressor('targets'),
  'ai.onnx.ml.Normalizer': same,
  'ai.onnx.ml.OneHotEncoder': oneHotEncoder,
  'ai.onnx.ml.SVMClassifier': flat,
  'ai.onnx.ml.SVMRegressor': svmRegressor,
  'ai.onnx.ml.Scaler': same,
  'ai.onnx.ml.TreeEnsemble': regressor('n_targets'),
  'ai.onnx.ml.TreeEnsembleClassifier': trees,
  'ai.onnx.ml.TreeEnsembleRegressor': regressor('n_targets'),
  'ai.onnx.ml.ZipMap': zipMap,
};
