import type { Random } from '../../src/numerics/random.js';
import type { Built, Constant, GraphParts } from './graph-text.js';

const OPSETS = [11, 13, 17, 18, 20];
const SHAPES = [
  [2, 3, 4],
  [2, 4],
  [1, 3, 4, 4],
  [2, 4, 5],
];

/** A graph under construction: makes values, constants and random choices. */
export class GraphBuilder {
  protected readonly random: Random;
  protected readonly opset: number;
  protected readonly lines: string[] = [];
  protected readonly constants: Constant[] = [];
  protected readonly values: Built[] = [];
  protected readonly inputs: Built[];
  protected count = 0;

  constructor(random: Random) {
    this.random = random;
    this.opset = this.pick(OPSETS);
    const shape = this.pick(SHAPES);
    this.inputs = [{ name: 'X', shape }, ...(this.chance(0.4) ? [{ name: 'Z', shape }] : [])];
    this.values.push(...this.inputs);
  }

  /** One of them. */
  protected pick<T>(list: readonly T[]): T {
    return list[this.random.integer(0, list.length - 1)]!;
  }

  /** Yes, with this probability. */
  protected chance(share: number): boolean {
    return this.random.uniform() < share;
  }

  /** The last value that fits, most of the time. */
  protected value(fits: (value: Built) => boolean = () => true): Built | undefined {
    const list = this.values.filter(fits);
    if (list.length === 0) return undefined;
    return this.chance(0.8) ? list.at(-1) : this.pick(list);
  }

  /** A node with one output. */
  protected add(op: string, inputs: readonly string[], shape: readonly number[], attributes = ''): Built {
    const value = { name: `v${this.count++}`, shape };
    this.lines.push(`${value.name} = ${op} ${attributes && `<${attributes}> `}(${inputs.join(', ')})`);
    this.values.push(value);
    return value;
  }

  /** The name of a constant; its numbers are random when none are given. */
  protected constant(type: 'float' | 'int64', shape: readonly number[], numbers?: readonly number[]): string {
    const name = `c${this.count++}`;
    const count = shape.reduce((a, b) => a * b, 1);
    const rounded = (): number => Math.round(this.random.normal() * 100) / 100 || 0.5;
    const list = numbers ?? Array.from({ length: count }, rounded);
    this.constants.push([`${type}${shape.length > 0 ? `[${shape.join(', ')}]` : ''}`, name, `{${list.join(', ')}}`]);
    return name;
  }

  /** The name of a constant number, or of true. */
  protected scalar(number: string): string {
    const name = `c${this.count++}`;
    this.constants.push(number === 'true' ? ['bool', name, '{1}'] : ['float', name, `{${number}}`]);
    return name;
  }

  /** What was built; the last value is an output, others may be. */
  parts(): GraphParts {
    const outputs = [this.values.at(-1)!];
    if (this.chance(0.5)) outputs.push(this.pick(this.values));
    const made = [...new Set(outputs)].filter((value) => !this.inputs.includes(value));
    const results = made.length > 0 ? made : [this.add('Identity', [this.values[0]!.name], this.values[0]!.shape)];
    const symbols = this.chance(0.5) ? ['N', 'S'] : [];
    const form = this.pick(['plain', 'plain', 'plain', 'plain', 'body', 'function'] as const);
    return {
      opset: this.opset,
      inputs: this.inputs,
      results,
      constants: this.constants,
      lines: this.lines,
      symbols,
      form,
    };
  }
}
