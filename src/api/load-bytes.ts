import type { onnx } from 'onnx-proto';
import type { Model } from '../ir/model.js';
import { importModel } from '../onnx/import.js';
import type { ExternalFiles } from '../onnx/tensor.js';
import type { ModelProto } from '../proto/messages.js';
import { decodeModel } from '../proto/model.js';
import { type ByteSource, memorySource } from '../support/bytes.js';

/** What a model can be loaded from without a file system. */
export type BytesSource = Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | OnnxProtoModel;

/** A `ModelProto` of the `onnx-proto` package. */
export type OnnxProtoModel = onnx.ModelProto;

export interface LoadOptions {
  /** What messages call the model when it does not come from a path. */
  readonly name?: string;
  /** Opens external data of a model that does not come from a path. */
  readonly external?: ExternalFiles;
  readonly signal?: AbortSignal;
}

/** Loads a model from memory. @throws ResonnxError with a code of `proto/` or `onnx/` */
export async function loadBytes(source: BytesSource, options: LoadOptions = {}): Promise<Model> {
  options.signal?.throwIfAborted();
  const bytes = memorySource(await toBytes(source, options.signal), options.name ?? '<bytes>');
  options.signal?.throwIfAborted();
  return finishLoading(decodeModel(bytes), bytes, { name: bytes.name, isText: false, external: options.external });
}

/** Where a model comes from, and what opens its external data. */
export interface Origin {
  readonly name: string;
  readonly path?: string;
  /** Whether it is ONNX text. */
  readonly isText: boolean;
  readonly external?: ExternalFiles | undefined;
}

/** The IR of a message; counts the bytes of the external data that it names. */
export function finishLoading(proto: ModelProto, bytes: ByteSource, origin: Origin): Model {
  const { name, path, isText, external } = origin;
  const opened = new Map<ByteSource, number>();
  const files: ExternalFiles = (location) => {
    if (!external) throw new Error(`"${location}" cannot be opened: the model was not read from a folder`);
    const source = external(location);
    opened.set(source, source.size);
    return source;
  };
  const model = importModel(proto, { file: name, external: files });
  const total = [...opened.values()].reduce((sum, size) => sum + size, bytes.size);
  model.source = {
    name,
    bytes: total,
    ...(!isText && { messageBytes: bytes.size }),
    ...(path !== undefined && { path }),
  };
  return model;
}

async function toBytes(source: BytesSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof ReadableStream) return readStream(source, signal);
  return (source.constructor as typeof onnx.ModelProto).encode(source).finish();
}

/** All bytes of a stream, which is cancelled when the signal is aborted. */
async function readStream(stream: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const sink = new WritableStream<Uint8Array<ArrayBuffer>>({ write: (chunk) => void chunks.push(chunk) });
  await stream.pipeTo(sink as WritableStream<Uint8Array>, signal ? { signal } : {});
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
