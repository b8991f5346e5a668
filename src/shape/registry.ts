import type { Family, Infer } from './context.js';
import type { InferBodies } from './control.js';
import { ATTENTION } from './families/attention.js';
import { CONTRIB } from './families/contrib.js';
import { CONTROL } from './families/control.js';
import { CONVERT } from './families/convert.js';
import { CONVOLUTION } from './families/convolution.js';
import { CREATE } from './families/create.js';
import { DETECTION } from './families/detection.js';
import { ELEMENTWISE } from './families/elementwise.js';
import { EXTEND } from './families/extend.js';
import { GATHER } from './families/gather.js';
import { LAYOUT } from './families/layout.js';
import { MATMUL } from './families/matmul.js';
import { ML } from './families/ml.js';
import { NORMALIZATION } from './families/normalization.js';
import { POOLING } from './families/pooling.js';
import { QUANTIZATION } from './families/quantization.js';
import { RANDOM } from './families/random.js';
import { RECURRENT } from './families/recurrent.js';
import { REDUCTION } from './families/reduction.js';
import { RESHAPE } from './families/reshape.js';
import { RESIZE } from './families/resize.js';
import { SEQUENCE } from './families/sequence.js';
import { SIGNAL } from './families/signal.js';
import { SLICE } from './families/slice.js';
import { TEXT } from './families/text.js';
import { TRAINING } from './families/training.js';

/** Every family, alphabetical. */
const FAMILIES: readonly Family[] = [
  ATTENTION,
  CONTRIB,
  CONVERT,
  CONVOLUTION,
  CREATE,
  DETECTION,
  ELEMENTWISE,
  EXTEND,
  GATHER,
  LAYOUT,
  MATMUL,
  ML,
  NORMALIZATION,
  POOLING,
  QUANTIZATION,
  RANDOM,
  RECURRENT,
  REDUCTION,
  RESHAPE,
  RESIZE,
  SEQUENCE,
  SIGNAL,
  SLICE,
  TEXT,
  TRAINING,
];

const BY_OP: ReadonlyMap<string, Infer> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));

const WITH_BODIES: ReadonlyMap<string, InferBodies> = new Map(Object.entries(CONTROL));

/** The inference of an operator, by `Node.op`; `undefined` when only its dtypes follow from the schema. */
export function findInfer(op: string): Infer | undefined {
  return BY_OP.get(op);
}

/** The inference of an operator that runs bodies, by `Node.op`. */
export function findInferBodies(op: string): InferBodies | undefined {
  return WITH_BODIES.get(op);
}
