import { clampTo, type Float, type Int, OPS, STEPS } from './random-shape-parts.js';

/** A model in ONNX text that moves data and computes with sizes. */
export interface RandomModel {
  readonly text: string;
  /** The same nodes in both branches of an If on input `c`, in a function, and in a Loop of `rounds` rounds that stacks what they give. */
  readonly inBranch: string;
  readonly inFunction: string;
  readonly inLoop: string;
  /** Every value that a node makes. */
  readonly names: readonly string[];
}

const SIZES = { n: 3, m: 4 };

/** Builds a model of `steps` nodes; every choice is `choose(count)`, below `count`. Valid for n = 3 and m = 4; perhaps not for other sizes. */
export class ModelWriter {
  readonly #choose: (count: number) => number;
  readonly #lines: string[] = [];
  readonly #floats: Float[] = [{ name: 'x', shape: [SIZES.n, SIZES.m, 2] }];
  readonly #ints: Int[] = [];
  readonly #declared: string[] = [];
  #next = 0;

  constructor(choose: (count: number) => number) {
    this.#choose = choose;
  }

  write(steps: number): RandomModel {
    for (let i = 0; i < steps; i++) this.#step();
    const outputs = this.#declared.join(', ');
    const names = this.#declared.map((each) => each.split(' ')[1]!);
    const body = `{\n${this.#lines.join('\n')}\n}`;
    const head = `<ir_version: 9, opset_import: ["": 18, "f": 1]> m (float[n,m,2] x`;
    const list = names.map((name) => `o${name}`).join(', ');
    const outer = this.#declared.map((each) => each.replace(' ', ' o')).join(', ');
    const branch = (name: string): string => `${name}_branch = ${name} () => (${outputs}) ${body}`;
    return {
      names,
      text: `${head}) => (${outputs}) ${body}`,
      inBranch: `${head}, bool c) => (${outer}) { ${list} = If (c) <${branch('then')}, ${branch('else')}> }`,
      inFunction: `${head}) => (${outer}) { ${list} = f.body (x) } <domain: "f", opset_import: ["": 18]> body (x) => (${names.join(', ')}) ${body}`,
      inLoop: `${head}, int64 rounds) => (${outer}) { ${list} = Loop (rounds, "") <body = b (int64 i, bool go) => (bool on, ${outputs}) {
        on = Identity (go)\n${this.#lines.join('\n')} }> }`,
    };
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#choose(list.length)]!;
  }

  #between(low: number, high: number): number {
    return low + this.#choose(high - low + 1);
  }

  #name(type: string): string {
    const name = `v${this.#next++}`;
    this.#declared.push(`${type}[] ${name}`);
    return name;
  }

  #float(shape: readonly number[], call: string): void {
    if (shape.length > 5 || shape.reduce((size, dim) => size * dim, 1) > 4000) return;
    const name = this.#name('float');
    this.#lines.push(`${name} = ${call}`);
    this.#floats.push({ name, shape });
  }

  #int(items: readonly number[], isScalar: boolean, call: string): void {
    if (items.length > 8 || items.some((item) => Math.abs(item) > 1000)) return;
    const name = this.#name('int64');
    this.#lines.push(`${name} = ${call}`);
    this.#ints.push({ name, items, isScalar });
  }

  /** The name of a constant vector. */
  #vector(items: readonly (number | string)[]): string {
    const name = `c${this.#next++}`;
    this.#lines.push(`${name} = Constant <value = int64[${items.length}] {${items.join(',')}}> ()`);
    return name;
  }

  #scalar(item: number): string {
    const name = `c${this.#next++}`;
    this.#lines.push(`${name} = Constant <value_int = ${item}> ()`);
    return name;
  }

  #step(): void {
    const tensor = this.#pick(this.#floats.slice(-4));
    this[this.#pick(STEPS)](tensor);
  }

  transpose({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const left = shape.map((_, axis) => axis);
    const perm: number[] = [];
    while (left.length > 0) perm.push(left.splice(this.#choose(left.length), 1)[0]!);
    this.#float(
      perm.map((axis) => shape[axis]!),
      `Transpose <perm = [${perm.join(',')}]> (${name})`,
    );
  }

  slice({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const axis = this.#choose(shape.length);
    const step = this.#pick([1, 1, 2, -1, -2, 3]);
    const far = '9223372036854775807';
    const start = this.#between(-4, 4);
    const end = this.#pick([-3, -1, 0, 1, 2, 3, 5]);
    const isOpen = this.#choose(3) === 0;
    const size = shape[axis]!;
    const from = clampTo(start < 0 ? start + size : start, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    const open = step > 0 ? size : -1;
    const to = isOpen ? open : clampTo(end < 0 ? end + size : end, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    const count = Math.max(0, Math.ceil((to - from) / step));
    const last = isOpen ? (step > 0 ? far : `-${far}`) : end;
    const parts = [[start], [last], [axis], [step]].map((each) => this.#vector(each));
    this.#float(shape.with(axis, count), `Slice (${name}, ${parts.join(', ')})`);
  }

  /** Up to a size that was computed. */
  sliceTo({ name, shape }: Float): void {
    const end = this.#ints.filter((each) => each.items.length === 1 && !each.isScalar).at(-1);
    if (!end || shape.length === 0) return;
    const axis = this.#choose(shape.length);
    const to = end.items[0]! < 0 ? end.items[0]! + shape[axis]! : end.items[0]!;
    const count = clampTo(to, 0, shape[axis]!);
    this.#float(shape.with(axis, count), `Slice (${name}, ${this.#vector([0])}, ${end.name}, ${this.#vector([axis])})`);
  }

  concat({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const axis = this.#choose(shape.length);
    const other = this.#floats.findLast(
      (each) => each.shape.length === shape.length && each.shape.every((dim, i) => i === axis || dim === shape[i]),
    )!;
    this.#float(
      shape.with(axis, shape[axis]! + other.shape[axis]!),
      `Concat <axis = ${axis}> (${name}, ${other.name})`,
    );
  }

  unsqueeze({ name, shape }: Float): void {
    const axis = this.#choose(shape.length + 1);
    this.#float(shape.toSpliced(axis, 0, 1), `Unsqueeze (${name}, ${this.#vector([axis])})`);
  }

  squeeze({ name, shape }: Float): void {
    const axis = shape.indexOf(1);
    if (axis >= 0) this.#float(shape.toSpliced(axis, 1), `Squeeze (${name}, ${this.#vector([axis])})`);
  }

  reshape({ name, shape }: Float): void {
    const size = shape.reduce((count, dim) => count * dim, 1);
    if (size === 0 || shape.length === 0) return;
    const rest = size / shape[0]!;
    const [target, result] = this.#pick([
      [[-1], [size]],
      [
        [0, -1],
        [shape[0]!, rest],
      ],
      [
        [-1, shape.at(-1)!],
        [size / shape.at(-1)!, shape.at(-1)!],
      ],
      [
        [0, 1, -1],
        [shape[0]!, 1, rest],
      ],
    ] as const);
    if (target[0] === 0 || size > 0) this.#float(result, `Reshape (${name}, ${this.#vector([...target])})`);
  }

  flatten({ name, shape }: Float): void {
    const axis = this.#choose(shape.length + 1);
    const count = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);
    this.#float([count(shape.slice(0, axis)), count(shape.slice(axis))], `Flatten <axis = ${axis}> (${name})`);
  }

  tile({ name, shape }: Float): void {
    const repeats = shape.map(() => this.#between(1, 2));
    if (shape.length === 0) return;
    this.#float(
      shape.map((dim, axis) => dim * repeats[axis]!),
      `Tile (${name}, ${this.#vector(repeats)})`,
    );
  }

  pad({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const pads = [...shape, ...shape].map(() => this.#between(0, 2));
    this.#float(
      shape.map((dim, axis) => dim + pads[axis]! + pads[axis + shape.length]!),
      `Pad (${name}, ${this.#vector(pads)})`,
    );
  }

  gather({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const axis = this.#choose(shape.length);
    if (shape[axis]! < 1) return;
    this.#float(shape.with(axis, 2), `Gather <axis = ${axis}> (${name}, ${this.#vector([0, -1])})`);
  }

  split({ name, shape }: Float): void {
    const axis = shape.findIndex((dim) => dim > 1);
    if (axis < 0) return;
    const part = Math.ceil(shape[axis]! / 2);
    const [a, b] = [this.#name('float'), this.#name('float')];
    this.#lines.push(`${a}, ${b} = Split <axis = ${axis}, num_outputs = 2> (${name})`);
    this.#floats.push(
      { name: a, shape: shape.with(axis, part) },
      { name: b, shape: shape.with(axis, shape[axis]! - part) },
    );
  }

  reduce({ name, shape }: Float): void {
    if (shape.length === 0) return;
    const axis = this.#choose(shape.length);
    const keep = this.#choose(2);
    const result = keep === 1 ? shape.with(axis, 1) : shape.toSpliced(axis, 1);
    this.#float(result, `ReduceSum <keepdims = ${keep}> (${name}, ${this.#vector([axis])})`);
  }

  add({ name, shape }: Float): void {
    const other = this.#pick(this.#floats);
    const rank = Math.max(shape.length, other.shape.length);
    const result: number[] = [];
    for (let axis = 1; axis <= rank; axis++) {
      const [a, b] = [shape.at(-axis) ?? 1, other.shape.at(-axis) ?? 1];
      if (axis > shape.length && axis > other.shape.length) return;
      if (a !== b && a !== 1 && b !== 1) return;
      result.unshift(a === 1 ? b : a);
    }
    this.#float(result, `Add (${name}, ${other.name})`);
  }

  sizes({ name, shape }: Float): void {
    const start = this.#choose(shape.length + 1);
    this.#int(shape.slice(start), false, `Shape <start = ${start}> (${name})`);
  }

  one(): void {
    const from = this.#ints.filter((each) => !each.isScalar && each.items.length > 0).at(-1);
    if (!from) return;
    const at = this.#choose(from.items.length);
    const isScalar = this.#choose(2) === 0;
    const index = isScalar ? this.#scalar(at) : this.#vector([at]);
    this.#int([from.items[at]!], isScalar, `Gather (${from.name}, ${index})`);
  }

  arithmetic(): void {
    const a = this.#ints.at(-1);
    if (!a) return;
    const others = this.#ints.filter((each) => each.items.length === a.items.length && each.isScalar === a.isScalar);
    const isConstant = this.#choose(2) === 0;
    const number = this.#between(1, 4);
    const b = isConstant ? { name: this.#scalar(number), items: a.items.map(() => number) } : this.#pick(others);
    const [op, compute] = this.#pick(OPS);
    const items = a.items.map((item, i) => compute(item, b.items[i]!));
    if (
      (op === 'Div' || op === 'Mod') &&
      (b.items.includes(0) || items.some((item) => item < 0) || a.items.some((item) => item < 0))
    )
      return;
    this.#int(items, a.isScalar, `${op} (${a.name}, ${b.name})`);
  }

  join(): void {
    const vectors = this.#ints.filter((each) => !each.isScalar);
    const [a, b] = [vectors.at(-1), vectors.at(-2)];
    if (a && b) this.#int([...a.items, ...b.items], false, `Concat <axis = 0> (${a.name}, ${b.name})`);
  }

  create(): void {
    const sizes = this.#ints.filter((each) => !each.isScalar && each.items.every((item) => item >= 0)).at(-1);
    if (sizes) this.#float(sizes.items, `ConstantOfShape (${sizes.name})`);
  }

  range(): void {
    const limit = this.#ints.filter((each) => each.isScalar && each.items[0]! >= 0 && each.items[0]! <= 8).at(-1);
    if (!limit) return;
    const items = Array.from({ length: limit.items[0]! }, (_, i) => i);
    this.#int(items, false, `Range (${this.#scalar(0)}, ${limit.name}, ${this.#scalar(1)})`);
  }
}
