import type { onnx } from 'onnx-proto';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelProto } from '../proto/messages.js';
import { importModel } from '../onnx/import.js';
import type { ExternalFiles } from '../onnx/tensor.js';
import type { Model } from '../ir/model.js';
import { decodeModel } from '../proto/model.js';
import { type ByteSource, memorySource } from '../support/bytes.js';
import { parseModelBytes } from '../text/parse.js';
import { externalFiles, fileSource } from './files.js';

/** What a model can be loaded from: a path or file URL, bytes, a Blob, a stream, or a message of the `onnx-proto` package. */
export type Source = string | URL | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | OnnxProtoModel;

/** A `ModelProto` of the `onnx-proto` package. */
export type OnnxProtoModel = onnx.ModelProto;

export interface LoadOptions {
  /** What messages call the model when it does not come from a path. */
  readonly name?: string;
  /** Opens external data of a model that does not come from a path. */
  readonly external?: ExternalFiles;
}

/**
 * Loads a model. From a path only its structure is read; weights stay in their files until somebody asks for them.
 * Files named `.onnxtxt` hold ONNX text.
 * @throws ResonnxError with a code of `file/`, `proto/`, `text/` or `onnx/`
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  if (typeof source === 'string' || source instanceof URL) {
    return loadFile(typeof source === 'string' ? source : fileURLToPath(source));
  }
  const bytes = memorySource(await toBytes(source), options.name ?? '<bytes>');
  return finish(decodeModel(bytes), bytes, { name: bytes.name, external: options.external });
}

function loadFile(path: string): Model {
  const source = fileSource(path);
  const isText = extname(path) === '.onnxtxt';
  const proto = isText ? parseModelBytes(source.read(0, source.size), { file: path }) : decodeModel(source);
  return finish(proto, source, { name: path, path, external: externalFiles(path) });
}

interface Origin {
  readonly name: string;
  readonly path?: string;
  readonly external?: ExternalFiles | undefined;
}

function finish(proto: ModelProto, bytes: ByteSource, { name, path, external }: Origin): Model {
  const opened = new Map<ByteSource, number>();
  const files: ExternalFiles = (location) => {
    if (!external) throw new Error(`"${location}" cannot be opened: the model was not read from a folder`);
    const source = external(location);
    opened.set(source, source.size);
    return source;
  };
  const model = importModel(proto, { file: name, external: files });
  const total = [...opened.values()].reduce((sum, size) => sum + size, bytes.size);
  model.source = { name, bytes: total, ...(path !== undefined && { path }) };
  return model;
}

async function toBytes(source: Exclude<Source, string | URL>): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof ReadableStream) return new Uint8Array(await new Response(source).arrayBuffer());
  return (source.constructor as typeof onnx.ModelProto).encode(source).finish();
}
