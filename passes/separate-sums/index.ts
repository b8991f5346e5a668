import {
  dependsOn,
  type Equations,
  isOp,
  isStatic,
  type Model,
  type Node,
  type OperationPass,
  recipeCodes,
  ResonnxError,
  type Value,
} from '#core';
import { findFunction } from '../_shared/inline.js';
import { inlineCalls } from './calls.js';
import { nameOf, separateBias, separateConv, separateGemm, separateNorm, type Separation } from './separate.js';

const EQUATIONS: Equations = { before: 'y = N(x + F + b), Σ(x, F, …), Gemm(…, x)', after: 's = x + (F + b), y = N(s)' };

/**
 * Operators that add a residual inside are taken apart into an Add and what stands before and behind it: SkipLayerNormalization and its
 * relatives of onnxruntime, BiasAdd, FusedConv with a residual, Gemm with a computed C, sums of more than two. Calls of the model's
 * functions become what they compute. Other operations work on the additions.
 */
export const separateSums: OperationPass = {
  name: 'separate-sums',
  summary: 'additions that other operators and functions hold inside become Add',
  semantics: 'equivalent',
  optionNames: [],
  semanticsOf: () => 'equivalent',
  equations: () => EQUATIONS,
  run(model: Model, cx) {
    let done = inlineCalls(model, cx);
    for (const graph of model.graphs()) {
      for (const node of graph.topo()) {
        const separate = separationOf(node);
        if (separate && cx.rewrite('separate', node, (edit) => separate(edit, node, cx.types))) done++;
      }
    }
    if (done > 0) return;
    throw new ResonnxError([
      recipeCodes.refused({ path: 'main' }, 'no operator of the model holds an addition inside'),
    ]);
  },
};

/** Whether an operator adds a residual inside. */
export function holdsSum(node: Node): boolean {
  return separationOf(node) !== undefined;
}

/** Whether a node calls a function of the model, which may add inside. */
export function isCall(model: Model, node: Node): boolean {
  return findFunction(model, node) !== undefined;
}

function separationOf(node: Node): Separation | undefined {
  switch (node.op) {
    case 'com.microsoft.SkipLayerNormalization':
    case 'com.microsoft.SkipSimplifiedLayerNormalization':
      return separateNorm;
    case 'com.microsoft.BiasAdd':
      return separateBias;
    case 'com.microsoft.FusedConv':
      return node.inputs[3] ? separateConv : undefined;
    default:
      if (isOp(node, 'Sum') && node.inputs.length > 2) return separateSum;
      return isOp(node, 'Gemm') && node.inputs[2] && !isStatic(node.inputs[2]) ? separateGemm : undefined;
  }
}

/** Σ(x, a, b, …) = x + (a + b + …), where x is the operand that the others are made of, else the first. */
const separateSum: Separation = (edit, node) => {
  const terms = node.inputs as readonly Value[];
  const trunk = terms.find((term) => terms.some((other) => other !== term && dependsOn(other, term))) ?? terms[0]!;
  const at = terms.indexOf(trunk);
  const [first, ...others] = terms.filter((_, index) => index !== at);
  const branch = others.reduce((sum, term) => edit.node('Add', [sum, term]), first!);
  edit.replace(node.outputs[0]!, edit.node('Add', [trunk, branch], {}, { name: nameOf(node) }));
  return true;
};
