// @ts-check
// The process that onnxruntime runs in: started by ort-node-process.ts with the path of onnxruntime-node and the folder of temporary
// files as its arguments.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { pack, unpack } from './ort-node-parcel.js';

/** @typedef {import('./ort-node-protocol.js').Request} Request */
/** @typedef {import('./ort-node-protocol.js').Reply} Reply */
/** @typedef {import('./ort-node-protocol.js').WireArray} WireArray */
/** @typedef {typeof import('onnxruntime-node')} Ort */
/** @typedef {import('onnxruntime-node').InferenceSession} Session */
/** @typedef {import('onnxruntime-node').Tensor} Tensor */

const folder = /** @type {string} */ (process.argv[3]);

/** Tidies up behind the parent, which has gone. */
function end() {
  rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}

process.on('disconnect', end);
// A terminal interrupts the parent and this process alike; this one ends when the parent has gone.
process.on('SIGINT', () => undefined);

// onnxruntime-node takes float16 as Float16Array where that exists and then refuses the bits; without it, it takes Uint16Array.
Reflect.deleteProperty(globalThis, 'Float16Array');

/** @type {Map<number, Session>} */
const sessions = new Map();

/**
 * What the last run was fed with, by number.
 * @type {Map<number, Tensor>}
 */
let kept = new Map();

/** @type {Ort | undefined} */
let ort;
/** @type {string} */
let missing = '';
try {
  ort = createRequire(import.meta.url)(/** @type {string} */ (process.argv[2]));
} catch (error) {
  missing = reason(error);
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {Ort} ort
 * @param {Extract<Request, { kind: 'open' }>} request
 * @returns {Promise<Reply>}
 */
async function open(ort, request) {
  /** @type {import('onnxruntime-node').InferenceSession.SessionOptions} */
  const options = {
    graphOptimizationLevel: request.optimization,
    intraOpNumThreads: request.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
  };
  const { root, brief } = request;
  options.extra = {
    session: {
      ...(root !== undefined && { model_external_initializers_file_folder_path: root }),
      ...(brief && { disable_prepacking: '1' }),
    },
  };
  const session =
    'path' in request.model
      ? await ort.InferenceSession.create(request.model.path, options)
      : await ort.InferenceSession.create(request.model.bytes, options);
  sessions.set(request.session, session);
  return { kind: 'opened', inputs: session.inputMetadata.map(port), outputs: session.outputMetadata.map(port) };
}

/**
 * @param {import('onnxruntime-node').InferenceSession.ValueMetadata} metadata
 * @returns {import('./runtime.js').Port}
 */
function port(metadata) {
  if (!metadata.isTensor) return { name: metadata.name };
  return {
    name: metadata.name,
    dtype: /** @type {import('../tensor/dtype.js').DType} */ (metadata.type),
    shape: metadata.shape.map((dim) => (dim === '' ? null : dim)),
  };
}

/**
 * @param {Ort} ort
 * @param {WireArray} array
 * @returns {Tensor}
 */
function tensorOf(ort, { dtype, shape, data }) {
  const elements = Array.isArray(data) ? data : unpack(/** @type {import('./ort-node-protocol.js').Parcel} */ (data));
  const type = /** @type {import('onnxruntime-node').Tensor.Type} */ (dtype);
  return new ort.Tensor(type, /** @type {Tensor['data']} */ (elements), shape);
}

/**
 * @param {Ort} ort
 * @param {Extract<Request, { kind: 'run' }>} request
 * @returns {Promise<Reply>}
 */
async function run(ort, request) {
  const session = sessions.get(request.session);
  if (!session) return { kind: 'refused', message: `session ${request.session} is not open` };
  /** @type {Record<string, Tensor>} */
  const feeds = {};
  /** @type {typeof kept} */
  const keeping = new Map();
  for (const [name, feed] of request.feeds) {
    const tensor = 'array' in feed ? tensorOf(ort, feed.array) : kept.get(feed.id);
    if (!tensor) return { kind: 'refused', message: `input ${name} was not kept` };
    feeds[name] = tensor;
    keeping.set(feed.id, tensor);
  }
  kept = keeping;
  const results = await session.run(feeds, [...request.outputs]);
  /** @type {[string, WireArray][]} */
  const outputs = [];
  for (const name of request.outputs) {
    const tensor = results[name];
    if (!tensor) return { kind: 'refused', message: `output ${name} has no value` };
    const dtype = /** @type {import('../tensor/dtype.js').DType} */ (tensor.type);
    const data = Array.isArray(tensor.data)
      ? tensor.data
      : pack(/** @type {import('../tensor/array.js').TypedArray} */ (tensor.data), request.folder);
    outputs.push([name, { dtype, shape: tensor.dims, data }]);
  }
  return { kind: 'ran', outputs };
}

/**
 * @param {Request} request
 * @returns {Promise<Reply>}
 */
async function answer(request) {
  if (!ort) return { kind: 'missing', message: missing };
  switch (request.kind) {
    case 'open':
      return await open(ort, request);
    case 'run':
      return await run(ort, request);
    case 'release':
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return { kind: 'released' };
  }
}

/**
 * A failure to send is the end of the parent, which `disconnect` reports.
 * @param {Reply} reply
 */
function send(reply) {
  process.send?.(reply, undefined, undefined, () => undefined);
}

process.on('message', (/** @type {Request} */ request) => {
  answer(request).then(send, (error) => send({ kind: 'refused', message: reason(error) }));
});
new Worker(new URL('./ort-node-watchdog.js', import.meta.url), { workerData: folder }).unref();
if (!process.connected) end();
