import { dataInputs, hasOneUse, type Op, type Val } from './view.js';

/** Operations after a sum that are looked at for what becomes of it. */
const MOST_OPS = 24;

/** Whether a sum is a table of attention scores: it becomes weights by Softmax, which the network goes on to use. */
export function isScore(sum: Val): boolean {
  const seen = new Set<Op>();
  const stack = [...sum.uses];
  for (let op = stack.pop(); op && seen.size < MOST_OPS; op = stack.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    if (op.kind === 'softmax') return op.outputs[0]?.isOutput !== true;
    const passes = op.kind === 'layout' || op.kind === 'add' || op.type === 'Where' || op.type === 'Clip';
    if (passes || ((op.kind === 'mul' || op.kind === 'div') && dataInputs(op).length === 1)) {
      for (const val of op.outputs) stack.push(...val.uses);
    }
  }
  return false;
}

const SQUASHING: ReadonlySet<string> = new Set(['Sigmoid', 'HardSigmoid', 'Tanh']);

/** Whether a sum is what a gate is made of: squashed and then multiplied, as in recurrent cells. */
export function isGateSum(sum: Val): boolean {
  let at = sum;
  for (let step = 0; step < 8 && hasOneUse(at); step++) {
    const use = at.uses[0] as Op;
    const next = use.outputs[0];
    if (!next) return false;
    if (SQUASHING.has(use.type)) return next.uses.some((reader) => reader.kind === 'mul' || reader.kind === 'add');
    if (use.kind !== 'add' && use.kind !== 'layout' && use.kind !== 'move') return false;
    at = next;
  }
  return false;
}

/** Whether a sum becomes a mask that multiplies one of the values it was made from, as in attention gates (arXiv:1804.03999). */
export function masksItsOwn(sum: Val, past: ReadonlySet<Val>): boolean {
  let at = sum;
  for (let step = 0; step < 12 && hasOneUse(at); step++) {
    const use = at.uses[0] as Op;
    const next = use.outputs[0];
    if (!next) return false;
    if (use.kind === 'mul') return use.inputs.some((val) => val !== at && val !== undefined && past.has(val));
    if (dataInputs(use).length !== 1) return false;
    at = next;
  }
  return false;
}

/** Whether a value is a constant that several sums add to data, as embeddings of positions are. */
export function isEmbedding({ constant, uses }: Val): boolean {
  return constant && uses.filter((use) => use.kind === 'add' && dataInputs(use).length > 0).length > 1;
}
