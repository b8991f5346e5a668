import type { TypedArray } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import type { Optimization, Port } from './runtime.js';

/** The name of a typed array's constructor. */
export type ArrayName = `${'Int' | 'Uint'}${8 | 16 | 32}Array` | `Float${32 | 64}Array` | `Big${'Int' | 'Uint'}64Array`;

/** Elements between the processes: in the message, or in a file where that is faster. The reader deletes the file. */
export type Parcel = { readonly inline: TypedArray } | { readonly file: string; readonly array: ArrayName };

/** A tensor between the processes. */
export interface WireArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Parcel | readonly string[];
}

/** A tensor that a run reads: with its elements, or, `kept`, one of the run before, whichever session that was of. */
export type Feed = { readonly id: number; readonly array: WireArray } | { readonly id: number; readonly kept: true };

/** What the parent asks of the worker, one at a time. */
export type Request =
  | {
      readonly kind: 'open';
      readonly session: number;
      readonly model: { readonly bytes: Uint8Array } | { readonly path: string };
      /** The folder from which the model gives the places of its weights. */
      readonly root?: string;
      /** See `OpenOptions`. */
      readonly brief: boolean;
      readonly optimization: Optimization;
      readonly threads: number;
    }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly feeds: readonly (readonly [string, Feed])[];
      readonly outputs: readonly string[];
      /** Folder for the files of large outputs. */
      readonly folder: string;
    }
  | { readonly kind: 'release'; readonly session: number };

/** What the worker answers; `missing` when onnxruntime-node itself cannot be loaded. */
export type Reply =
  | { readonly kind: 'opened'; readonly inputs: readonly Port[]; readonly outputs: readonly Port[] }
  | { readonly kind: 'ran'; readonly outputs: readonly (readonly [string, WireArray])[] }
  | { readonly kind: 'released' }
  | { readonly kind: 'refused' | 'missing'; readonly message: string };
