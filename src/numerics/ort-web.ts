import { Model } from '../ir/model.js';
import { encodeReferring } from '../onnx/bytes.js';
import { type NumericArray, type TypedArray } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import {
  type ModelSource,
  type OpenOptions,
  type Port,
  type Runtime,
  RuntimeRefusal,
  type Session,
} from './runtime.js';

/** The part of onnxruntime-web (or of another onnxruntime for JavaScript) that is used; give the module itself. */
export interface OrtModule {
  readonly InferenceSession: { create(...parameters: never): Promise<unknown> };
  readonly Tensor: new (...parameters: never) => unknown;
  readonly env: { readonly versions: { readonly common: string } };
}

/** How {@link createOrtWebRuntime} opens models. */
export interface OrtWebOptions {
  /** `['wasm']` when absent. Bounds of verification are those of a CPU: other providers may compute less exactly. */
  readonly executionProviders?: readonly string[];
}

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  getData(): Promise<TypedArray | readonly string[]>;
  dispose(): void;
}

interface ValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

interface OrtSession {
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  run(feeds: Readonly<Record<string, OrtTensor>>, fetches: readonly string[]): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** {@link OrtModule} as it is called. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}

/**
 * onnxruntime-web as a runtime, in this thread: a long run blocks it, and no run is stopped. `close` leaves the module as it is.
 * Models are opened from bytes only.
 */
export function createOrtWebRuntime(ort: OrtModule, { executionProviders = ['wasm'] }: OrtWebOptions = {}): Runtime {
  const { InferenceSession, Tensor } = ort as unknown as Ort;
  let tail: Promise<unknown> = Promise.resolve();
  /** One call at a time: the module refuses a second session or run while one is under way. */
  const exclusive = <T>(task: () => Promise<T>): Promise<T> => {
    const result = tail.then(task);
    tail = result.catch(() => undefined);
    return result;
  };
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.common,
    open: (model, options) =>
      exclusive(async () => {
        const session = await refusing('open', () =>
          InferenceSession.create(bytesOf(model, options.anonymous), sessionOptions(options, executionProviders)),
        );
        return new WebSession(session, Tensor, exclusive);
      }),
    close: async () => undefined,
  };
}

function sessionOptions({ optimization }: OpenOptions, executionProviders: readonly string[]): object {
  return { graphOptimizationLevel: optimization, executionProviders: [...executionProviders], logSeverityLevel: 4 };
}

function bytesOf(model: ModelSource, anonymous = false): Uint8Array {
  if (model instanceof Uint8Array) return model;
  if (model instanceof Model) return encodeReferring(model, { anonymous }).toBytes();
  throw new RuntimeRefusal('open', 'onnxruntime-web opens models from memory, which holds at most 2 GiB of one');
}

/** What onnxruntime throws is a fact about the model. */
async function refusing<T>(kind: 'open' | 'run', action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof RuntimeRefusal) throw cause;
    throw new RuntimeRefusal(kind, cause instanceof Error ? cause.message : String(cause));
  }
}

class WebSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #session: OrtSession;
  readonly #Tensor: Ort['Tensor'];
  readonly #exclusive: <T>(task: () => Promise<T>) => Promise<T>;
  #released = false;

  constructor(session: OrtSession, tensor: Ort['Tensor'], exclusive: <T>(task: () => Promise<T>) => Promise<T>) {
    this.#session = session;
    this.#Tensor = tensor;
    this.#exclusive = exclusive;
    this.inputs = session.inputMetadata.map(portOf);
    this.outputs = session.outputMetadata.map(portOf);
  }

  async run(
    feeds: Readonly<Record<string, NumericArray>>,
    outputs: readonly string[] = this.outputs.map(({ name }) => name),
  ): Promise<Readonly<Record<string, NumericArray>>> {
    this.#check(feeds);
    return this.#exclusive(() =>
      refusing('run', async () => {
        const given = Object.entries(feeds).map(([name, array]) => [name, this.#tensor(array)] as const);
        const results = await this.#session.run(Object.fromEntries(given), [...outputs]);
        const arrays: [string, NumericArray][] = [];
        for (const name of outputs) arrays.push([name, await arrayOf(name, results[name])]);
        return Object.fromEntries(arrays);
      }),
    );
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#exclusive(() => this.#session.release());
  }

  #check(feeds: Readonly<Record<string, NumericArray>>): void {
    for (const { name, dtype } of this.inputs) {
      const given = feeds[name];
      if (!given) throw new RuntimeRefusal('feeds', `input ${name} has no value`);
      if (dtype !== undefined && given.dtype !== dtype) {
        throw new RuntimeRefusal('feeds', `input ${name} is ${dtype}, not ${given.dtype}`);
      }
    }
  }

  #tensor({ dtype, shape, data }: NumericArray): OrtTensor {
    if (dtype === 'string') return new this.#Tensor('string', [...(data as readonly string[])], shape);
    const bits = dtype === 'float16' ? halfView(data as Uint16Array) : data;
    return new this.#Tensor(dtype, bits, shape);
  }
}

function portOf({ name, isTensor, type, shape = [] }: ValueMetadata): Port {
  if (!isTensor) return { name };
  return { name, dtype: type as DType, shape: shape.map((dim) => (dim === '' ? null : dim)) };
}

/** The same bits as the element type that the module takes where the engine knows it. */
function halfView(bits: Uint16Array): unknown {
  const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBufferLike, ...at: number[]) => unknown };
  return Float16Array ? new Float16Array(bits.buffer, bits.byteOffset, bits.length) : bits;
}

async function arrayOf(name: string, tensor: OrtTensor | undefined): Promise<NumericArray> {
  if (!tensor) throw new RuntimeRefusal('run', `output ${name} has no value`);
  const data = await tensor.getData();
  const { type, dims } = tensor;
  tensor.dispose();
  const isHalf = type === 'float16' && ArrayBuffer.isView(data);
  const plain = isHalf ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return { dtype: type as DType, shape: [...dims], data: plain };
}
