import type { Node } from '../ir/node.js';
import { hasReference, intAttr, schemaOf } from '../schema/read.js';
import { randomness } from '../schema/traits.js';
import { trainingCondition } from '../schema/training.js';
import { constantOf } from '../schema/constant.js';

/** Mode of a node; `unknown` when a value decides that is not constant, or there is no schema to ask. */
export type TrainingMode = 'inference' | 'training' | 'unknown';

function modeOf(training: boolean): TrainingMode {
  return training ? 'training' : 'inference';
}

/** Whether a node runs in training mode: see {@link trainingCondition}. Nodes that have no such mode are in inference. */
export function trainingMode(node: Node): TrainingMode {
  const schema = schemaOf(node);
  if (schema === undefined) return 'unknown';
  const condition = trainingCondition(schema);
  switch (condition?.kind) {
    case undefined:
      return 'inference';
    case 'outputs':
      return modeOf(node.outputs.some((output, i) => i > 0 && (output.hint !== '' || output.uses.size > 0)));
    case 'attribute': {
      const value = intAttr(node, condition.name);
      if (value === undefined || hasReference(node)) return 'unknown';
      return modeOf((value === 0) === condition.whenZero);
    }
    case 'input': {
      const input = node.inputs[condition.index];
      if (input === undefined) return 'inference';
      const value = constantOf(input)?.scalar();
      return value === undefined ? 'unknown' : modeOf(value !== 0);
    }
  }
}

/** Whether a node surely gives the same outputs for the same inputs in every run; the graphs that it holds are not looked into. */
export function isDeterministic(node: Node): boolean {
  const random = randomness(node);
  return random === 'never' || (random === 'in-training' && trainingMode(node) === 'inference');
}
