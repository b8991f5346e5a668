/** What `import model from './model.onnx'` gives: types, and the code that runs in the user's application. Runs anywhere. */

/** Element types that onnxruntime passes between JavaScript and a model, with what holds their elements. */
export interface TensorData {
  readonly float32: Float32Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly uint16: Uint16Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly string: string[];
  readonly bool: Uint8Array;
  /** The bits of each element. */
  readonly float16: Uint16Array;
  readonly float64: Float64Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
  readonly uint4: Uint8Array;
  readonly int4: Int8Array;
}

/** A tensor of onnxruntime by element type; of one that onnxruntime cannot pass there is none. */
export interface Tensor<T extends string = keyof TensorData> {
  readonly type: T;
  readonly data: T extends keyof TensorData ? TensorData[T] : never;
  readonly dims: readonly number[];
}

/** An input or output. */
export interface PortInfo {
  readonly name: string;
  readonly dtype: string | null;
  readonly shape: readonly (number | string | null)[] | null;
  readonly optional: boolean;
  readonly kind: 'tensor' | 'sequence' | 'map' | 'other';
}

/** A file of weights beside the model: `path` is what the model calls it. */
export interface ExternalFile {
  readonly path: string;
  readonly url: string;
}

/** What optimizing did to the model. */
export interface ModelReport {
  readonly target: string;
  readonly nodes: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  /** As in the report of `resonnx optimize --json`; `unchanged` when nothing was to be done. */
  readonly verification: string;
}

/** The part of onnxruntime-web, onnxruntime-node or onnxruntime-common that is used. */
export interface Ort {
  readonly InferenceSession: { create(...parameters: never): Promise<OrtSession> };
}

interface OrtSession {
  run(...parameters: never): Promise<unknown>;
  release(): Promise<void>;
}

type SessionOf<O extends Ort> = Awaited<ReturnType<O['InferenceSession']['create']>>;
type SessionOptions<O extends Ort> = Parameters<O['InferenceSession']['create']>[1];
type TensorOf<O> = O extends { readonly Tensor: new (...parameters: never) => infer T } ? T : unknown;

/** A session with typed inputs and outputs. */
export interface ModelSession<F, R, O extends Ort> {
  /** The session of onnxruntime. */
  readonly session: SessionOf<O>;
  run(feeds: F, options?: object): Promise<{ readonly [K in keyof R]: R[K] & TensorOf<O> }>;
  release(): Promise<void>;
}

/** A model in the application's assets. */
export interface ModelHandle<F = Readonly<Record<string, Tensor | undefined>>, R = Readonly<Record<string, Tensor>>> {
  readonly url: string;
  readonly externalData: readonly ExternalFile[];
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly report: ModelReport;
  /** Opens the model, with its external data, in the onnxruntime that is given. */
  create<O extends Ort>(ort: O, options?: SessionOptions<O>): Promise<ModelSession<F, R, O>>;
}

/** What the build knows of a model. */
export type ModelInfo = Omit<ModelHandle, 'create'>;

/** What is called of onnxruntime, without its overloads. */
interface Runtime {
  readonly InferenceSession: {
    create(
      url: string,
      options: object,
    ): Promise<{
      run(feeds: object, options: object): Promise<never>;
      release(): Promise<void>;
    }>;
  };
}

/** Makes the handle of a model; the build plugin writes the call. */
export function createHandle(info: ModelInfo): ModelHandle {
  return {
    ...info,
    async create(ort, options) {
      const given = (options ?? {}) as { readonly externalData?: unknown };
      const externalData = info.externalData.map(({ path, url }) => ({ path, data: url }));
      const all = externalData.length > 0 && given.externalData === undefined ? { ...given, externalData } : given;
      const session = await (ort as unknown as Runtime).InferenceSession.create(placeOf(info.url), all);
      return {
        session: session as never,
        run: (feeds, runOptions = {}) => session.run(feeds, runOptions),
        release: () => session.release(),
      };
    },
  };
}

/** Outside browsers onnxruntime opens paths, not file URLs. */
function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  return decodeURIComponent(new URL(url).pathname).replace(/^\/(?=[A-Za-z]:)/, '');
}
