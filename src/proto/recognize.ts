import type { ByteSource } from '../support/bytes.js';

/** What bytes are that are no model, and what to do about it. */
interface Lookalike {
  readonly what: string;
  readonly hint: string;
}

const PICK = 'Give the path of the .onnx file.';
const PAGE = 'Download the file itself, not the page about it.';
const EXPORT = 'Convert it to ONNX with the exporter of its framework.';

/** Other formats that people take for models: offset and bytes of their signature. */
const SIGNATURES: readonly (readonly [offset: number, signature: string, what: string, hint: string])[] = [
  [0, 'version https://git-lfs', 'it is a Git LFS pointer to the file', 'Run `git lfs pull` to get the file itself.'],
  [0, 'PK\x03\x04', 'it is a zip archive', 'Unpack it first, or export the model if it is a PyTorch checkpoint.'],
  [0, '\x89PNG\r\n', 'it is a PNG image', PICK],
  [0, '\xff\xd8\xff', 'it is a JPEG image', PICK],
  [0, '%PDF-', 'it is a PDF document', PICK],
  [0, '\x7fELF', 'it is a program or a library', PICK],
  [0, '\x93NUMPY', 'it is a NumPy array', PICK],
  [0, '<!DOCTYPE', 'it is an HTML page', PAGE],
  [0, '<!doctype', 'it is an HTML page', PAGE],
  [0, '<html', 'it is an HTML page', PAGE],
  [8, '{"', 'it is a file of weights in the safetensors format', EXPORT],
  [0, '\x1f\x8b', 'it is compressed with gzip', 'Unpack it first.'],
  [0, '\x89HDF\r\n', 'it is an HDF5 file, as Keras writes them', EXPORT],
  [0, 'GGUF', 'it is a GGUF file', EXPORT],
  [4, 'TFL3', 'it is a TensorFlow Lite model', EXPORT],
  [4, 'ORTM', 'it is a model in the ORT format', 'Use the .onnx file that it was converted from.'],
];

/** What the source's first bytes look like, when that is a known format or text. */
export function recognize(source: ByteSource): Lookalike | undefined {
  const head = source.read(0, Math.min(source.size, 512));
  for (const [offset, signature, what, hint] of SIGNATURES) {
    if (Array.from(signature).every((character, i) => head[offset + i] === character.charCodeAt(0)))
      return { what, hint };
  }
  if (!head.every((byte) => byte >= 0x20 || (byte >= 9 && byte <= 13))) return undefined;
  if (!isUtf8(head)) return undefined;
  return {
    what: 'it is text',
    hint: 'Give ONNX text the file name extension .onnxtxt; a downloaded page is not the model.',
  };
}

/** Whether the bytes are UTF-8, but for a character that may be cut off at the end. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
