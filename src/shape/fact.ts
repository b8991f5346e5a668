import { type Dim, equal, format, key } from '../dim/dim.js';
import type { Shape, TensorType, Type } from '../ir/type.js';
import type { DType } from '../tensor/dtype.js';
import { isInteger } from '../tensor/dtype.js';
import { InvariantError } from '../support/invariant.js';
import type { Tensor } from '../tensor/tensor.js';

/** Largest number of elements that are followed symbolically. */
export const MAX_ELEMENTS = 1024;

/**
 * The elements of a small tensor as dims, row-major; `null` where unknown. Integer and bool tensors (true is 1), and floating point
 * tensors that hold whole numbers.
 */
export interface SymbolicTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: readonly Dim[];
}

/** What is known of a value wherever it is defined. */
export interface Fact {
  readonly type: Type | undefined;
  readonly elements?: SymbolicTensor | undefined;
  /** The constant that the value always is. */
  readonly tensor?: Tensor | undefined;
  /** A sequence without elements: its element type says nothing, and gives way to any other. */
  readonly isEmpty?: boolean;
}

/** Nothing is known. */
export const UNKNOWN: Fact = { type: undefined };

const ofTensor = new WeakMap<Tensor, Fact>();

/** The fact of a constant; its elements are read only where they are few. */
export function constantFact(tensor: Tensor): Fact {
  const known = ofTensor.get(tensor);
  if (known) return known;
  const type: TensorType = { kind: 'tensor', dtype: tensor.dtype, shape: tensor.shape };
  let elements: SymbolicTensor | undefined | null = null;
  const fact: Fact = {
    type,
    tensor,
    get elements() {
      if (elements === null) elements = constantElements(tensor);
      return elements;
    },
  };
  ofTensor.set(tensor, fact);
  return fact;
}

function constantElements(tensor: Tensor): SymbolicTensor | undefined {
  const { dtype, shape, size } = tensor;
  if (size > MAX_ELEMENTS || dtype === 'string' || dtype.startsWith('complex')) return undefined;
  const elements = readElements(tensor);
  if (!elements || (size > 0 && elements.every((item) => item === null))) return undefined;
  return { dtype, shape, elements };
}

/** `undefined` where the elements cannot be read: external data that is gone is reported where it is needed. */
function readElements(tensor: Tensor): readonly Dim[] | undefined {
  try {
    if (isInteger(tensor.dtype) || tensor.dtype === 'bool') return tensor.ints().map(wholeInt64);
    return Array.from(tensor.floats(), wholeFloat);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    return undefined;
  }
}

/** Ends of slices lie beyond 2^53: they are kept as the nearest safe integer, which is as far out of any axis. */
function wholeInt64(value: bigint): Dim {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

function wholeFloat(value: number): Dim {
  return Number.isSafeInteger(value) ? value + 0 : null;
}

/** The shape as messages show it: `[batch, 2*n, 64]`. */
export function showShape(shape: Shape): string {
  return `[${shape.map((dim) => (dim === null ? '?' : format(dim))).join(', ')}]`;
}

/** The type as messages show it: `float32[batch, 64]`. */
export function showType(type: Type | undefined): string {
  if (!type) return 'unknown';
  if (type.kind === 'tensor' || type.kind === 'sparse') {
    const text = `${type.dtype ?? 'unknown'}${type.shape ? showShape(type.shape) : ' of unknown rank'}`;
    return type.kind === 'sparse' ? `sparse ${text}` : text;
  }
  if (type.kind === 'sequence' || type.kind === 'optional') return `${type.kind} of ${showType(type.element)}`;
  return type.kind;
}

/** Whether every dim is a number. */
export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape !== undefined && shape.every((dim) => typeof dim === 'number');
}

/** Makes the dim that is right whichever of two different ones holds. */
export type JoinDims = (a: Dim, b: Dim) => Dim;

function joinShapes(a: Shape | undefined, b: Shape | undefined, join: JoinDims): Shape | undefined {
  if (!a || !b || a.length !== b.length) return undefined;
  return a.map((dim, axis) => {
    const other = b[axis] ?? null;
    return dim === other || equal(dim, other) ? dim : join(dim, other);
  });
}

/** Elements of a sequence need not agree with each other: a symbol would say that they do. */
const UNKNOWN_DIM: JoinDims = () => null;

/** The type that is right whichever of the two holds; nested types are walked in step. */
export function joinTypes(a: Type | undefined, b: Type | undefined, join: JoinDims): Type | undefined {
  if (!a || !b || a.kind !== b.kind) return undefined;
  if (a === b) return a;
  if ((a.kind === 'tensor' || a.kind === 'sparse') && (b.kind === 'tensor' || b.kind === 'sparse')) {
    const shape = joinShapes(a.shape, b.shape, join);
    return { kind: a.kind, ...(a.dtype && a.dtype === b.dtype && { dtype: a.dtype }), ...(shape && { shape }) };
  }
  if ((a.kind === 'sequence' || a.kind === 'optional') && (b.kind === 'sequence' || b.kind === 'optional')) {
    const element = joinTypes(a.element, b.element, a.kind === 'sequence' ? UNKNOWN_DIM : join);
    return { kind: a.kind, ...(element && { element }) };
  }
  return showType(a) === showType(b) ? a : undefined;
}

/** What holds whichever of the two facts holds. */
export function joinFacts(a: Fact, b: Fact, join: JoinDims): Fact {
  if (a === b || (b.isEmpty && a.type?.kind === 'sequence')) return a;
  if (a.isEmpty && b.type?.kind === 'sequence') return b;
  const type = joinTypes(a.type, b.type, join);
  const elements = joinElements(a.elements, b.elements);
  const tensor = a.tensor === b.tensor ? a.tensor : undefined;
  return { type, ...(elements && { elements }), ...(tensor && { tensor }) };
}

function joinElements(a: SymbolicTensor | undefined, b: SymbolicTensor | undefined): SymbolicTensor | undefined {
  if (!a || !b || a.dtype !== b.dtype || a.shape.length !== b.shape.length) return undefined;
  if (!a.shape.every((size, axis) => size === b.shape[axis])) return undefined;
  const elements = a.elements.map((item, index) => (equal(item, b.elements[index] ?? null) ? item : null));
  return elements.every((item) => item === null) ? undefined : { ...a, elements };
}

/** The declared type of a sequence says the rank of its elements and sizes that are numbers; a name may stand for a size of each. */
export function declaredElements(type: Type): Type {
  if (type.kind !== 'sequence' || type.element?.kind !== 'tensor' || !type.element.shape) return type;
  const shape = type.element.shape.map((dim) => (typeof dim === 'number' ? dim : null));
  return { kind: 'sequence', element: { ...type.element, shape } };
}

/** Whether two types say exactly the same. */
export function sameType(a: Type | undefined, b: Type | undefined): boolean {
  return a === b || typeKey(a) === typeKey(b);
}

function typeKey(type: Type | undefined): string {
  if (!type) return '';
  if (type.kind === 'tensor' || type.kind === 'sparse') {
    return `${type.kind} ${type.dtype ?? ''} ${type.shape ? `[${type.shape.map(key).join(',')}]` : ''}`;
  }
  if (type.kind === 'sequence' || type.kind === 'optional') return `${type.kind}(${typeKey(type.element)})`;
  return showType(type);
}

/** Whether two facts say exactly the same. */
export function sameFact(a: Fact, b: Fact): boolean {
  if (a === b) return true;
  if (a.tensor !== b.tensor || a.isEmpty !== b.isEmpty || !sameType(a.type, b.type)) return false;
  return elementsKey(a.elements) === elementsKey(b.elements);
}

function elementsKey(tensor: SymbolicTensor | undefined): string {
  return tensor ? `${tensor.dtype} ${tensor.shape.join(',')} ${tensor.elements.map(key).join(',')}` : '';
}
