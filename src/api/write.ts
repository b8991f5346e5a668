import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileUnwritable } from '../diagnostics/codes/file.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Encoded } from '../proto/encoded.js';
import type { ModelProto } from '../proto/messages.js';
import type { Emission } from './encode.js';
import { reasonOf } from './files.js';

/** What was written. */
export interface Emitted {
  /** Bytes of the model with the external data that was written. */
  readonly bytes: number;
  readonly files: readonly string[];
}

const EXTERNAL = 1;

/**
 * Writes an encoded model, whole or not at all: every file is written beside its place, synced, and renamed. `keeps`: the model goes on
 * naming the files that its weights were in, and they are copied along.
 * @throws ResonnxError `file/unwritable`
 */
export function writeEmission(model: Model, path: string, emission: Emission, keeps: boolean): Emitted {
  const { encoded, files, proto } = emission;
  const copies = keeps ? keptFiles(model, proto, path) : [];
  const staged: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const file of files) staged.push(stage(join(dirname(path), file.name), file.content));
    for (const copy of copies) staged.push(stageCopy(copy.from, copy.to));
    staged.push(stage(path, encoded));
    for (const { from, to } of staged) renameSync(from, to);
  } catch (cause) {
    for (const { from } of staged) rmSync(from, { force: true });
    if (cause instanceof ResonnxError) throw cause;
    throw new ResonnxError([fileUnwritable(path, reasonOf(cause))], { cause });
  }
  const bytes = files.reduce((sum, file) => sum + file.content.byteLength, encoded.byteLength);
  return {
    bytes: copies.reduce((sum, copy) => sum + statSync(copy.to).size, bytes),
    files: staged.map(({ to }) => to),
  };
}

/** The files of weights that a model names, as it names them. */
export function externalFilesOf(model: Model): readonly string[] {
  const named = new Set<string>();
  for (const { proto: tensor } of tensorsOf(model)) {
    if (tensor?.dataLocation !== EXTERNAL) continue;
    const location = tensor.externalData.find((entry) => entry.key === 'location')?.value ?? '';
    if (!location.startsWith('fill:')) named.add(location);
  }
  return [...named];
}

/** External files that the emitted model goes on naming and that are not yet where it is written. */
function keptFiles(model: Model, proto: ModelProto, path: string): { readonly from: string; readonly to: string }[] {
  const folder = model.source.path === undefined ? undefined : dirname(resolve(model.source.path));
  if (folder === undefined || folder === dirname(resolve(path)) || !proto.graph) return [];
  return externalFilesOf(model).map((name) => ({ from: join(folder, name), to: join(dirname(path), name) }));
}

function temporary(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}

function stageCopy(from: string, to: string): { from: string; to: string } {
  const staged = temporary(to);
  mkdirSync(dirname(staged), { recursive: true });
  copyFileSync(from, staged);
  return { from: staged, to };
}

function stage(to: string, content: Encoded): { from: string; to: string } {
  const from = temporary(to);
  const fd = openSync(from, 'w');
  try {
    for (const piece of content.pieces()) {
      for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done, piece.length - done);
    }
    fsyncSync(fd);
  } catch (cause) {
    closeSync(fd);
    rmSync(from, { force: true });
    throw cause;
  }
  closeSync(fd);
  return { from, to };
}
