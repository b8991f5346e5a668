import { externalData, tensorSize, tensorType } from '../diagnostics/codes/onnx.js';
import { type Diagnostic, type Place, ResonnxError } from '../diagnostics/diagnostic.js';
import type { TensorProto } from '../proto/messages.js';
import type { ByteSource } from '../support/bytes.js';
import { byteLength, DTYPES, type DType, findDType } from '../tensor/dtype.js';
import { swapBytes, toRawBytes } from '../tensor/array.js';
import { fillTensor, isFill } from '../tensor/fill.js';
import { Tensor, type TensorData } from '../tensor/tensor.js';

/** Opens the file that holds external data, by the location that the model names; throws with a reason when it cannot. */
export type ExternalFiles = (location: string) => ByteSource;

const EXTERNAL = 1;
const MAX_ELEMENTS = 2 ** 52;

/**
 * The tensor of a message. Elements are not read: raw data stays where it is, typed fields are converted when asked for.
 * @throws ResonnxError `onnx/tensor-type`, `onnx/tensor-size`, `onnx/external-data`
 */
export function importTensor(proto: TensorProto, at: Place, files: ExternalFiles | undefined): Tensor {
  const name = proto.name ?? '';
  const fail = (diagnostic: Diagnostic): never => {
    throw new ResonnxError([diagnostic]);
  };
  const dtype = findDType(proto.dataType ?? 0) ?? fail(tensorType(at, name, proto.dataType ?? 0));
  let count = 1;
  for (const dim of proto.dims) {
    if (dim < 0n) fail(tensorSize(at, name, `dim ${dim} is negative`));
    count *= Number(dim);
    if (count > MAX_ELEMENTS) fail(tensorSize(at, name, `dims ${proto.dims.join('×')} are more than memory can hold`));
  }
  const shape = proto.dims.map(Number);
  try {
    const data =
      proto.dataLocation === EXTERNAL
        ? (filled(proto, dtype, shape, at) ?? external(proto, dtype, count, files))
        : inline(proto, dtype, count);
    return new Tensor(dtype, shape, data, proto);
  } catch (cause) {
    if (!(cause instanceof TensorProblem)) throw cause;
    return fail(cause.external ? externalData(at, name, cause.message) : tensorSize(at, name, cause.message));
  }
}

class TensorProblem extends Error {
  readonly external: boolean;

  constructor(message: string, isExternal = false) {
    super(message);
    this.external = isExternal;
  }
}

function inline(proto: TensorProto, dtype: DType, count: number): TensorData {
  const bytes = byteLength(dtype, count);
  if (proto.rawData !== undefined && dtype !== 'string') {
    if (proto.rawData.length !== bytes) {
      throw new TensorProblem(
        `${dtype} of ${count} elements takes ${bytes} bytes, raw_data has ${proto.rawData.length}`,
      );
    }
    return proto.rawData;
  }
  if (dtype === 'string') {
    if (proto.stringData.length !== count)
      throw new TensorProblem(mismatch('string_data', count, proto.stringData.length));
    return { strings: proto.stringData };
  }
  const field = typedField(proto, dtype);
  const needed = DTYPES[dtype].kind === 'complex' ? 2 * count : DTYPES[dtype].bits < 8 ? bytes : count;
  if (field.length !== needed) throw new TensorProblem(mismatch('typed data', needed, field.length));
  return () => littleEndian(field, bytes);
}

const mismatch = (field: string, needed: number, found: number): string =>
  `${field} has ${found} elements, the dims ask for ${needed}`;

type Typed = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array;

/** The typed field that holds elements of this type, as `TensorProto` documents them. */
function typedField(proto: TensorProto, dtype: DType): Typed {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return proto.floatData;
    case 'float64':
    case 'complex128':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/** int32_data and uint64_data hold one narrower element (or one byte of packed ones) each; other fields have the layout. */
function littleEndian(field: Typed, length: number): Uint8Array {
  const width = length / field.length;
  if (field.BYTES_PER_ELEMENT === width || field.length === 0) {
    const bytes = new Uint8Array(field.buffer, field.byteOffset, field.byteLength);
    if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return bytes;
    const swapped = bytes.slice();
    swapBytes(swapped, field.BYTES_PER_ELEMENT);
    return swapped;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < field.length; i++) {
    const element = Number(BigInt.asUintN(32, BigInt(field[i]!)));
    if (width === 1) view.setUint8(i, element & 0xff);
    else if (width === 2) view.setUint16(2 * i, element & 0xffff, true);
    else view.setUint32(4 * i, element, true);
  }
  return bytes;
}

/** Data that a `fill:` location makes up; used by models in text whose weights do not matter. */
function filled(proto: TensorProto, dtype: DType, shape: readonly number[], at: Place): TensorData | undefined {
  const location = proto.externalData.find((entry) => entry.key === 'location')?.value ?? '';
  return isFill(location) ? () => toRawBytes(fillTensor(proto.externalData, dtype, shape, at)) : undefined;
}

function external(proto: TensorProto, dtype: DType, count: number, files: ExternalFiles | undefined): TensorData {
  const entry = new Map(proto.externalData.map((pair) => [pair.key ?? '', pair.value ?? '']));
  const location = entry.get('location');
  const problem = (what: string): never => {
    throw new TensorProblem(what, true);
  };
  if (location === undefined || location === '') return problem('no location is given');
  if (!files) return problem(`"${location}" cannot be opened: the model was not read from a folder`);
  let source: ByteSource;
  try {
    source = files(location);
  } catch (cause) {
    return problem(cause instanceof Error ? cause.message : String(cause));
  }
  const bytes = byteLength(dtype, count);
  const offset = wholeNumber(entry.get('offset') ?? '0') ?? problem(`offset "${entry.get('offset')}" is no number`);
  const stated = entry.get('length');
  const length = stated === undefined ? bytes : (wholeNumber(stated) ?? problem(`length "${stated}" is no number`));
  if (length !== bytes)
    problem(`${dtype} of ${count} elements takes ${bytes} bytes, the model states a length of ${length}`);
  if (offset + length > source.size) {
    problem(`bytes ${offset} to ${offset + length} of "${location}" are wanted, the file has ${source.size}`);
  }
  return { source, offset, length };
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
