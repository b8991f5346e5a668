import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import type { Model } from '../ir/model.js';
import { encodeWhole } from '../onnx/bytes.js';
import type { Encoded } from '../proto/encoded.js';
import type { ModelSource } from '../numerics/runtime.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import { emitFile } from './emit.js';

/** Models above this are handed to a runtime as files; protobuf ends at 2 GiB. */
const BYTES_LIMIT = 1.9 * 2 ** 30;

/** Models above this are written to a file piece by piece. */
const IN_MEMORY = 2 ** 26;

function writePieces(path: string, encoded: Encoded): void {
  const fd = openSync(path, 'w');
  try {
    encoded.writeTo((piece) => writeSync(fd, piece));
  } finally {
    closeSync(fd);
  }
}

/** Makes models readable for a runtime; large ones as temporary files that `close` removes. */
export class Workbench {
  #folder: string | undefined;
  #count = 0;
  #last: string | undefined;

  /** The file that the model was read from when it is binary ONNX; only right while the model is as it was read. */
  asRead(model: Model): ModelSource {
    const { path } = model.source;
    const readable = path !== undefined && extname(path) !== '.onnxtxt' && runtimeForm(model) === model;
    return readable ? { path } : this.#write(model);
  }

  /** The model as it is now; good until the next call. */
  asItIs(model: Model): ModelSource {
    if (this.#last !== undefined) rmSync(this.#last, { recursive: true, force: true });
    const source = this.#write(model);
    this.#last = 'path' in source ? dirname(source.path) : undefined;
    return source;
  }

  /** Large models get a folder of their own. */
  #write(model: Model): ModelSource {
    const form = runtimeForm(model);
    const encoded = encodeWhole(form);
    if (encoded.byteLength <= IN_MEMORY) return encoded.toBytes();
    this.#folder ??= mkdtempSync(join(tmpdir(), 'resonnx-'));
    const folder = join(this.#folder, String(this.#count++));
    mkdirSync(folder);
    const path = join(folder, 'model.onnx');
    if (encoded.byteLength <= BYTES_LIMIT) {
      writePieces(path, encoded);
      return { path };
    }
    emitFile(form, path, { externalData: { kind: 'file', name: 'model.data' } });
    return { path };
  }

  /** Removes temporary files. */
  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
