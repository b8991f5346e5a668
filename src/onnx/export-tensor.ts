import { create } from '../proto/create.js';
import type { TensorProto } from '../proto/messages.js';
import { DTYPES } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';

/** The message of a tensor: the one that it was read from, or a new one with raw data, under `name` when it is given. */
export function exportTensor(tensor: Tensor, name?: string): TensorProto {
  if (tensor.proto) return name === undefined || tensor.proto.name === name ? tensor.proto : { ...tensor.proto, name };
  const head = {
    dims: tensor.shape.map(BigInt),
    dataType: DTYPES[tensor.dtype].onnx,
    ...(name !== undefined && { name }),
  };
  if (tensor.dtype === 'string') return create('TensorProto', { ...head, stringData: tensor.strings() });
  const rawData = typeof tensor.data === 'object' && 'length' in tensor.data ? tensor.data : tensor.bytes();
  return create('TensorProto', { ...head, rawData });
}
