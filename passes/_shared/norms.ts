import { integers, intsAttr, literal, no, ok, oneOf, op, optional, type Guard, type Pat, where } from '#core';
import { knownInts } from './facts.js';

const kept = { keepdims: (keep?: number) => keep === 1 };

/** Whether a reduction is over the last axis alone, however axes are given at its version. */
const overLastAxis: Guard = (_, { node, types }) => {
  const data = node?.inputs[0];
  if (!node || !data) return no('nothing is reduced');
  const axes = node.inputs[1] ? knownInts(types, node.inputs[1]) : intsAttr(node, 'axes');
  const rank = types.shape(data)?.length;
  const isLast = axes?.length === 1 && (axes[0] === -1 || (rank !== undefined && axes[0] === rank - 1));
  const found = axes ? `[${axes.join(', ')}]` : 'absent';
  return isLast
    ? ok
    : no(`${node.op}.axes = ${found}, not the last axis${rank === undefined ? ' (rank unknown)' : ''}`, node);
};

/** Mean over the last axis, which is kept: `[..., D]` to `[..., 1]`. */
export function mean(x: Pat): Pat {
  return where(op.ReduceMean(x, optional(integers('axes')), kept), overLastAxis);
}

/** x². */
export function square(x: Pat): Pat {
  return oneOf(op.Mul(x, x), op.Pow(x, literal(2)));
}

/** √x. */
export function squareRoot(x: Pat): Pat {
  return oneOf(op.Sqrt(x), op.Pow(x, literal(0.5)));
}

/** 1 / √x. */
export function inverseSquareRoot(x: Pat): Pat {
  const root = squareRoot(x);
  return oneOf(op.Reciprocal(root), op.Div(literal(1), root), op.Pow(x, literal(-0.5)));
}
