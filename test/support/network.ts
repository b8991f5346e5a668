import type { Model } from '../../src/ir/model.js';
import { modelOf } from './model.js';

/** Name of a value in a {@link Network}. */
export type Wire = string;

/** Options of a convolution. */
export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

/** Writes ONNX text of test networks layer by layer; weights have shapes only. */
export class Network {
  readonly #nodes: string[] = [];
  readonly #parameters: string[] = [];
  readonly #inputs: string[] = [];
  readonly #outputs: Wire[] = [];
  #count = 0;

  /** An input; dims as in ONNX text: `N,16,D`. */
  input(dims: string, dtype = 'float'): Wire {
    const name = this.#name();
    this.#inputs.push(`${dtype}[${dims}] ${name}`);
    return name;
  }

  /** A parameter of unknown content. */
  parameter(...dims: readonly number[]): Wire {
    const name = this.#name();
    this.#parameters.push(`float[${dims.join(',')}] ${name} = ["location": "fill:normal", "seed": "${this.#count}"]`);
    return name;
  }

  /** A float scalar. */
  scalar(value: number): Wire {
    const name = this.#name();
    this.#parameters.push(`float ${name} = {${value}}`);
    return name;
  }

  /** A float vector. */
  scales(...values: readonly number[]): Wire {
    const name = this.#name();
    this.#parameters.push(`float[${values.length}] ${name} = {${values.join(',')}}`);
    return name;
  }

  /** An int64 vector. */
  ints(...values: readonly number[]): Wire {
    const name = this.#name();
    this.#parameters.push(`int64[${values.length}] ${name} = {${values.join(',')}}`);
    return name;
  }

  /** A node with one result: `op('Transpose', [x], 'perm = [0, 2, 1]')`. */
  op(type: string, inputs: readonly Wire[], attributes = ''): Wire {
    return this.ops(type, inputs, 1, attributes)[0] as Wire;
  }

  /** A node with several results. */
  ops(type: string, inputs: readonly Wire[], count: number, attributes = ''): readonly Wire[] {
    const names = Array.from({ length: count }, () => this.#name());
    const attrs = attributes === '' ? '' : ` <${attributes}>`;
    this.#nodes.push(`${names.join(', ')} = ${type}${attrs} (${inputs.join(', ')})`);
    return names;
  }

  add(a: Wire, b: Wire): Wire {
    return this.op('Add', [a, b]);
  }

  mul(a: Wire, b: Wire): Wire {
    return this.op('Mul', [a, b]);
  }

  linear(x: Wire, from: number, to: number): Wire {
    return this.add(this.op('MatMul', [x, this.parameter(from, to)]), this.parameter(to));
  }

  conv(x: Wire, from: number, to: number, { kernel = 3, stride = 1, group = 1, bias = true }: ConvOptions = {}): Wire {
    const pad = Math.floor(kernel / 2);
    const weight = this.parameter(to, from / group, kernel, kernel);
    const inputs = bias ? [x, weight, this.parameter(to)] : [x, weight];
    const attrs = `kernel_shape = [${kernel}, ${kernel}], pads = [${pad}, ${pad}, ${pad}, ${pad}], strides = [${stride}, ${stride}], group = ${group}`;
    return this.op('Conv', inputs, attrs);
  }

  layerNorm(x: Wire, size: number): Wire {
    return this.op('LayerNormalization', [x, this.parameter(size), this.parameter(size)], 'axis = -1');
  }

  batchNorm(x: Wire, size: number): Wire {
    return this.op('BatchNormalization', [x, ...[1, 2, 3, 4].map(() => this.parameter(size))]);
  }

  relu(x: Wire): Wire {
    return this.op('Relu', [x]);
  }

  /** GELU in its exact form, spelled with Erf. */
  gelu(x: Wire): Wire {
    const erf = this.op('Erf', [this.op('Div', [x, this.scalar(Math.SQRT2)])]);
    return this.mul(this.mul(x, this.add(erf, this.scalar(1))), this.scalar(0.5));
  }

  mlp(x: Wire, size: number): Wire {
    return this.linear(this.gelu(this.linear(x, size, 4 * size)), 4 * size, size);
  }

  /** Single-head attention of `x` to `memory`. */
  attention(x: Wire, size: number, memory: Wire = x): Wire {
    const [q, k, v] = [this.linear(x, size, size), this.linear(memory, size, size), this.linear(memory, size, size)];
    const scores = this.op('MatMul', [q, this.op('Transpose', [k], 'perm = [0, 2, 1]')]);
    const weights = this.op('Softmax', [this.mul(scores, this.scalar(0.25))], 'axis = -1');
    return this.linear(this.op('MatMul', [weights, v]), size, size);
  }

  /** Makes a value an output, beside those that {@link build} is given. */
  output(wire: Wire): void {
    this.#outputs.push(wire);
  }

  /** The network that gives `wires`. */
  build(wires: readonly Wire[] = [], opset = 17): Model {
    const outputs = [...this.#outputs, ...wires];
    const out = outputs.map((name) => `float[] ${name}_out`);
    const ends = outputs.map((name) => `${name}_out = Identity (${name})`);
    const head = `<ir_version: 9, opset_import: ["": ${opset}, "com.microsoft": 1]>`;
    return modelOf(
      `${head}\nnet (${this.#inputs.join(', ')}) => (${out.join(', ')})\n<${this.#parameters.join(', ')}>\n{\n${[...this.#nodes, ...ends].join('\n')}\n}`,
    );
  }

  #name(): Wire {
    return `v${this.#count++}`;
  }
}
