import type { Model } from '../ir/model.js';
import { Encoded } from '../proto/encoded.js';
import { decodeUtf8, encodeUtf8 } from '../support/utf8.js';
import { printModel } from '../text/print.js';
import { type Emission, type EmitOptions, encodeBinary, place } from './encode.js';

export type { EmitOptions } from './encode.js';

/** The bytes of a model with all weights inside. @throws ResonnxError `file/too-large` above 2 GiB */
export function emitBytes(model: Model, options: EmitOptions = {}): Uint8Array {
  return encodeBinary(model, { ...options, externalData: { kind: 'none' } }, '<bytes>').encoded.toBytes();
}

/** The model in ONNX text, with all weights inside. */
export function emitText(model: Model, options: EmitOptions = {}): string {
  return decodeUtf8(encodeText(model, { ...options, externalData: { kind: 'none' } }).encoded.toBytes());
}

/**
 * Writes a model with all weights inside into a stream, piece by piece, and closes it; gives the number of bytes.
 * @throws ResonnxError `file/too-large` above 2 GiB; what the stream throws
 */
export async function emitStream(
  model: Model,
  stream: WritableStream<Uint8Array>,
  options: EmitOptions = {},
): Promise<number> {
  const { encoded } = encodeBinary(model, { ...options, externalData: { kind: 'none' } }, '<stream>');
  const writer = stream.getWriter();
  for (const piece of encoded.pieces()) await writer.write(piece);
  await writer.close();
  return encoded.byteLength;
}

/** Encodes a model for a path: ONNX text where its name ends in `.onnxtxt`. @throws ResonnxError `file/too-large` */
export function encodeFor(model: Model, options: EmitOptions, path: string): Emission {
  return path.endsWith('.onnxtxt') ? encodeText(model, options) : encodeBinary(model, options, path);
}

function encodeText(model: Model, options: EmitOptions): Emission {
  const moved = place(model, options);
  const text = encodeUtf8(printModel(moved.model));
  return { encoded: new Encoded([text], text.byteLength), files: moved.files, proto: moved.model };
}

/** Where {@link emitHere} puts a model when there is no file system. */
export type BytesSink = WritableStream<Uint8Array> | { readonly as: 'bytes' | 'text' };

/**
 * Emits a model with all weights inside: as bytes when no sink is given, as text, or into a stream, which is closed.
 * @throws ResonnxError `file/too-large` above 2 GiB
 */
export async function emitHere(
  model: Model,
  sink?: { readonly as: 'bytes' },
  options?: EmitOptions,
): Promise<Uint8Array>;
export async function emitHere(model: Model, sink: { readonly as: 'text' }, options?: EmitOptions): Promise<string>;
export async function emitHere(
  model: Model,
  sink: WritableStream<Uint8Array>,
  options?: EmitOptions,
): Promise<{ readonly bytes: number }>;
export async function emitHere(
  model: Model,
  sink: BytesSink = { as: 'bytes' },
  options: EmitOptions = {},
): Promise<Uint8Array | string | { readonly bytes: number }> {
  if (sink instanceof WritableStream) return { bytes: await emitStream(model, sink, options) };
  return sink.as === 'text' ? emitText(model, options) : emitBytes(model, options);
}
