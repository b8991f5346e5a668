import type { OpSchema } from './schema.js';

/** When a node is in training mode, where Dropout draws and BatchNormalization takes the statistics of the batch. */
export type TrainingCondition =
  /** The bool scalar at this input is true; an omitted input is false. */
  | { readonly kind: 'input'; readonly index: number }
  /** The INT attribute, or its default, is zero (`whenZero`) or is not. */
  | { readonly kind: 'attribute'; readonly name: string; readonly whenZero: boolean }
  /** More outputs than the first one are asked for. */
  | { readonly kind: 'outputs' };

/**
 * What decides whether nodes of an operator version are in training mode; `undefined` when they never are.
 * Dropout: `is_test` before opset 7, none from 7 to 11, input `training_mode` from 12 on. BatchNormalization: `is_test`
 * before opset 7, the optional outputs from 7 to 13, `training_mode` from 14 on.
 */
export function trainingCondition(schema: OpSchema): TrainingCondition | undefined {
  const index = schema.inputs.findIndex(({ name }) => name === 'training_mode');
  if (index >= 0) return { kind: 'input', index };
  if (schema.attributes.has('training_mode')) return { kind: 'attribute', name: 'training_mode', whenZero: false };
  if (schema.attributes.has('is_test')) return { kind: 'attribute', name: 'is_test', whenZero: true };
  return schema.op === 'BatchNormalization' ? { kind: 'outputs' } : undefined;
}
