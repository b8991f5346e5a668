import type { Family, Infer } from './context.js';
import type { InferBodies } from './control.js';
import { ELEMENTWISE } from './families/elementwise.js';
import { RESHAPE } from './families/reshape.js';

/** Every family, alphabetical. */
const FAMILIES: readonly Family[] = [ELEMENTWISE, RESHAPE];

const BY_OP: ReadonlyMap<string, Infer> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));

const WITH_BODIES: ReadonlyMap<string, InferBodies> = new Map();

/** The inference of an operator, by `Node.op`; `undefined` when only its dtypes follow from the schema. */
export function findInfer(op: string): Infer | undefined {
  return BY_OP.get(op);
}

/** The inference of an operator that runs bodies, by `Node.op`. */
export function findInferBodies(op: string): InferBodies | undefined {
  return WITH_BODIES.get(op);
}
