import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { checkWellFormed } from '../../src/analysis/wellformed.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Model } from '../../src/ir/model.js';
import { importModel } from '../../src/onnx/import.js';
import { decodeModel } from '../../src/proto/model.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { bytesOf } from '../support/model.js';

const FILE = new Uint8Array(readFileSync(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url)));
const PROTO = decodeModel(FILE);

interface Step {
  readonly kind: 'insert' | 'bypass' | 'constant' | 'swap' | 'attribute' | 'hint';
  readonly at: number;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('insert', 'bypass', 'constant', 'swap', 'attribute', 'hint'),
    at: fc.nat(10_000),
  }),
  { minLength: 1, maxLength: 30 },
);

/** Edits that keep the invariants, whatever they do to the function. */
function apply(model: Model, { kind, at }: Step): void {
  const { graph } = model;
  const order = graph.topo();
  const node = order[at % order.length]!;
  const value = node.outputs[0]!;
  const input = node.inputs[0];
  if (kind === 'insert') {
    const added = graph.addNode({ opType: 'Identity', inputs: [value], near: node });
    graph.replaceAllUses(value, added.outputs[0]!);
    graph.setInput(added, 0, value);
  } else if (kind === 'bypass' && input && input.def.kind !== 'initializer') {
    graph.replaceAllUses(value, input);
    if (node.outputs.every((output) => output.uses.size === 0)) graph.erase(node);
  } else if (kind === 'constant') graph.addInitializer(Tensor.float32([1], [at]), value.hint);
  else if (kind === 'swap') graph.setInputs(node, [...node.inputs].reverse());
  // A node of the file may carry attributes that its schema does not know; one that was added may not.
  else if (kind === 'attribute' && node.opType !== 'Identity') graph.setAttribute(node, 'note', at);
  else graph.setHint(value, `renamed_${at}`);
}

test('whatever is edited in a transaction that fails, the model is emitted as the bytes that were read', () => {
  fc.assert(
    fc.property(steps, (edits) => {
      const model = importModel(PROTO);
      model.transaction(() => {
        for (const step of edits) apply(model, step);
        checkWellFormed(model);
        return false;
      });
      expect(Buffer.compare(bytesOf(model), FILE)).toBe(0);
      checkWellFormed(model);
    }),
    { numRuns: 40 },
  );
});

test('edited models keep the invariants, emit unique names, and clone to the same bytes', () => {
  fc.assert(
    fc.property(steps, (edits) => {
      const model = importModel(PROTO);
      for (const step of edits) apply(model, step);
      checkWellFormed(model);
      const bytes = bytesOf(model);
      const again = importModel(decodeModel(bytes)); // refuses names that are defined twice or not at all
      expect(again.graph.nodes.size).toBeGreaterThanOrEqual(model.graph.nodes.size);
      expect(Buffer.compare(bytesOf(cloneModel(model)), bytes)).toBe(0);
    }),
    { numRuns: 40 },
  );
});
