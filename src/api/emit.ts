import { fileURLToPath } from 'node:url';
import type { onnx } from 'onnx-proto';
import type { Model } from '../ir/model.js';
import { emitBytes, type EmitOptions, emitStream, emitText, encodeFor } from './emit-bytes.js';
import { type Emitted, writeEmission } from './write.js';

export type { Emitted } from './write.js';

/** Where {@link emit} puts a model: a path, a file URL, a stream, or back to the caller in one of three forms. */
export type Sink = string | URL | WritableStream<Uint8Array> | { readonly as: 'bytes' | 'text' | 'onnx-proto' };

/**
 * Emits a model: as bytes when no sink is given; into a file, with its external data, for a path or file URL (ONNX text for `.onnxtxt`);
 * into a stream, which is closed; or as text or a message of onnx-proto. In one piece weights are inside.
 * @throws ResonnxError `file/unwritable`, `file/too-large`
 */
export async function emit(model: Model, sink?: { readonly as: 'bytes' }, options?: EmitOptions): Promise<Uint8Array>;
export async function emit(model: Model, sink: { readonly as: 'text' }, options?: EmitOptions): Promise<string>;
export async function emit(
  model: Model,
  sink: { readonly as: 'onnx-proto' },
  options?: EmitOptions,
): Promise<onnx.ModelProto>;
export async function emit(
  model: Model,
  sink: string | URL | WritableStream<Uint8Array>,
  options?: EmitOptions,
): Promise<Emitted>;
export async function emit(
  model: Model,
  sink: Sink = { as: 'bytes' },
  options: EmitOptions = {},
): Promise<Uint8Array | string | onnx.ModelProto | Emitted> {
  if (typeof sink === 'string') return emitFile(model, sink, options);
  if (sink instanceof URL) return emitFile(model, fileURLToPath(sink), options);
  if (sink instanceof WritableStream) return { bytes: await emitStream(model, sink, options), files: [] };
  if (sink.as === 'text') return emitText(model, options);
  return sink.as === 'bytes' ? emitBytes(model, options) : emitOnnxProto(model, options);
}

/** The model as a message of the `onnx-proto` package, as far as that package knows the format (ONNX 1.10). */
export async function emitOnnxProto(model: Model, options: EmitOptions = {}): Promise<onnx.ModelProto> {
  const { default: proto } = await import('onnx-proto');
  return proto.onnx.ModelProto.decode(emitBytes(model, options));
}

/**
 * Writes a model, whole or not at all: every file is written beside its place, synced, and renamed.
 * @throws ResonnxError `file/unwritable`, `file/too-large`
 */
export function emitFile(model: Model, path: string, options: EmitOptions = {}): Emitted {
  const keeps = (options.externalData?.kind ?? 'keep') === 'keep';
  return writeEmission(model, path, encodeFor(model, options, path), keeps);
}
