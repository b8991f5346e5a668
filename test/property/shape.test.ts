import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Dim, evaluate, format, symbols } from '../../src/dim/dim.js';
import { importModel } from '../../src/onnx/import.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { RuntimeRefusal } from '../../src/numerics/runtime.js';
import { encodeModel } from '../../src/proto/model.js';
import { showType } from '../../src/shape/fact.js';
import { inferTypes, type Types } from '../../src/shape/types.js';
import { type NumericArray, zeros } from '../../src/tensor/array.js';
import { Tensor } from '../../src/tensor/tensor.js';
import type { Node } from '../../src/ir/node.js';
import type { Value } from '../../src/ir/value.js';
import { parseModelText } from '../../src/text/parse.js';
import { ModelWriter } from '../support/random-shapes.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

/** Sizes of the input; models are made to be valid for the first pair. */
const SIZES = [
  [3, 4],
  [5, 3],
  [6, 9],
] as const;

type Results = Readonly<Record<string, NumericArray>>;

/** A chooser that takes numbers from a list, then zeros. */
function chooser(numbers: readonly number[]): (count: number) => number {
  let at = 0;
  return (count) => (numbers[at++] ?? 0) % count;
}

/** Where inference and the runtime differ. Empty tensors are left out: sizes 0 and 1 that broadcast are not told apart. */
function differences(
  types: Types,
  value: Value,
  real: NumericArray,
  bindings: ReadonlyMap<string, number>,
): readonly string[] {
  if (real.shape.includes(0)) return [];
  const shape = types.shape(value);
  const sizes = shape?.map((dim) => evaluate(dim, bindings));
  const isRight =
    sizes?.length === real.shape.length && sizes.every((size, axis) => size === null || size === real.shape[axis]);
  const found = isRight ? [] : [`${value.hint}: ${showType(types.of(value))}, but [${real.shape.join()}]`];
  types.elements(value)?.elements.forEach((element, index) => {
    const known = evaluate(element, bindings);
    const item = (real.data as ArrayLike<number | bigint>)[index];
    if (known !== null && Number(item) !== known)
      found.push(`${value.hint}[${index}]: ${format(element)}, but ${item}`);
  });
  return found;
}

test('sizes and followed elements are what the runtime gives, for all sizes of the inputs', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 40, maxLength: 90 }), async (numbers) => {
      const { text } = new ModelWriter(chooser(numbers)).write(16);
      const proto = parseModelText(text);
      const model = importModel(proto);
      if (model.graph.outputs.length === 0) return;
      const types = inferTypes(model);
      expect(types.diagnostics).toEqual([]);
      const session = await runtime.open(encodeModel(proto).toBytes(), { optimization: 'disabled' });
      for (const [n, m] of SIZES) {
        const bindings = new Map<string, number>([
          ['n', n],
          ['m', m],
        ]);
        const feeds = { x: zeros('float32', [n, m, 2]) };
        const results: Results = await session.run(feeds).catch((error: unknown): Results => {
          if (error instanceof RuntimeRefusal && n !== SIZES[0][0]) return {}; // not valid for these sizes
          throw error;
        });
        for (const slot of model.graph.outputs) {
          const real = results[slot.name];
          if (!real) continue;
          compared++;
          expect(differences(types, slot.value, real, bindings)).toEqual([]);
        }
      }
      await session.release();
    }),
    { numRuns: 60, seed: 7 },
  );
  expect(compared).toBeGreaterThan(500);
});

test('the same holds in branches, functions and loops', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 40, maxLength: 90 }), async (numbers) => {
      const { names, inBranch, inFunction, inLoop } = new ModelWriter(chooser(numbers)).write(10);
      if (names.length === 0) return;
      for (const text of [inBranch, inFunction, inLoop]) {
        const proto = parseModelText(text);
        const model = importModel(proto);
        const types = inferTypes(model);
        expect(types.diagnostics).toEqual([]);
        const session = await runtime.open(encodeModel(proto).toBytes(), { optimization: 'disabled' });
        const [n, m] = SIZES[0];
        const results = await session.run({
          x: zeros('float32', [n, m, 2]),
          ...(text === inBranch && { c: { dtype: 'bool', shape: [], data: Uint8Array.of(1) } }),
          ...(text === inLoop && { rounds: { dtype: 'int64', shape: [], data: BigInt64Array.of(2n) } }),
        });
        const bindings = new Map(Object.entries({ n, m }));
        for (const slot of model.graph.outputs) {
          expect(types.shape(slot.value)).toBeDefined();
          expect(differences(types, slot.value, results[slot.name]!, bindings)).toEqual([]);
        }
        await session.release();
      }
    }),
    { numRuns: 25, seed: 11 },
  );
});

test('nearly every size is an expression over the names of the inputs', () => {
  let [known, all] = [0, 0];
  const isNamed = (dim: Dim): boolean =>
    dim !== null && [...symbols(dim)].every((name) => name === 'n' || name === 'm');
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 40, maxLength: 90 }), (numbers) => {
      const model = importModel(parseModelText(new ModelWriter(chooser(numbers)).write(16).text));
      const types = inferTypes(model);
      for (const slot of model.graph.outputs) {
        all++;
        if (types.shape(slot.value)?.every(isNamed)) known++;
      }
    }),
    { numRuns: 100, seed: 7 },
  );
  expect(known / all).toBeGreaterThan(0.99);
});

test('nothing that a model may contain makes inference fail', () => {
  const numbers = fc.constantFrom(-(2n ** 63n), -99n, -1n, 0n, 1n, 7n, 2n ** 40n, 2n ** 63n - 1n);
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.array(numbers, { maxLength: 4 }), fc.nat());
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 40, maxLength: 90 }),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (choices, changes) => {
        const model = importModel(parseModelText(new ModelWriter(chooser(choices)).write(16).text));
        const nodes = [...model.graph.nodes.values()];
        for (const [which, kind, list, place] of changes) {
          const node = nodes[which % Math.max(1, nodes.length)];
          if (node) damage(node, kind, list, place);
        }
        expect(inferTypes(model).diagnostics).toBeInstanceOf(Array);
      },
    ),
    { numRuns: 300, seed: 7 },
  );
});

/** Gives a node other integers, or drops or doubles inputs. */
function damage(node: Node, kind: number, list: readonly bigint[], place: number): void {
  const { graph, inputs } = node;
  if (kind === 0) graph.setInputs(node, inputs.slice(0, place % (inputs.length + 1)));
  else if (kind === 1) graph.setInputs(node, [...inputs].reverse());
  else if (kind === 2) {
    const names = ['axis', 'perm', 'keepdims', 'num_outputs', 'start', 'allowzero'];
    const name = names[place % names.length]!;
    graph.setAttribute(
      node,
      name,
      name === 'perm' ? { type: 'INTS', value: list } : { type: 'INT', value: list[0] ?? 3n },
    );
  } else {
    const constant = graph.addInitializer(Tensor.int64([list.length], list));
    graph.setInput(node, place % (inputs.length + 1), constant);
  }
}
