import type { Model } from '../ir/model.js';
import { memorySource } from '../support/bytes.js';
import { encodeUtf8 } from '../support/utf8.js';
import { parseModelText } from '../text/parse.js';
import { finishLoading, type LoadOptions } from './load-bytes.js';

/** Loads a model from ONNX text. @throws ResonnxError with a code of `text/` or `onnx/` */
export function loadText(text: string, { name = '<text>', external }: LoadOptions = {}): Model {
  const source = memorySource(encodeUtf8(text), name);
  return finishLoading(parseModelText(text, { file: name }), source, { name, isText: true, external });
}
