import type { Random } from '../../src/numerics/random.js';
import { MOTIFS } from './motifs.js';
import { GraphBuilder } from './graph-builder.js';
import { type Built, graphText } from './graph-text.js';

/**
 * ONNX text of a model of one graph, made up of operators that meet in real networks, and the shape that its inputs have. The first two
 * dims are symbols in half of them; other sizes may not fit then.
 */
export function randomGraph(
  random: Random,
  size: number,
): { readonly text: string; readonly shape: readonly number[] } {
  const parts = new RandomBuilder(random, size).parts();
  return { text: graphText(parts), shape: parts.inputs[0]!.shape };
}

const UNARY = ['Relu', 'Neg', 'Abs', 'Sigmoid', 'Tanh', 'Identity', 'Erf', 'Softplus', 'HardSigmoid', 'Dropout'];
const MAX_ELEMENTS = 200;

class RandomBuilder extends GraphBuilder {
  constructor(random: Random, size: number) {
    super(random);
    for (let i = 0; i < size; i++) this.#step();
  }

  #step(): void {
    const steps = [
      () => this.#unary(),
      () => this.#withConstant(),
      () => this.#withConstant(),
      () => this.#binary(),
      () => this.#layer(),
      () => this.#layer(),
      () => this.#normalize(),
      () => this.#transpose(),
      () => this.#reshape(),
      () => this.#reduce(),
      () => this.#partsOf(),
      () => this.#concat(),
      () => this.#dynamicReshape(),
      () => this.#motif(),
      () => this.#motif(),
    ];
    this.pick(steps)();
  }

  #motif(): void {
    const { name, shape } = this.value()!;
    const names = new Map([['$x', name]]);
    for (const line of this.pick(MOTIFS)) {
      const text = line
        .replaceAll(/\{(-?[0-9.]+|true)\}/g, (_, number: string) => this.scalar(number))
        .replaceAll(/\$[x0-9]/g, (key) => {
          if (!names.has(key)) names.set(key, `v${this.count++}`);
          return names.get(key)!;
        });
      this.lines.push(text);
    }
    this.values.push({ name: [...names.values()].at(-1)!, shape });
  }

  #unary(): void {
    const { name, shape } = this.value()!;
    this.add(this.pick(UNARY), [name], shape);
  }

  #withConstant(): void {
    const { name, shape } = this.value()!;
    const kinds: readonly (readonly number[])[] = [
      [],
      [1],
      shape.slice(-1),
      shape.map((dim, axis) => (axis === 1 ? dim : 1)),
      shape.slice(1).map((dim, axis) => (axis === 0 ? dim : 1)),
      shape,
    ];
    const operand = this.pick(kinds);
    const count = operand.reduce((a, b) => a * b, 1);
    const plain = this.chance(0.2) ? Array<number>(count).fill(this.pick([0, 1, -1, 2])) : undefined;
    const op = this.pick(['Add', 'Mul', 'Sub', 'Add', 'Mul', 'Max', 'Min']);
    const c = this.constant('float', operand, plain);
    this.add(op, this.chance(0.3) ? [c, name] : [name, c], shape);
  }

  #binary(): void {
    const a = this.value()!;
    const b = this.value(({ shape }) => shape.join() === a.shape.join()) ?? a;
    this.add(this.pick(['Add', 'Mul', 'Sub', 'Max', 'Min']), [a.name, b.name], a.shape);
  }

  #layer(): void {
    const value = this.value(({ shape }) => shape.length >= 2)!;
    if (!value) return this.#unary();
    const { name, shape } = value;
    if (shape.length >= 3 && this.chance(0.6)) return this.#conv(value);
    const [inputs, outputs] = [shape.at(-1)!, this.pick([2, 3, 4])];
    const result = [...shape.slice(0, -1), outputs];
    if (shape.length === 2 && this.chance(0.5)) {
      const turned = this.chance(0.5);
      const weight = this.constant('float', turned ? [outputs, inputs] : [inputs, outputs]);
      const bias = this.chance(0.7) ? [this.constant('float', [outputs])] : [];
      const attributes = `alpha = ${this.pick(['1.0', '0.5'])}, beta = ${this.pick(['1.0', '2.0'])}, transB = ${turned ? 1 : 0}`;
      this.add('Gemm', [name, weight, ...bias], result, attributes);
    } else this.add('MatMul', [name, this.constant('float', [inputs, outputs])], result);
  }

  #conv({ name, shape }: Built): void {
    const channels = shape[1]!;
    const group = channels % 2 === 0 && this.chance(0.4) ? 2 : 1;
    const rank = shape.length - 2;
    const transposed = this.chance(0.3);
    const outputs = group * this.pick([1, 2]);
    const kernel = Array<number>(rank).fill(this.pick([1, 2]));
    const weight = transposed ? [channels, outputs / group, ...kernel] : [outputs, channels / group, ...kernel];
    const pads = transposed ? 0 : this.pick([0, 1]);
    const sizes = shape.slice(2).map((dim) => (transposed ? dim + kernel[0]! - 1 : dim + 2 * pads - kernel[0]! + 1));
    if (sizes.some((dim) => dim < 1)) return;
    const bias = this.chance(0.5) ? [this.constant('float', [outputs])] : [];
    const attributes = `group = ${group}, pads = [${Array<number>(2 * rank)
      .fill(pads)
      .join(', ')}]`;
    const result = [shape[0]!, outputs, ...sizes];
    if (result.reduce((a, b) => a * b, 1) > MAX_ELEMENTS) return;
    this.add(
      transposed ? 'ConvTranspose' : 'Conv',
      [name, this.constant('float', weight), ...bias],
      result,
      attributes,
    );
  }

  #normalize(): void {
    const { name, shape } = this.value()!;
    if (shape.length >= 2 && this.chance(0.5)) {
      const channels = [shape[1]!];
      const positive = channels.flatMap((count) => Array.from({ length: count }, () => 0.5 + this.random.uniform()));
      const parameters = [1, 2, 3].map(() => this.constant('float', channels));
      this.add('BatchNormalization', [name, ...parameters, this.constant('float', channels, positive)], shape);
      return;
    }
    this.#layerNorm(name, shape);
  }

  #layerNorm(name: string, shape: readonly number[]): void {
    const kept = [...shape.slice(0, -1), 1];
    const mean = this.#reduceLast('ReduceMean', name, kept);
    const centered = this.add('Sub', [name, mean.name], shape);
    const squared = this.add('Mul', [centered.name, centered.name], shape);
    const variance = this.#reduceLast('ReduceMean', squared.name, kept);
    const shifted = this.add('Add', [variance.name, this.constant('float', [], [0.01])], kept);
    const deviation = this.add('Sqrt', [shifted.name], kept);
    const normalized = this.add('Div', [centered.name, deviation.name], shape);
    if (this.chance(0.3)) return;
    const scaled = this.add('Mul', [normalized.name, this.constant('float', shape.slice(-1))], shape);
    if (this.chance(0.7)) this.add('Add', [scaled.name, this.constant('float', shape.slice(-1))], shape);
  }

  #reduceLast(op: string, name: string, kept: readonly number[]): Built {
    if (this.opset < 18) return this.add(op, [name], kept, 'axes = [-1]');
    return this.add(op, [name, this.constant('int64', [1], [-1])], kept);
  }

  #transpose(): void {
    const { name, shape } = this.value()!;
    const perm = shape.map((_, axis) => axis);
    for (let i = perm.length - 1; i > 0; i--) {
      const j = this.random.integer(0, i);
      [perm[i], perm[j]] = [perm[j]!, perm[i]!];
    }
    this.add(
      'Transpose',
      [name],
      perm.map((axis) => shape[axis]!),
      `perm = [${perm.join(', ')}]`,
    );
  }

  #reshape(): void {
    const { name, shape } = this.value()!;
    const count = shape.reduce((a, b) => a * b, 1);
    const targets = [[count], [shape[0]!, count / shape[0]!], [1, ...shape], [count / shape.at(-1)!, shape.at(-1)!]];
    const target = this.pick(targets);
    if (target.length > 4) return;
    const given = target.map((dim) => dim);
    if (this.chance(0.5)) given[this.random.integer(0, given.length - 1)] = -1;
    this.add('Reshape', [name, this.constant('int64', [given.length], given)], target);
  }

  #reduce(): void {
    const { name, shape } = this.value()!;
    if (shape.length < 2) return;
    const op = this.pick(['ReduceMean', 'ReduceMax', 'ReduceSum']);
    const axis = this.random.integer(0, shape.length - 1);
    const keeps = this.chance(0.6);
    const result = keeps ? shape.map((dim, at) => (at === axis ? 1 : dim)) : shape.filter((_, at) => at !== axis);
    const asInput = this.opset >= 18 || (this.opset >= 13 && op === 'ReduceSum');
    const attributes = `keepdims = ${keeps ? 1 : 0}${asInput ? '' : `, axes = [${axis}]`}`;
    this.add(op, [name, ...(asInput ? [this.constant('int64', [1], [axis])] : [])], result, attributes);
  }

  #partsOf(): void {
    const { name, shape } = this.value()!;
    const axis = this.random.integer(0, shape.length - 1);
    const dim = shape[axis]!;
    const list = (numbers: readonly number[]): string => this.constant('int64', [numbers.length], numbers);
    if (this.chance(0.5)) {
      const start = this.random.integer(0, dim - 1);
      const result = shape.map((size, at) => (at === axis ? size - start : size));
      this.add('Slice', [name, list([start]), list([this.pick([dim, 2 ** 40])]), list([axis])], result);
      return;
    }
    const picked = Array.from({ length: this.random.integer(1, dim) }, () => this.random.integer(-dim, dim - 1));
    this.add(
      'Gather',
      [name, list(picked)],
      shape.map((size, at) => (at === axis ? picked.length : size)),
      `axis = ${axis}`,
    );
  }

  #concat(): void {
    const a = this.value()!;
    const b = this.value(({ shape }) => shape.join() === a.shape.join()) ?? a;
    const axis = this.random.integer(0, a.shape.length - 1);
    const result = a.shape.map((dim, at) => (at === axis ? 2 * dim : dim));
    if (result.reduce((x, y) => x * y, 1) > MAX_ELEMENTS) return;
    this.add('Concat', [a.name, b.name], result, `axis = ${axis}`);
  }

  /** Shape, Gather, Concat and Reshape, as exporters write `x.view(x.size(0), -1)`. */
  #dynamicReshape(): void {
    const { name, shape } = this.value()!;
    const [shapeOf, first, whole, target] = ['s', 'f', 'w', 't'].map((letter) => `${letter}${this.count++}`);
    const zero = this.constant('int64', [], [0]);
    const axes = this.constant('int64', [1], [0]);
    this.lines.push(`${shapeOf} = Shape (${name})`, `${first} = Gather (${shapeOf}, ${zero})`);
    const unsqueeze = this.opset < 13 ? `Unsqueeze <axes = [0]> (${first})` : `Unsqueeze (${first}, ${axes})`;
    const rest = this.constant('int64', [1], [-1]);
    this.lines.push(`${whole} = ${unsqueeze}`, `${target} = Concat <axis = 0> (${whole}, ${rest})`);
    const count = shape.reduce((a, b) => a * b, 1);
    this.add('Reshape', [name, target!], [shape[0]!, count / shape[0]!]);
  }
}
