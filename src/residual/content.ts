import { isWeighted } from './chain.js';
import { tensorOf, type Op, type Val } from './view.js';

/** What a branch does, in the field's words. */
export type BranchContent =
  | 'attention'
  | 'mlp'
  | 'convolution'
  | 'recurrence'
  | 'message-passing'
  | 'mixture-of-experts'
  | 'state-space'
  | 'pooling'
  | 'other';

/** Nodes and parameters of a set of operations, and what they amount to. */
export interface Content {
  readonly nodes: number;
  /** Elements of all parameters that they read, single numbers aside: most of these are constants of formulas. */
  readonly parameters: number;
  readonly content: BranchContent;
}

/** Describes a branch by its operations. */
export function branchContent(ops: readonly Op[]): Content {
  return { nodes: new Set(ops.map((op) => op.node)).size, parameters: countParameters(ops), content: contentOf(ops) };
}

function countParameters(ops: readonly Op[]): number {
  const seen = new Set<Val>();
  const stack: Val[] = [];
  for (const op of ops) for (const val of op.inputs) if (val?.constant) stack.push(val);
  for (const op of ops) for (const val of op.norm?.parameters ?? []) stack.push(val);
  let count = 0;
  for (let val = stack.pop(); val; val = stack.pop()) {
    if (seen.has(val)) continue;
    seen.add(val);
    const size = val.op ? 0 : (tensorOf(val)?.size ?? 0);
    if (!val.op) count += size === 1 ? 0 : size;
    else for (const input of val.op.inputs) if (input) stack.push(input);
  }
  return count;
}

const RECURRENT = /^(LSTM|GRU|RNN|AttnLSTM|DynamicQuantizeLSTM)$/;

function contentOf(ops: readonly Op[]): BranchContent {
  const has = (test: (op: Op) => boolean): boolean => ops.some(test);
  if (has((op) => RECURRENT.test(op.type) || op.type === 'ScanSlice')) return 'recurrence';
  if (has((op) => /^Q?MoE/.test(op.type) || op.type === 'TopK')) return 'mixture-of-experts';
  if (has((op) => op.kind === 'softmax' || /Attention/.test(op.type))) return 'attention';
  if (has((op) => op.type === 'CumSum' || /Mamba|GatedDelta/.test(op.type))) return 'state-space';
  if (has((op) => op.type === 'ScatterElements' || op.type === 'ScatterND')) return 'message-passing';
  if (has((op) => /Conv/.test(op.type) && !isPointwiseConv(op))) return 'convolution';
  if (has(isWeighted)) return 'mlp';
  return has((op) => op.kind === 'pool') ? 'pooling' : 'other';
}

/** A convolution of one position is a linear layer. */
function isPointwiseConv(op: Op): boolean {
  const shape = tensorOf(op.inputs[1])?.shape;
  return shape !== undefined && shape.slice(2).every((dim) => dim === 1);
}
