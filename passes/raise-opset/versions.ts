/**
 * Operator versions from 8 to 24 that mean the same as the version before for every node that was valid there: they add element types,
 * attributes with a default that keeps the old meaning, or wording.
 */
export const SAME: ReadonlySet<string> = new Set(
  `Abs 13, Acos 22, Acosh 22, Add 13 14, ArgMax 11 12 13, ArgMin 11 12 13, Asin 22, Asinh 22, Atan 22, Atanh 22, AveragePool 10 11 22,
   BatchNormalization 15, Bernoulli 22, Cast 9 13 19 21 23 24, CastLike 19 21 23 24, Ceil 13, Clip 12 13, Compress 11, Concat 11 13,
   Constant 11 12 13 19 21 23 24, ConstantOfShape 20 21 23 24, Conv 11 22, ConvTranspose 11 22, Cos 22, Cosh 22, CumSum 14,
   DeformConv 22, DepthToSpace 11 13, DequantizeLinear 13 19 21 23 24, Det 22, Div 13 14, Dropout 13 22, Elu 22, Equal 11 13 19,
   Erf 13, Exp 13, Expand 13, EyeLike 22, Flatten 9 11 13 21 23 24, Floor 13, GRU 14 22, Gather 11 13, GatherElements 13,
   GatherND 12 13, Gemm 9 11 13, GlobalAveragePool 22, GlobalLpPool 22, GlobalMaxPool 22, Greater 9 13, GreaterOrEqual 16,
   GridSample 22, HardSigmoid 22, HardSwish 22, Hardmax 11, Identity 13 14 16 19 21 23 24, If 11 13 16 19 21 23 24,
   InstanceNormalization 22, IsInf 20, IsNaN 13 20, LRN 13, LSTM 14 22, LeakyRelu 16, Less 9 13, LessOrEqual 16, Log 13,
   LogSoftmax 11, Loop 11 13 16 19 21 23 24, LpNormalization 22, LpPool 11 22, MatMul 9 13, Max 8 12 13, MaxPool 8 10 11 12 22,
   MaxRoiPool 22, MaxUnpool 11 22, Mean 8 13, MeanVarianceNormalization 13, Min 8 12 13, Mish 22, Mod 13, Mul 13 14, Multinomial 22,
   Neg 13, NonMaxSuppression 11, NonZero 13, OneHot 11, OptionalGetElement 18, OptionalHasElement 18, PRelu 9 16,
   Pad 13 18 19 21 23 24, Pow 12 13 15, QLinearMatMul 21, QuantizeLinear 13 19 21 23 24, RNN 14 22, RandomNormal 22,
   RandomNormalLike 22, RandomUniform 22, RandomUniformLike 22, Reciprocal 13, ReduceL1 11 13, ReduceL2 11 13, ReduceLogSum 11 13,
   ReduceLogSumExp 11 13, ReduceMax 11 12 13 20, ReduceMean 11 13, ReduceMin 11 12 13 20, ReduceProd 11 13, ReduceSum 11,
   ReduceSumSquare 11 13, Relu 13 14, Reshape 13 14 19 21 23 24, Resize 18 19, RoiAlign 22, Round 22, Scan 11 16 19 21 23 24,
   ScatterElements 13 16 18, ScatterND 13 16 18, Selu 22, Shape 13 15 19 21 23 24, Sigmoid 13, Sign 13, Sin 22, Sinh 22,
   Size 13 19 21 23 24, Slice 11 13, Softmax 11, Softplus 22, Softsign 22, SpaceToDepth 13, Split 11, SplitToSequence 24, Sqrt 13,
   Squeeze 11 21 23 24, Sub 13 14, Sum 8 13, Tan 22, Tanh 13, ThresholdedRelu 22, Tile 13, TopK 11 24, Transpose 13 21 23 24,
   Unsqueeze 11 21 23 24, Where 16`
    .split(',')
    .flatMap((entry) => {
      const [op, ...versions] = entry.trim().split(' ');
      return versions.map((version) => `${op} ${version}`);
    }),
);

/** The first IR version that each opset was released with. */
const IR_VERSIONS: readonly (readonly [opset: number, ir: number])[] = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
];

/** The IR version that a model of this opset of the default domain needs at least. */
export function irVersionFor(opset: number): number {
  return IR_VERSIONS.find(([from]) => opset >= from)?.[1] ?? 3;
}
