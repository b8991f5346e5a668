import { tooLarge } from '../diagnostics/codes/file.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import { exportModel } from '../onnx/export.js';
import { type DataFile, dataFinder, type ExternalData, relocate } from '../onnx/externalize.js';
import { Encoded } from '../proto/encoded.js';
import type { ModelProto } from '../proto/messages.js';
import { encodeModel } from '../proto/model.js';
import { decodeUtf8, encodeUtf8 } from '../support/utf8.js';
import { printModel } from '../text/print.js';

/** Options of emitting. */
export interface EmitOptions {
  /** What becomes of the weights; `keep` (the default) leaves each where it is: in the model, or in files that are copied along. */
  readonly externalData?: ExternalData;
  /** Writes into each new node's metadata which of the user's nodes and which rules it came from. */
  readonly provenance?: boolean;
  /** Metadata to add to the model, e.g. that it is unverified. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const LIMIT = 2 ** 31 - 1;

/** The bytes of a model with all weights inside. @throws ResonnxError `file/too-large` above 2 GiB */
export function emitBytes(model: Model, options: EmitOptions = {}): Uint8Array {
  return encodeFor(model, { ...options, externalData: { kind: 'none' } }, '<bytes>').encoded.toBytes();
}

/** The model in ONNX text, with all weights inside. */
export function emitText(model: Model, options: EmitOptions = {}): string {
  return decodeUtf8(
    encodeFor(model, { ...options, externalData: { kind: 'none' } }, '<text>.onnxtxt').encoded.toBytes(),
  );
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
  const { encoded } = encodeFor(model, { ...options, externalData: { kind: 'none' } }, '<stream>');
  const writer = stream.getWriter();
  for (const piece of encoded.pieces()) await writer.write(piece);
  await writer.close();
  return encoded.byteLength;
}

/** Bytes of the emitted model, without external data that stays where it is. Reads no weights; remembered until the model changes. */
export function measureModel(model: Model): number {
  let measured = MEASURED.get(model);
  if (measured?.version !== model.version) {
    const { model: proto } = relocate(exportModel(model), { kind: 'keep' }, dataFinder(tensorsOf(model)));
    measured = { version: model.version, bytes: encodeModel(proto).byteLength };
    MEASURED.set(model, measured);
  }
  return measured.bytes;
}

const MEASURED = new WeakMap<Model, { readonly version: number; readonly bytes: number }>();

/** A model ready to be written, with its files of weights. */
export interface Emission {
  readonly encoded: Encoded;
  readonly files: readonly DataFile[];
  readonly proto: ModelProto;
}

/** Encodes a model for a path: ONNX text where its name ends in `.onnxtxt`. @throws ResonnxError `file/too-large` */
export function encodeFor(model: Model, options: EmitOptions, path: string): Emission {
  const exported = exportModel(model, { provenance: options.provenance ?? false });
  const added = Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value }));
  const proto = added.length > 0 ? { ...exported, metadataProps: [...exported.metadataProps, ...added] } : exported;
  const moved = relocate(proto, options.externalData ?? { kind: 'keep' }, dataFinder(tensorsOf(model)));
  if (path.endsWith('.onnxtxt')) {
    const text = encodeUtf8(printModel(moved.model));
    return { encoded: new Encoded([text], text.byteLength), files: moved.files, proto: moved.model };
  }
  const encoded = encodeModel(moved.model);
  if (encoded.byteLength > LIMIT) throw new ResonnxError([tooLarge(path, encoded.byteLength)]);
  return { encoded, files: moved.files, proto: moved.model };
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
