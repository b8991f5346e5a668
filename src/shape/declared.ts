import { shapeDeclared } from '../diagnostics/codes/shape.js';
import { isProven } from '../dim/dim.js';
import type { Shape, Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { NodeContext } from './context.js';
import { declaredElements, type Fact, showType } from './fact.js';

/**
 * Adds to what was inferred for an output of a node what the model declares and inference does not know at all: dtype and rank; the sizes
 * too where the operator has no inference. A size that depends on data is not taken from a declaration: exporters write that of their
 * example. A declaration that contradicts inference is reported and left alone.
 */
export function mergeDeclared(cx: NodeContext, value: Value, fact: Fact): Fact {
  const declared = value.type;
  if (!declared) return fact;
  if (!fact.type) return { ...fact, type: withFreshDims(cx, declared) };
  if (contradicts(fact.type, declared)) {
    cx.problem(shapeDeclared(cx.at, value.hint, showType(declared), showType(fact.type)));
    return fact;
  }
  const type = refine(cx, fact.type, declared);
  return type === fact.type ? fact : { ...fact, type };
}

/** Adds the declared element type of a tensor, or what kind of thing it is, where inference knows neither; never a shape. */
export function withDeclaredDType(value: Value, fact: Fact): Fact {
  const declared = value.type;
  if (!declared) return fact;
  if (!fact.type) return { ...fact, type: withoutShapes(declared) };
  if (fact.type.kind !== 'tensor' || fact.type.dtype || declared.kind !== 'tensor' || !declared.dtype) return fact;
  return { ...fact, type: { ...fact.type, dtype: declared.dtype } };
}

function withoutShapes(type: Type): Type {
  if (type.kind === 'sequence' || type.kind === 'optional') return { kind: type.kind };
  if (type.kind !== 'tensor' && type.kind !== 'sparse') return type;
  return { kind: type.kind, ...(type.dtype && { dtype: type.dtype }) };
}

/** Whether no value has both types. Symbols of the two sides are not compared: one name may be declared for different lengths. */
export function contradicts(inferred: Type, declared: Type): boolean {
  if (inferred.kind !== declared.kind) return true;
  if (
    (inferred.kind === 'tensor' || inferred.kind === 'sparse') &&
    (declared.kind === 'tensor' || declared.kind === 'sparse')
  ) {
    if (inferred.dtype && declared.dtype && inferred.dtype !== declared.dtype) return true;
    const { shape } = declared;
    if (!inferred.shape || !shape) return false;
    if (inferred.shape.length !== shape.length) return true;
    return inferred.shape.some((dim, axis) => typeof shape[axis] === 'number' && isProven(dim, '!=', shape[axis]!));
  }
  if (
    (inferred.kind === 'sequence' || inferred.kind === 'optional') &&
    (declared.kind === 'sequence' || declared.kind === 'optional')
  ) {
    return !!inferred.element && !!declared.element && contradicts(inferred.element, declared.element);
  }
  return false;
}

function refine(cx: NodeContext, inferred: Type, declared: Type): Type {
  if (inferred.kind === 'tensor' && declared.kind === 'tensor') {
    const dtype = inferred.dtype ?? declared.dtype;
    const shape = inferred.shape ?? declaredShape(cx, declared.shape);
    if (dtype === inferred.dtype && shape === inferred.shape) return inferred;
    return { kind: 'tensor', ...(dtype && { dtype }), ...(shape && { shape }) };
  }
  if (
    (inferred.kind === 'sequence' || inferred.kind === 'optional') &&
    (declared.kind === 'sequence' || declared.kind === 'optional') &&
    !inferred.element &&
    declared.element
  ) {
    return { kind: inferred.kind, element: withFreshDims(cx, declared.element) };
  }
  return inferred;
}

function declaredShape(cx: NodeContext, shape: Shape | undefined): Shape | undefined {
  const isKnown = cx.schema !== undefined;
  return shape?.map((dim) => (isKnown ? null : dim) ?? cx.fresh());
}

/** Unknown dims of a tensor, or of one in an optional, as symbols; those of a sequence stay: its elements need not agree. */
function withFreshDims(cx: NodeContext, type: Type): Type {
  if (type.kind === 'optional' && type.element?.kind === 'tensor') {
    return { ...type, element: withFreshDims(cx, type.element) };
  }
  if (type.kind !== 'tensor') return declaredElements(type);
  const shape = declaredShape(cx, type.shape);
  return shape ? { ...type, shape } : type;
}
