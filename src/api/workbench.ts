import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Model } from '../ir/model.js';
import { encodeWhole } from '../onnx/bytes.js';
import type { ModelSource } from '../numerics/runtime.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import { emitFile } from './emit.js';

/** Models above this are handed to a runtime as files; protobuf ends at 2 GiB. */
const BYTES_LIMIT = 1.9 * 2 ** 30;

/** Makes models readable for a runtime; large ones as temporary files that `close` removes. */
export class Workbench {
  #folder: string | undefined;
  #count = 0;

  /** The file that the model was read from when it is binary ONNX; only right while the model is as it was read. */
  asRead(model: Model): ModelSource {
    const { path } = model.source;
    const readable = path !== undefined && extname(path) !== '.onnxtxt' && runtimeForm(model) === model;
    return readable ? { path } : this.asItIs(model);
  }

  /** The model as it is now. */
  asItIs(model: Model): ModelSource {
    const form = runtimeForm(model);
    const encoded = encodeWhole(form);
    if (encoded.byteLength <= BYTES_LIMIT) return encoded.toBytes();
    this.#folder ??= mkdtempSync(join(tmpdir(), 'resonnx-'));
    const path = join(this.#folder, `${this.#count++}.onnx`);
    emitFile(form, path, { externalData: { kind: 'file', name: `${this.#count}.data` } });
    return { path };
  }

  /** Removes temporary files. */
  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
