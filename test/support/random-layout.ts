import type { Random } from '../../src/numerics/random.js';

/** A value of the graph under construction, with its sizes where N is 2 and M is 3. */
interface Held {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A graph of operators that move elements. */
export interface RandomLayout {
  readonly text: string;
  /** Sizes and symbols of the inputs, all of one shape. */
  readonly shape: readonly (number | 'N' | 'M')[];
  readonly inputs: number;
}

const SIZES = { N: 2, M: 3 };

/** Writes ONNX text of a random graph of Transposes, reshapes, slices, splits, reductions and elementwise operators. */
export function randomLayout(random: Random, steps: number): RandomLayout {
  return new Writer(random).write(steps);
}

class Writer {
  readonly #random: Random;
  readonly #constants: string[] = [];
  readonly #lines: string[] = [];
  readonly #values: Held[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  write(steps: number): RandomLayout {
    const rank = 2 + this.#below(3);
    const shape = Array.from({ length: rank }, () => this.#pick(['N', 'M', 1, 2, 3, 4, 6] as const));
    const inputs = 1 + this.#below(2);
    for (let at = 0; at < inputs; at++) {
      this.#values.push({ name: `X${at}`, shape: shape.map((dim) => (typeof dim === 'number' ? dim : SIZES[dim])) });
    }
    for (let step = 0; step < steps; step++) this.#step();
    const outputs = new Set(this.#values.slice(inputs).slice(-2));
    if (outputs.size === 0) outputs.add(this.#put('Neg (X0)', this.#values[0]!.shape));
    let symbols = 0;
    const type = ({ shape: sizes }: Held): string => `float[${sizes.map(() => `D${symbols++}`).join()}]`;
    const given = Array.from({ length: inputs }, (_, at) => `float[${shape.join()}] X${at}`).join(', ');
    const asked = [...outputs].map((value) => `${type(value)} ${value.name}`).join(', ');
    const constants = this.#constants.length > 0 ? `<${this.#constants.join(', ')}>\n` : '';
    const text = `<ir_version: 9, opset_import: ["": ${this.#pick([13, 15, 17, 18])}]>\ng (${given}) => (${asked})\n${constants}{\n${this.#lines.join('\n')}\n}`;
    return { text, shape, inputs };
  }

  #below(count: number): number {
    return Math.floor(this.#random.uniform() * count);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #ints(items: readonly number[]): string {
    const name = `c${this.#count++}`;
    this.#constants.push(`int64[${items.length}] ${name} = {${items.join()}}`);
    return name;
  }

  #put(call: string, shape: readonly number[]): Held {
    const value = { name: `v${this.#count++}`, shape };
    this.#lines.push(`  ${value.name} = ${call}`);
    this.#values.push(value);
    return value;
  }

  #step(): void {
    const value = this.#pick(this.#values.slice(-3));
    const { name, shape } = value;
    const axis = this.#below(shape.length);
    if (shape.length === 0 || shape.length > 5) return;
    this.#pick<() => void>([
      () => this.#transpose(value),
      () => this.#transpose(value),
      () => this.#reshape(value, axis),
      () => void this.#put(`Unsqueeze (${name}, ${this.#ints([axis])})`, shape.toSpliced(axis, 0, 1)),
      () => {
        if (shape[axis] === 1)
          this.#put(`Squeeze (${name}, ${this.#ints([axis - shape.length])})`, shape.toSpliced(axis, 1));
      },
      () => this.#slice(value, axis),
      () => this.#split(value, axis),
      () => void this.#put(`${this.#pick(['Relu', 'Neg', 'Tanh', 'Identity'])} (${name})`, shape),
      () => void this.#put(`${this.#pick(['Add', 'Mul', 'Max'])} (${name}, ${this.#like(value).name})`, shape),
      () => void this.#put(`Softmax <axis = ${axis}> (${name})`, shape),
      () => void this.#put(`ReduceSum <keepdims = 1> (${name}, ${this.#ints([axis])})`, shape.with(axis, 1)),
      () =>
        void this.#put(
          `Pad (${name}, ${this.#ints(shape.flatMap(() => [0, 0]).with(axis, 1))})`,
          shape.with(axis, shape[axis]! + 1),
        ),
      () => {
        const index = this.#ints([this.#below(shape[axis]!)]);
        this.#put(`Gather <axis = ${axis}> (${name}, ${index})`, shape.with(axis, 1));
      },
    ])();
  }

  #like({ shape }: Held): Held {
    return this.#pick(this.#values.filter((value) => value.shape.join() === shape.join()));
  }

  #transpose({ name, shape }: Held): void {
    const perm = shape.map((_, axis) => axis);
    for (let at = perm.length - 1; at > 0; at--) {
      const other = this.#below(at + 1);
      [perm[at], perm[other]] = [perm[other]!, perm[at]!];
    }
    this.#put(
      `Transpose <perm = [${perm.join()}]> (${name})`,
      perm.map((axis) => shape[axis]!),
    );
  }

  #reshape({ name, shape }: Held, axis: number): void {
    const size = shape[axis]!;
    if (axis + 1 < shape.length && this.#below(2) === 0) {
      const to = shape.toSpliced(axis, 2, size * shape[axis + 1]!);
      this.#put(`Reshape (${name}, ${this.#ints(to.map((dim, at) => (at < axis ? 0 : at === axis ? -1 : dim)))})`, to);
    } else if (size % 2 === 0) {
      const to = shape.toSpliced(axis, 1, 2, size / 2);
      this.#put(
        `Reshape (${name}, ${this.#ints(to.map((dim, at) => (at < axis ? 0 : at === axis + 1 ? -1 : dim)))})`,
        to,
      );
    }
  }

  #slice({ name, shape }: Held, axis: number): void {
    const start = this.#below(shape[axis]!);
    const step = this.#pick([1, 1, 2]);
    const ends = this.#pick([2 ** 31 - 1, shape[axis]!]);
    const lists = [[start], [ends], [axis], [step]].map((list) => this.#ints(list));
    this.#put(`Slice (${name}, ${lists.join(', ')})`, shape.with(axis, Math.ceil((shape[axis]! - start) / step)));
  }

  #split({ name, shape }: Held, axis: number): void {
    const size = shape[axis]!;
    if (size < 2) return;
    const first = 1 + this.#below(size - 1);
    const sizes = this.#ints([first, size - first]);
    const parts = [first, size - first].map((part) => ({ name: `v${this.#count++}`, shape: shape.with(axis, part) }));
    this.#lines.push(`  ${parts[0]!.name}, ${parts[1]!.name} = Split <axis = ${axis}> (${name}, ${sizes})`);
    this.#values.push(...parts);
    const order = this.#pick([parts, parts, parts.toReversed()]);
    if (this.#below(2) === 0)
      this.#put(`Concat <axis = ${axis}> (${order.map((part) => part.name).join(', ')})`, shape);
  }
}
