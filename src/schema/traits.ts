import { findRuntimeSchema, normalizeDomain, schemaVersions } from './schema.js';

/** What traits are asked about: a node, or any `{ domain, opType }`. Either spelling of the default domain will do. */
export interface Operator {
  readonly domain: string;
  readonly opType: string;
}

/** Internal domains of onnxruntime whose operators are those of the default domain in another layout. */
const LAYOUT_DOMAINS: ReadonlySet<string> = new Set(['com.ms.internal.nhwc', 'com.microsoft.nchwc']);

function key({ domain, opType }: Operator): string {
  const normal = normalizeDomain(domain);
  return normal === '' || LAYOUT_DOMAINS.has(normal) ? opType : `${normal}.${opType}`;
}

function isKnown({ domain, opType }: Operator): boolean {
  return findRuntimeSchema(domain, opType, Number.POSITIVE_INFINITY) !== undefined;
}

/** Operators by name: of the default domain first, then those of `com.microsoft` and of `ai.onnx.ml`. */
function operators(onnx: string, microsoft = '', ml = ''): ReadonlySet<string> {
  const names = (text: string, prefix: string): readonly string[] =>
    text.split(/\s+/).flatMap((name) => (name === '' ? [] : [prefix + name]));
  return new Set([...names(onnx, ''), ...names(microsoft, 'com.microsoft.'), ...names(ml, 'ai.onnx.ml.')]);
}

const COMMUTATIVE = operators('Add And BitwiseAnd BitwiseOr BitwiseXor Equal Max Mean Min Mul Or Sum Xor');

/** Binary operators that broadcast the second operand into the first one before opset 7, by attributes. */
const ONE_SIDED_BEFORE_7 = operators('Add And Equal Mul Or Xor');

const ELEMENTWISE_UNARY = operators(
  `Abs Acos Acosh Asin Asinh Atan Atanh BitCast BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh Elu Erf Exp Floor
   Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal RegexFullMatch Relu Round
   Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu`,
  'Gelu MurmurHash3 QLinearLeakyRelu QLinearSigmoid QOrderedGelu QuickGelu SampleOp',
  'Binarizer CategoryMapper LabelEncoder',
);

const BROADCASTING = operators(
  `Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod
   Mul Or PRelu Pow StringConcat Sub Sum SwiGLU Where Xor`,
  'BiasAdd BiasGelu FastGelu MulInteger QLinearAdd QLinearMul QLinearWhere',
);

const LAYOUT = operators(
  'DepthToSpace Flatten Identity Reshape ReverseSequence SpaceToDepth Squeeze Transpose Unsqueeze',
  'ExpandDims',
);

const CASTS = operators('Cast CastLike');

const SELECTION = operators(
  `CenterCropPad Compress Concat ConcatFromSequence Expand Gather GatherElements GatherND Pad Scatter SequenceAt Slice Split SplitToSequence TensorScatter Tile Trilu Unique Where`,
  'GatherND Pad RemovePadding RestorePadding Trilu UnfoldTensor Unique',
  'ArrayFeatureExtractor',
);

const REDUCTION = operators(
  `ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
   ReduceSumSquare`,
  'QLinearReduceMean ReduceSumInteger',
);

const POOLING = operators(
  'AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxRoiPool RoiAlign',
  'MaxpoolWithMask NhwcMaxPool QLinearAveragePool QLinearGlobalAveragePool',
);

const NORMALIZATION = operators(
  `BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization LpNormalization
   MeanVarianceNormalization RMSNormalization SimplifiedLayerNormalization`,
  `BranchwiseRMSNorm EmbedLayerNormalization GatedRMSNorm GroupNorm QEmbedLayerNormalization QOrderedLayerNormalization
   RMSNormRotary SkipGroupNorm SkipLayerNormalization SkipSimplifiedLayerNormalization`,
);

const ATTENTION = operators(
  'Attention LinearAttention ai.onnx.preview.FlexAttention',
  `Attention DecoderAttention DecoderMaskedMultiHeadAttention DecoderMaskedSelfAttention DynamicSparseAttention
   GatedDeltaNet GroupQueryAttention LinearAttention LongformerAttention Mamba2Verify MultiHeadAttention PackedAttention
   PackedMultiHeadAttention PagedAttention QAttention QOrderedAttention QOrderedLongformerAttention SparseAttention
   SparsePagedAttention`,
);

const CONVOLUTION = operators(
  'CausalConvWithState Conv ConvInteger ConvTranspose DeformConv QLinearConv QLinearConvTranspose',
  `CausalConvWithState ConvTransposeWithDynamicPads FusedConv NhwcConv NhwcFusedConv QLinearConv
   VarlenCausalConvWithState WordConvEmbedding`,
);

const MATRIX_PRODUCT = operators(
  'Einsum Gemm MatMul MatMulInteger QLinearMatMul',
  `DynamicQuantizeMatMul FusedGemm FusedMatMul FusedMatMulActivation GemmFastGelu GemmFloat8
   MatMulBlockQuantizedFp4Weight MatMulBlockQuantizedFp8Weight MatMulBnb4 MatMulFpQ4 MatMulInteger16
   MatMulIntegerToFloat MatMulNBits MatMulNBitsMlp MatMulNBitsQLoRA MatMulNBitsQkv MatMulPacked MoE MoEPacked QGemm
   QMoE QOrderedMatMul RouterGateUpProj SparseToDenseMatMul TransposeMatMul`,
);

const RECURRENT = operators('GRU LSTM RNN', 'AttnLSTM DynamicQuantizeLSTM');

/** Transforms by fixed weights, as token mixers of Fourier networks use them. */
const TRANSFORM = operators('DFT STFT', 'Irfft Rfft');

const ALWAYS_RANDOM = operators(
  'Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike',
  'Sampling',
);

const RANDOM_IN_TRAINING = operators('Dropout', 'BiasDropout BitmaskBiasDropout BitmaskDropout');

/** They write caches in place, or stand for code that the model doesn't show. */
const EFFECTS = operators(
  '',
  'ConvStateReplay EPContext GatedDeltaNetStateReplay PagedAttention Snpe SparsePagedAttention SpeculativePrefixCommit',
);

/** Inputs of which an operator reads type or shape only, by index. */
const TYPE_ONLY: Readonly<Record<string, readonly number[]>> = {
  CastLike: [1],
  EyeLike: [0],
  RandomNormalLike: [0],
  RandomUniformLike: [0],
  Shape: [0],
  Size: [0],
};

/**
 * Whether the operands may change places without changing the result; of three and more floats the rounding may differ.
 * Before opset 7 Add, Mul and the like broadcast their second operand into the first one and do not commute; leave
 * `opset` out only where that can't matter.
 */
export function isCommutative(op: Operator, opset = Number.POSITIVE_INFINITY): boolean {
  const name = key(op);
  return COMMUTATIVE.has(name) && !(opset < 7 && ONE_SIDED_BEFORE_7.has(name));
}

/** Whether element `i` of output 0 depends on element `i` of input 0 alone, all other inputs being scalar parameters. */
export function isElementwiseUnary(op: Operator): boolean {
  return ELEMENTWISE_UNARY.has(key(op));
}

/**
 * Whether the operator works element by element on several operands that broadcast against each other: Add, PRelu, Max,
 * Where and the like. Broadcasting is multidirectional from opset 7 on, PRelu's is towards its first operand.
 */
export function isBroadcasting(op: Operator): boolean {
  return BROADCASTING.has(key(op));
}

/** Whether the operator works element by element, on one operand or on several that broadcast. */
export function isElementwise(op: Operator): boolean {
  return isElementwiseUnary(op) || isBroadcasting(op);
}

/** Whether output 0 has the elements of input 0, each once and unchanged, in another shape or order: Reshape, Transpose and the like, Identity included. */
export function isLayout(op: Operator): boolean {
  return LAYOUT.has(key(op));
}

/** Whether the operator changes the element type and nothing else: Cast, CastLike. */
export function isCast(op: Operator): boolean {
  return CASTS.has(key(op));
}

/** Whether the operator moves elements without computing any: {@link isLayout}, and those that select, repeat, join or fill. */
export function isDataMovement(op: Operator): boolean {
  return isLayout(op) || SELECTION.has(key(op));
}

/** Whether the operator reduces axes that attributes or an input name: Reduce*, ArgMax, ArgMin. */
export function isReduction(op: Operator): boolean {
  return REDUCTION.has(key(op));
}

/** Whether the operator pools windows or all of the spatial axes. */
export function isPooling(op: Operator): boolean {
  return POOLING.has(key(op));
}

/** Whether the operator normalizes, by statistics of its input or by stored ones; with or without a fused residual sum. */
export function isNormalization(op: Operator): boolean {
  return NORMALIZATION.has(key(op));
}

/** Whether the operator is a whole attention or a linear-attention recurrence. */
export function isAttention(op: Operator): boolean {
  return ATTENTION.has(key(op));
}

/** Whether the operator is a convolution, transposed, quantized and fused ones included. */
export function isConvolution(op: Operator): boolean {
  return CONVOLUTION.has(key(op));
}

/** Whether the operator is a product of matrices, quantized and fused ones and mixtures of experts included. */
export function isMatrixProduct(op: Operator): boolean {
  return MATRIX_PRODUCT.has(key(op));
}

/** Whether the operator is a recurrent layer. */
export function isRecurrent(op: Operator): boolean {
  return RECURRENT.has(key(op));
}

/**
 * Whether an output element is a weighted sum over positions or channels of an input: convolutions, matrix products,
 * attention, recurrent layers, Fourier transforms. A residual branch holds at least one of these or a pooling.
 */
export function isMixing(op: Operator): boolean {
  return isMatrixProduct(op) || isConvolution(op) || isAttention(op) || isRecurrent(op) || TRANSFORM.has(key(op));
}

/** Whether some version of the operator holds graphs as attributes: If, Loop, Scan, SequenceMap, BeamSearch and the like. */
export function hasBodies({ domain, opType }: Operator): boolean {
  return schemaVersions(domain, opType).some(({ attributes }) =>
    [...attributes.values()].some(({ type }) => type === 'GRAPH'),
  );
}

/** Whether an operator draws random numbers; `unknown` for operators without a schema, which may do anything. */
export type Randomness = 'never' | 'in-training' | 'always' | 'unknown';

/**
 * Whether two runs of the operator on the same inputs may differ. A `seed` attribute does not make it repeatable: the
 * generator goes on from run to run. Graphs that it holds are not looked into.
 */
export function randomness(op: Operator): Randomness {
  const name = key(op);
  if (ALWAYS_RANDOM.has(name)) return 'always';
  if (RANDOM_IN_TRAINING.has(name)) return 'in-training';
  return isKnown(op) ? 'never' : 'unknown';
}

/**
 * Whether running the operator may do more than compute its outputs: it writes a cache in place, or stands for code
 * that the model doesn't show. True for every operator without a schema; look local functions up before asking.
 */
export function mayHaveEffects(op: Operator): boolean {
  return EFFECTS.has(key(op)) || !isKnown(op);
}

/** Whether the operator reads no more of the input at `index` than its type and shape: Shape, Size, CastLike's second. */
export function readsTypeOnly(op: Operator, index: number): boolean {
  const name = key(op);
  return Object.hasOwn(TYPE_ONLY, name) && (TYPE_ONLY[name]?.includes(index) ?? false);
}
