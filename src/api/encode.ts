import { tooLarge } from '../diagnostics/codes/file.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import { exportModel } from '../onnx/export.js';
import { type DataFile, dataFinder, type ExternalData, relocate } from '../onnx/externalize.js';
import { create } from '../proto/create.js';
import { Encoded } from '../proto/encoded.js';
import type { ModelProto } from '../proto/messages.js';
import { encodeModel } from '../proto/model.js';

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

/** A model ready to be written, with its files of weights. */
export interface Emission {
  readonly encoded: Encoded;
  readonly files: readonly DataFile[];
  readonly proto: ModelProto;
}

/** Encodes a model for a path. @throws ResonnxError `file/too-large` */
export function encodeBinary(model: Model, options: EmitOptions, path: string): Emission {
  const emission = extended(model, options) ?? encoded(place(model, options));
  const { byteLength } = emission.encoded;
  if (byteLength > LIMIT) throw new ResonnxError([tooLarge(path, byteLength)]);
  return emission;
}

function encoded({ model, files }: ReturnType<typeof relocate>): Emission {
  return { encoded: encodeModel(model), files, proto: model };
}

/** The message that was measured with the metadata behind it, where nothing else is new and nothing comes after metadata. */
function extended(model: Model, { metadata = {}, provenance, externalData }: EmitOptions): Emission | undefined {
  const measured = MEASURED.get(model);
  if (provenance || (externalData && externalData.kind !== 'keep') || measured?.version !== model.version)
    return undefined;
  const { encoded: whole, proto, files } = measured.emission;
  const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  if (metadataProps.length === 0) return measured.emission;
  const behind = [proto.trainingInfo, proto.functions, proto.configuration];
  if (behind.some(({ length }) => length > 0) || proto.unknownFields) return undefined;
  const { chunks, byteLength } = encodeModel(create('ModelProto', { metadataProps }));
  return {
    encoded: new Encoded([...whole.chunks, ...chunks], whole.byteLength + byteLength),
    files,
    proto: { ...proto, metadataProps: [...proto.metadataProps, ...metadataProps] },
  };
}

/** The message of a model with its metadata, its weights where the options say. */
export function place(model: Model, options: EmitOptions): ReturnType<typeof relocate> {
  const exported = exportModel(model, { provenance: options.provenance ?? false });
  const added = Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value }));
  const proto = added.length > 0 ? { ...exported, metadataProps: [...exported.metadataProps, ...added] } : exported;
  const how = options.externalData ?? { kind: 'keep' };
  return how.kind === 'keep' ? { model: proto, files: [] } : relocate(proto, how, dataFinder(tensorsOf(model)));
}

/** Bytes of the emitted model, without external data that stays where it is. Reads no weights; remembered until the model changes. */
export function measureModel(model: Model): number {
  let measured = MEASURED.get(model);
  if (measured?.version !== model.version) {
    measured = { version: model.version, emission: encoded(place(model, {})) };
    MEASURED.set(model, measured);
  }
  return measured.emission.encoded.byteLength;
}

const MEASURED = new WeakMap<Model, { readonly version: number; readonly emission: Emission }>();
