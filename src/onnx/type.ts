import { type Dim, type DimExpr, equal, format, symbol, symbols } from '../dim/dim.js';
import type { Shape, Type } from '../ir/type.js';
import { create } from '../proto/create.js';
import type { TensorShapeProto, TypeProto } from '../proto/messages.js';
import { DTYPES, type DType, findDType } from '../tensor/dtype.js';

/** The type that a `TypeProto` declares; `undefined` when it declares none. */
export function importType(proto: TypeProto | undefined): Type | undefined {
  if (!proto) return undefined;
  if (proto.tensorType) return { kind: 'tensor', ...importElements(proto.tensorType) };
  if (proto.sparseTensorType) return { kind: 'sparse', ...importElements(proto.sparseTensorType) };
  if (proto.sequenceType) return { kind: 'sequence', ...element('element', proto.sequenceType.elemType) };
  if (proto.optionalType) return { kind: 'optional', ...element('element', proto.optionalType.elemType) };
  if (proto.mapType) {
    const key = findDType(proto.mapType.keyType ?? 0) ?? 'int64';
    return { kind: 'map', key, ...element('value', proto.mapType.valueType) };
  }
  if (proto.opaqueType) {
    return { kind: 'opaque', domain: proto.opaqueType.domain ?? '', name: proto.opaqueType.name ?? '' };
  }
  return undefined;
}

function element<K extends string>(key: K, proto: TypeProto | undefined): { [P in K]?: Type } {
  const type = importType(proto);
  return (type ? { [key]: type } : {}) as { [P in K]?: Type };
}

function importElements(proto: { elemType?: number | undefined; shape?: TensorShapeProto | undefined }): {
  dtype?: DType;
  shape?: Shape;
} {
  const dtype = findDType(proto.elemType ?? 0);
  return { ...(dtype && { dtype }), ...(proto.shape && { shape: proto.shape.dim.map(importDim) }) };
}

function importDim(dim: TensorShapeProto['dim'][number]): Dim {
  if (dim.dimParam !== undefined && dim.dimParam !== '') return symbol(dim.dimParam);
  if (dim.dimValue === undefined || dim.dimValue < 0n || dim.dimValue > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return Number(dim.dimValue);
}

/** The `TypeProto` that declares a type. */
export function exportType(type: Type): TypeProto {
  switch (type.kind) {
    case 'tensor':
      return create('TypeProto', { tensorType: exportElements(type) });
    case 'sparse':
      return create('TypeProto', { sparseTensorType: exportElements(type) });
    case 'sequence':
      return create('TypeProto', { sequenceType: type.element ? { elemType: exportType(type.element) } : {} });
    case 'optional':
      return create('TypeProto', { optionalType: type.element ? { elemType: exportType(type.element) } : {} });
    case 'map': {
      const value = type.value && { valueType: exportType(type.value) };
      return create('TypeProto', { mapType: { keyType: DTYPES[type.key].onnx, ...value } });
    }
    case 'opaque':
      return create('TypeProto', { opaqueType: { domain: type.domain, name: type.name } });
  }
}

function exportElements(type: { readonly dtype?: DType; readonly shape?: Shape }): {
  elemType: number;
  shape?: TensorShapeProto;
} {
  const elemType = type.dtype ? DTYPES[type.dtype].onnx : 0;
  if (!type.shape) return { elemType };
  const dim = type.shape.map((size) =>
    create(
      'TensorShapeProtoDimension',
      typeof size === 'number' ? { dimValue: BigInt(size) } : size === null ? {} : { dimParam: dimParam(size) },
    ),
  );
  return { elemType, shape: create('TensorShapeProto', { dim }) };
}

/** A symbol keeps the name that the user gave it; anything else is written as an expression. */
function dimParam(dim: DimExpr): string {
  const [name, ...others] = symbols(dim);
  return name !== undefined && others.length === 0 && equal(dim, symbol(name)) ? name : format(dim);
}
