import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimeMissing } from '../diagnostics/codes/runtime.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { Model } from '../ir/model.js';
import { encodeReferring } from '../onnx/bytes.js';
import { invariant } from '../support/invariant.js';
import { isTyped, type NumericArray } from '../tensor/array.js';
import { type DType, findDType } from '../tensor/dtype.js';
import { freshFile, pack, PARCEL_LIMIT, unpack } from './ort-node-parcel.js';
import { locateOrt } from './ort-locate.js';
import { type Ask, OrtProcess } from './ort-node-process.js';
import type { Feed, Reply, Request, WireArray } from './ort-node-protocol.js';
import { WeightFiles } from './ort-node-weights.js';
import {
  type ModelSource,
  type OpenOptions,
  type Port,
  type Runtime,
  RuntimeRefusal,
  type Session,
} from './runtime.js';

/** How onnxruntime is run. */
export interface OrtOptions {
  /** Longest time for opening a model or running it once, in milliseconds; 120,000 when absent. */
  readonly limitMs?: number;
  /** Folder of an onnxruntime-node package to use instead of the installed one. */
  readonly packagePath?: string;
}

const DEFAULT_LIMIT_MS = 120_000;

/** What can pass between JavaScript and onnxruntime. An int4 output would end its process. */
const PASSING: ReadonlySet<DType> = new Set<DType>([
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
]);

/**
 * onnxruntime (CPU) in a process of its own, so that a long run blocks nothing and a crash or an endless run ends only that process.
 * The process starts with the first session and serves all sessions, one request at a time; after its death the next request of a session opens
 * its model again. Without `close()` it ends with this process, and does not keep it alive.
 * @throws ResonnxError `runtime/missing` when onnxruntime-node is not installed; where it is but cannot be loaded, `open` says so
 */
export function createOrtRuntime(options: OrtOptions = {}): Runtime {
  const { path, version } = locateOrt(options.packagePath);
  const home = new Home(path, options.limitMs ?? DEFAULT_LIMIT_MS);
  const dispose = (): void => home.dispose();
  process.once('exit', dispose);
  let sessions = 0;
  return {
    name: 'onnxruntime',
    version,
    open: (model, openOptions) => OrtSession.open(home, sessions++, model, openOptions),
    async close() {
      process.off('exit', dispose);
      dispose();
    },
  };
}

type OpenRequest = Extract<Request, { kind: 'open' }>;

interface RunOptions {
  readonly session: number;
  readonly feeds: Readonly<Record<string, NumericArray>>;
  readonly outputs: readonly string[];
}

/** What the sessions of one runtime share. */
class Home {
  readonly worker: OrtProcess;
  readonly #path = join(tmpdir(), `resonnx-${randomUUID()}`);
  #made = false;
  #weights: WeightFiles | undefined;
  /** Numbers of the tensors that the worker still has, from its last run. */
  #kept: { readonly epoch: number; readonly numbers: ReadonlyMap<NumericArray, number> } | undefined;
  #count = 0;

  constructor(packagePath: string, limitMs: number) {
    this.worker = new OrtProcess(packagePath, limitMs, this.#path);
  }

  /** Of temporary files. It is made when the worker is there, which removes it where this process comes to a sudden end. */
  get folder(): string {
    if (!this.#made) {
      this.worker.start();
      mkdirSync(this.#path, { mode: 0o700 });
      this.#made = true;
    }
    return this.#path;
  }

  get weights(): WeightFiles {
    return (this.#weights ??= new WeightFiles(this.folder));
  }

  /** Runs a session; what the run before was fed with too is not sent again. */
  async run(ask: Ask, { session, feeds, outputs }: RunOptions): Promise<Reply> {
    const kept = this.#kept?.epoch === this.worker.epoch ? this.#kept.numbers : undefined;
    const numbers = new Map<NumericArray, number>();
    const wired = Object.entries(feeds).map(([name, array]): readonly [string, Feed] => {
      const known = kept?.get(array);
      const id = known ?? numbers.get(array) ?? this.#count++;
      numbers.set(array, id);
      return [name, known === undefined ? { id, array: toWire(array, this.folder) } : { id, kept: true }];
    });
    this.#kept = undefined;
    const reply = await ask({ kind: 'run', session, feeds: wired, outputs, folder: this.folder });
    if (reply.kind === 'ran') this.#kept = { epoch: this.worker.epoch, numbers };
    return reply;
  }

  dispose(): void {
    this.worker.close();
    if (this.#made) rmSync(this.#path, { recursive: true, force: true });
  }
}

class OrtSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #home: Home;
  readonly #request: OpenRequest;
  #epoch: number;
  #released = false;

  private constructor(home: Home, request: OpenRequest, ports: Ports) {
    this.#home = home;
    this.#request = request;
    this.#epoch = home.worker.epoch;
    this.inputs = ports.inputs;
    this.outputs = ports.outputs;
  }

  static async open(home: Home, session: number, model: ModelSource, options: OpenOptions): Promise<OrtSession> {
    if (!(model instanceof Model)) return OrtSession.#open(home, session, { model }, options);
    const { anonymous = false } = options;
    const { bytes, root } = home.weights.encode(model, anonymous);
    try {
      return await OrtSession.#open(home, session, { model: bytes, root }, options);
    } catch (cause) {
      // Earlier versions do not take weights from other folders.
      if (!(cause instanceof RuntimeRefusal) || !/external data/i.test(cause.message)) throw cause;
      return OrtSession.#open(home, session, { model: encodeReferring(model, { anonymous }).toBytes() }, options);
    }
  }

  static async #open(
    home: Home,
    session: number,
    { model, root }: { readonly model: Uint8Array | { readonly path: string }; readonly root?: string },
    { optimization, threads = 1, brief = false }: OpenOptions,
  ): Promise<OrtSession> {
    const source = model instanceof Uint8Array ? await park(model, home.folder) : { path: model.path };
    const head = { kind: 'open', session, optimization, threads, brief } as const;
    const request: OpenRequest = { ...head, model: source, ...(root !== undefined && { root }) };
    try {
      const opening = async (ask: Ask): Promise<OrtSession> =>
        new OrtSession(home, request, openedPorts(await ask(request)));
      return await onceMore(() => home.worker.exclusive(opening));
    } catch (error) {
      discard(request, home.folder);
      throw error;
    }
  }

  async run(
    feeds: Readonly<Record<string, NumericArray>>,
    outputs: readonly string[] = this.outputs.map(({ name }) => name),
  ): Promise<Readonly<Record<string, NumericArray>>> {
    invariant(!this.#released, 'the session was released');
    checkFeeds(this.inputs, feeds);
    checkOutputs(this.outputs, outputs);
    const { session } = this.#request;
    const { worker } = this.#home;
    const running = async (ask: Ask): Promise<Reply> => {
      if (this.#epoch !== worker.epoch) {
        openedPorts(await ask(this.#request));
        this.#epoch = worker.epoch;
      }
      return this.#home.run(ask, { session, feeds, outputs });
    };
    const reply = await onceMore(() => worker.exclusive(running));
    if (reply.kind !== 'ran') throw refusal('run', reply);
    return Object.fromEntries(reply.outputs.map(([name, array]) => [name, fromWire(array)]));
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    const { worker, folder } = this.#home;
    discard(this.#request, folder);
    const { session } = this.#request;
    await worker.exclusive(async (ask) => {
      if (this.#epoch === worker.epoch) await ask({ kind: 'release', session });
    });
  }
}

/** A crash may be of the process rather than of the model: it is given up when a new process crashes as well. */
function onceMore<T>(action: () => Promise<T>): Promise<T> {
  return action().catch((error: unknown) => {
    if (error instanceof RuntimeRefusal && error.kind === 'crash') return action();
    throw error;
  });
}

interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** Large models are handed over as files, which are kept until the session is released. */
async function park(bytes: Uint8Array, folder: string): Promise<OpenRequest['model']> {
  if (bytes.byteLength <= PARCEL_LIMIT) return { bytes };
  const path = freshFile(folder);
  try {
    await writeFile(path, bytes);
  } catch {
    rmSync(path, { force: true });
    return { bytes };
  }
  return { path };
}

function discard({ model }: OpenRequest, folder: string): void {
  if ('path' in model && model.path.startsWith(folder)) rmSync(model.path, { force: true });
}

function openedPorts(reply: Reply): Ports {
  if (reply.kind === 'opened') return reply;
  throw refusal('open', reply);
}

function refusal(kind: 'open' | 'run', reply: Reply): Error {
  if (reply.kind === 'missing') return new ResonnxError([runtimeMissing(reply.message)]);
  invariant(reply.kind === 'refused', `unexpected reply ${reply.kind}`);
  const number = /^Unsupported data type: (\d+)$/.exec(reply.message)?.[1];
  if (number !== undefined) {
    const dtype = findDType(Number(number)) ?? number;
    return new RuntimeRefusal('type', `onnxruntime-node has no ${dtype} inputs and outputs`);
  }
  const isValueKind = reply.message.startsWith('Non tensor type');
  return new RuntimeRefusal(isValueKind ? 'type' : kind, reply.message);
}

function checkFeeds(inputs: readonly Port[], feeds: Readonly<Record<string, NumericArray>>): void {
  const declared = new Map(inputs.map((port) => [port.name, port]));
  for (const [name, { dtype }] of Object.entries(feeds)) {
    const port = declared.get(name);
    if (!port) throw new RuntimeRefusal('feeds', `the model has no input ${name}`);
    checkPassing(name, dtype);
    if (port.dtype !== undefined && port.dtype !== dtype) {
      throw new RuntimeRefusal('feeds', `input ${name} is ${port.dtype}, not ${dtype}`);
    }
  }
  const absent = inputs.find(({ name }) => !Object.hasOwn(feeds, name));
  if (absent) throw new RuntimeRefusal('feeds', `input ${absent.name} has no value`);
}

function checkOutputs(ports: readonly Port[], wanted: readonly string[]): void {
  for (const name of wanted) {
    const port = ports.find((candidate) => candidate.name === name);
    if (!port) throw new RuntimeRefusal('feeds', `the model has no output ${name}`);
    if (port.dtype !== undefined) checkPassing(name, port.dtype);
  }
}

function checkPassing(name: string, dtype: DType): void {
  if (!PASSING.has(dtype))
    throw new RuntimeRefusal('type', `${name}: ${dtype} cannot pass into or out of onnxruntime-node`);
}

function toWire({ dtype, shape, data }: NumericArray, folder: string): WireArray {
  return { dtype, shape, data: isTyped(data) ? pack(data, folder) : data };
}

function fromWire({ dtype, shape, data }: WireArray): NumericArray {
  return { dtype, shape, data: isStrings(data) ? data : unpack(data) };
}

function isStrings(data: WireArray['data']): data is readonly string[] {
  return Array.isArray(data);
}
