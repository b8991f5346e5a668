import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { join, parse, relative, sep } from 'node:path';
import type { Model } from '../ir/model.js';
import { encodeReferring } from '../onnx/bytes.js';
import type { DataPlace } from '../onnx/externalize.js';
import { Encoded } from '../proto/encoded.js';
import { type ByteRange, type Bytes, type ByteSource } from '../support/bytes.js';

/** Weights from this many bytes on stay in files. */
const LARGE = 2 ** 16;
/** Offsets in the file of weights. */
const ALIGNMENT = 64;

/** A model without its large weights, and the folder from which the places of those are given. */
export interface ReferringModel {
  readonly bytes: Uint8Array;
  readonly root: string;
}

/**
 * Hands models over to another process without their large weights: those stay in the files that they were read from, or are written to
 * one file, once for all the models that have them. The other process maps these files into its memory.
 */
export class WeightFiles {
  readonly #file: string;
  readonly #root: string;
  readonly #written = new WeakMap<object, Map<string, DataPlace>>();
  #size = 0;
  #full = false;

  /** The file of weights is made in `folder` when the first ones have to be written. */
  constructor(folder: string) {
    const real = realpathSync(folder);
    this.#file = join(real, 'weights');
    this.#root = parse(real).root;
  }

  /** `anonymous`: nodes go without their names. */
  encode(model: Model, anonymous: boolean): ReferringModel {
    const options = { anonymous, place: (data: Bytes) => this.#place(data) };
    return { bytes: encodeReferring(model, options).toBytes(), root: this.#root };
  }

  #place(data: Bytes): DataPlace | undefined {
    if (data.length < LARGE) return undefined;
    if (data instanceof Uint8Array) return this.#once(data, data, '');
    return this.#inPlace(data) ?? this.#once(data.source, data, `${data.offset}+${data.length}`);
  }

  #inPlace({ source, offset, length }: ByteRange): DataPlace | undefined {
    const path = source.path;
    if (path === undefined || parse(path).root !== this.#root) return undefined;
    return { location: this.#locate(path), offset, length };
  }

  #once(owner: Uint8Array | ByteSource, data: Bytes, key: string): DataPlace | undefined {
    const places = this.#written.get(owner) ?? new Map<string, DataPlace>();
    this.#written.set(owner, places);
    const place = places.get(key) ?? this.#append(data);
    if (place) places.set(key, place);
    return place;
  }

  /** Nothing where the disk is full: the weights then travel in the model. */
  #append(data: Bytes): DataPlace | undefined {
    if (this.#full) return undefined;
    const offset = Math.ceil(this.#size / ALIGNMENT) * ALIGNMENT;
    try {
      const fd = openSync(this.#file, this.#size === 0 ? 'w' : 'r+');
      try {
        let at = offset;
        for (const piece of new Encoded([data], data.length).pieces()) at += writeAll(fd, piece, at);
      } finally {
        closeSync(fd);
      }
    } catch {
      this.#full = true;
      return undefined;
    }
    this.#size = offset + data.length;
    return { location: this.#locate(this.#file), offset, length: data.length };
  }

  #locate(path: string): string {
    return relative(this.#root, path).split(sep).join('/');
  }
}

function writeAll(fd: number, piece: Uint8Array, at: number): number {
  for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done, piece.length - done, at + done);
  return piece.length;
}
