import { emptyModel, notAModel } from '../diagnostics/codes/proto.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { memorySource } from '../support/bytes.js';
import type { ByteSource } from '../support/bytes.js';
import { decodeMessage } from './decode.js';
import { encodeMessage } from './encode.js';
import type { Encoded } from './encoded.js';
import type { ModelProto } from './messages.js';
import { recognize } from './recognize.js';

/**
 * Reads a model. Only its structure is read: `raw_data` above 1 KiB stays a range of a source that is not in memory.
 *
 * @throws {ResonnxError} the errors of {@link decodeMessage}; `proto/empty` for 0 bytes; `proto/not-a-model` for bytes that
 *   are known to be something else, or that are a message without graph and functions but with fields that models do not have.
 */
export function decodeModel(input: ByteSource | Uint8Array): ModelProto {
  const source = input instanceof Uint8Array ? memorySource(input) : input;
  const at = { file: source.name, path: 'ModelProto' };
  if (source.size === 0) throw new ResonnxError([emptyModel(at)]);
  let model: ModelProto;
  try {
    model = decodeMessage('ModelProto', source);
  } catch (error) {
    const other = error instanceof ResonnxError ? recognize(source) : undefined;
    if (other) throw new ResonnxError([notAModel(at, other.what, other.hint)], { cause: error });
    throw error;
  }
  if (model.graph || model.functions.length > 0 || !model.unknownFields) return model;
  const other = recognize(source);
  throw new ResonnxError([
    notAModel(at, other?.what ?? 'it has no graph, and fields that models do not have', other?.hint),
  ]);
}

/** Writes a model in canonical form; see {@link encodeMessage}. */
export function encodeModel(model: ModelProto): Encoded {
  return encodeMessage('ModelProto', model);
}
