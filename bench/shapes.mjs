// Compares inferred types with what onnxruntime gives, value by value. Each folder holds cases: a folder with model.onnx and
// test_data_set_0/input_*.pb, output_*.pb. Compile first (npx tsc -p .): node bench/shapes.mjs FOLDER... [--constant] [--list] [--unrun] [--case NAME]
// With --constant, inputs of at most 64 elements and rank at most 1 are constants for inference: what depends on their values is known then.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { evaluate, format, symbols } from '../dist/src/dim/dim.js';
import { importModel } from '../dist/src/onnx/import.js';
import { importTensor } from '../dist/src/onnx/tensor.js';
import { create } from '../dist/src/proto/create.js';
import { decodeMessage } from '../dist/src/proto/decode.js';
import { decodeModel, encodeModel } from '../dist/src/proto/model.js';
import { inferTypes } from '../dist/src/shape/types.js';

const ORT_NAMES = { float: 'float32', double: 'float64' };
ort.env.logLevel = 'fatal';

/** A tensor of the runtime, of bytes in the layout of `raw_data`. */
function toOrt({ dtype, shape }, tensor) {
  if (dtype === 'string') return new ort.Tensor('string', tensor.array().data, shape);
  const { data } = tensor.array();
  if (dtype === 'bool') return new ort.Tensor('bool', Uint8Array.from(data), shape);
  return new ort.Tensor(dtype === 'float16' ? 'float16' : dtype, data, shape);
}

function readTensor(file) {
  const proto = decodeMessage('TensorProto', readFileSync(file));
  return { name: proto.name, tensor: importTensor(proto, { path: file }, undefined) };
}

/** Bytes of the length-delimited fields `number` of a message. */
function fields(bytes, number) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = tag % 8 === 2 ? varint() : undefined;
    if (length === undefined) varint();
    else if (Math.floor(tag / 8) === number) found.push(bytes.subarray(at, at + length));
    at += length ?? 0;
  }
  return found;
}

/** Types of the elements of a stored value: of a tensor itself, of a sequence (field 3 of SequenceProto), of an optional (3 and 5). */
function storedElements(type, bytes) {
  if (type?.sequenceType) return fields(bytes, 3).flatMap((part) => storedElements(type.sequenceType.elemType, part));
  if (type?.optionalType) {
    const inner = type.optionalType.elemType;
    return fields(bytes, inner?.sequenceType ? 5 : 3).flatMap((part) => storedElements(inner, part));
  }
  const { dtype, shape } = importTensor(decodeMessage('TensorProto', bytes), { path: 'output' }, undefined);
  return [{ dtype, shape }];
}

/** What the stored outputs say of the graph outputs. */
function storedOutputs(proto, data) {
  const found = new Map();
  for (const [i, { name, type }] of proto.graph.output.entries()) {
    const file = join(data, `output_${i}.pb`);
    if (!existsSync(file)) continue;
    const elements = storedElements(type, new Uint8Array(readFileSync(file)));
    found.set(name, type?.tensorType || !type ? elements[0] : { elements });
  }
  return found;
}

/** Dtypes and shapes of all values that the runtime gives. */
async function runAll(proto, data) {
  const listed = new Set(proto.graph.output.map(({ name }) => name));
  const extra = proto.graph.node.flatMap((node) => node.output).filter((name) => name !== '' && !listed.has(name));
  const output = [...proto.graph.output, ...extra.map((name) => create('ValueInfoProto', { name }))];
  const bytes = encodeModel({ ...proto, graph: { ...proto.graph, output } }).toBytes();
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
  const feeds = {};
  for (const [i, { name }] of proto.graph.input.entries()) {
    const file = join(data, `input_${i}.pb`);
    if (!existsSync(file)) continue;
    const { tensor } = readTensor(file);
    feeds[name] = toOrt(tensor, tensor);
  }
  const results = await session.run(feeds);
  const found = new Map();
  for (const [name, value] of Object.entries(results)) {
    if (value?.dims) found.set(name, { dtype: ORT_NAMES[value.type] ?? value.type, shape: value.dims });
  }
  await session.release();
  return found;
}

function showActual({ dtype, shape, elements }) {
  if (elements) return `{ ${elements.map(showActual).join(', ')} }`;
  return `${dtype}[${shape.join(', ')}]`;
}

function showInferred(type) {
  if (!type) return 'unknown';
  if (type.kind !== 'tensor') return type.element ? `${type.kind} of ${showInferred(type.element)}` : type.kind;
  const dims = type.shape?.map((dim) => (dim === null ? '?' : format(dim))).join(', ');
  return `${type.dtype ?? '?'}${dims === undefined ? '?' : `[${dims}]`}`;
}

/** `known`, `partial` or `wrong`; a symbol takes the first size that it meets. */
function judge(type, actual, bindings) {
  if (!type) return 'partial';
  if (actual.elements) {
    let inner = type;
    while (inner?.kind === 'sequence' || inner?.kind === 'optional') inner = inner.element;
    if (inner === type) return 'wrong';
    const verdicts = actual.elements.map((each) => judge(inner, each, bindings));
    return verdicts.includes('wrong') ? 'wrong' : verdicts.includes('partial') ? 'partial' : 'known';
  }
  if (type.kind !== 'tensor') return 'wrong';
  if (type.dtype !== undefined && type.dtype !== actual.dtype) return 'wrong';
  if (type.shape === undefined) return 'partial';
  if (type.shape.length !== actual.shape.length) return 'wrong';
  let known = type.dtype !== undefined;
  for (const [axis, dim] of type.shape.entries()) {
    const size = actual.shape[axis];
    const names = dim === null || typeof dim === 'number' ? [] : [...symbols(dim)];
    if (names.length === 1 && format(dim) === names[0] && !bindings.has(names[0])) bindings.set(names[0], size);
    if (dim === null || names.length > 0) known = false;
    const value = evaluate(dim, bindings);
    if (value !== null && value !== size) return 'wrong';
  }
  return known ? 'known' : 'partial';
}

function valuesByName(model) {
  const found = new Map();
  for (const node of model.graph.nodes.values()) for (const value of node.outputs) found.set(value.hint, value);
  for (const { name, value } of model.graph.outputs) found.set(name, value);
  return found;
}

/** Small inputs as initializers. */
function smallInputs(proto, data) {
  const found = [];
  for (const [i, { name, type }] of proto.graph.input.entries()) {
    const file = join(data, `input_${i}.pb`);
    if (!type?.tensorType || !existsSync(file)) continue;
    const tensor = decodeMessage('TensorProto', readFileSync(file));
    const size = tensor.dims.reduce((product, dim) => product * dim, 1n);
    if (tensor.dims.length <= 1 && size <= 64n) found.push({ ...tensor, name });
  }
  return found;
}

/** The model without declared types but those of its inputs, of which some are constants. */
function undeclared({ graph, ...model }, constants) {
  const names = new Set(constants.map(({ name }) => name));
  const input = graph.input.filter(({ name }) => !names.has(name));
  const output = graph.output.map(({ name }) => create('ValueInfoProto', { name }));
  return {
    ...model,
    graph: { ...graph, input, output, valueInfo: [], initializer: [...graph.initializer, ...constants] },
  };
}

async function check(folder, name, totals) {
  const proto = decodeModel(new Uint8Array(readFileSync(join(folder, name, 'model.onnx'))));
  const data = join(folder, name, 'test_data_set_0');
  const types = inferTypes(importModel(undeclared(proto, totals.constant ? smallInputs(proto, data) : [])));
  const values = valuesByName(types.model);
  let actual = storedOutputs(proto, data);
  try {
    actual = new Map([...actual, ...(await runAll(proto, data))]);
    totals.run++;
  } catch (error) {
    totals.unrun.push(`${name}: ${String(error.message).split('\n')[0].slice(0, 140)}`);
  }
  const bindings = new Map();
  for (const [value, truth] of actual) {
    const type = types.of(values.get(value));
    const verdict = judge(type, truth, bindings);
    totals[verdict]++;
    if (verdict !== 'known')
      totals.list.push(
        `${verdict} ${name} ${value} ${values.get(value).producer?.op}: ${showInferred(type)}, real ${showActual(truth)}`,
      );
  }
  for (const { severity, code, message } of types.diagnostics) {
    if (severity === 'error') totals.list.push(`reported ${name}: ${code} ${message}`);
  }
}

const args = process.argv.slice(2);
const only = args.includes('--case') ? args[args.indexOf('--case') + 1] : undefined;
for (const folder of args.filter((arg, i) => !arg.startsWith('--') && args[i - 1] !== '--case')) {
  const totals = {
    run: 0,
    known: 0,
    partial: 0,
    wrong: 0,
    failed: 0,
    constant: args.includes('--constant'),
    unrun: [],
    list: [],
  };
  const cases = readdirSync(folder).filter(
    (name) => existsSync(join(folder, name, 'model.onnx')) && (!only || name === only),
  );
  for (const name of cases) {
    try {
      await check(folder, name, totals);
    } catch (error) {
      totals.failed++;
      totals.list.push(`failed ${name}: ${error.stack}`);
    }
  }
  if (args.includes('--list')) for (const line of totals.list) console.log(line);
  if (args.includes('--unrun')) for (const line of totals.unrun) console.log(`unrun ${line}`);
  const { run, known, partial, wrong, failed } = totals;
  console.log(
    `${folder}: ${cases.length} cases, ${run} run; values: ${known} known, ${partial} partial, ${wrong} wrong; ${failed} failed`,
  );
}
