import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notText } from '../diagnostics/codes/text.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import type { ModelProto } from '../proto/messages.js';
import { decodeModel } from '../proto/model.js';
import type { ByteSource } from '../support/bytes.js';
import { externalFiles, fileSource } from './files.js';
import { type BytesSource, finishLoading, loadBytes, type LoadOptions } from './load-bytes.js';

export { type LoadOptions, type OnnxProtoModel } from './load-bytes.js';

/** What a model can be loaded from: a path or file URL, bytes, a Blob, a stream, or a message of the `onnx-proto` package. */
export type Source = string | URL | BytesSource;

/**
 * Loads a model. From a path only its structure is read; weights stay in their files until somebody asks for them.
 * Files named `.onnxtxt` hold ONNX text.
 * @throws ResonnxError with a code of `file/`, `proto/`, `text/` or `onnx/`
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  options.signal?.throwIfAborted();
  if (typeof source === 'string' || source instanceof URL) {
    return loadFile(typeof source === 'string' ? source : fileURLToPath(source));
  }
  return loadBytes(source, options);
}

async function loadFile(path: string): Promise<Model> {
  const source = fileSource(path);
  const isText = extname(path) === '.onnxtxt';
  if (isText && source.read(0, Math.min(source.size, 512)).includes(0))
    throw new ResonnxError([notText({ file: path, path: '' })]);
  const proto = isText ? await parseText(source, path) : decodeModel(source);
  return finishLoading(proto, source, { name: path, path, isText, external: externalFiles(path) });
}

/** Most models are binary, and are loaded faster without what reads text. */
async function parseText(source: ByteSource, path: string): Promise<ModelProto> {
  const { parseModelBytes } = await import('../text/parse.js');
  return parseModelBytes(source.read(0, source.size), { file: path });
}
