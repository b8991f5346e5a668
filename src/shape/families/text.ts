import type { Infer, Family } from '../context.js';
import { like } from '../like.js';
import { broadcastInputs } from './elementwise.js';

/** StringConcat 20: what the operands broadcast to. */
const concat: Infer = (cx) => cx.output(0, broadcastInputs(cx, [0, 1]));

/** StringSplit 20: Y `[…X, u]`, u the largest number of pieces, which is data; Z, the numbers of pieces, as X. */
const split: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x && [...x, null]);
  cx.output(1, x);
};

/** StringNormalizer 10: as X `[C]` or `[1, C]`; with stopwords the number that is left is data. */
const normalize: Infer = (cx) => {
  const x = cx.shape(0);
  const stopwords = cx.attribute('stopwords');
  const drops = stopwords?.type === 'STRINGS' && stopwords.value.length > 0;
  cx.output(0, drops ? x && [...x.slice(0, -1), null] : x);
};

/** TfIdfVectorizer 9: `[K]` of `[C]`, `[N, K]` of `[N, C]` with `K = max(ngram_indexes) + 1`. */
const vectorize: Infer = (cx) => {
  const x = cx.shape(0);
  const indexes = cx.ints('ngram_indexes');
  const width = indexes === undefined ? null : indexes.reduce((a, b) => Math.max(a, b), -1) + 1;
  cx.output(0, x && [...x.slice(0, -1), width]);
};

/** com.microsoft.Tokenizer 1: `[…X, u]`, u the largest number of tokens, which is data. */
const tokenize: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x && [...x, null]);
};

/** com.microsoft.MurmurHash3 1: as the input, of uint32, or of int32 with `positive` 0. */
const murmurHash: Infer = (cx) => cx.output(0, cx.shape(0), cx.int('positive') === 0 ? 'int32' : 'uint32');

/** RegexFullMatch 20: as the input. */
export const TEXT: Family = {
  RegexFullMatch: like(),
  StringConcat: concat,
  StringNormalizer: normalize,
  StringSplit: split,
  TfIdfVectorizer: vectorize,
  'com.microsoft.MurmurHash3': murmurHash,
  'com.microsoft.Tokenizer': tokenize,
};
