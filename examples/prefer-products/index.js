// @ts-check
import { definePass } from 'resonnx';
import { any, literal, op, rulePass, Tensor } from 'resonnx/core';

const x = any('x');

/** Halving by a product: the same bits for every x, also where the quotient underflows. */
const halve = {
  name: 'halve',
  root: 'Div',
  dtypes: /** @type {const} */ (['float32']),
  pattern: op.Div(x, literal(2)),
  /**
   * @param {import('resonnx/core').Match} match
   * @param {import('resonnx/core').Build} build
   */
  rewrite: (match, build) => build.node('Mul', [match.get(x), build.constant('half', Tensor.float32([], [0.5]))]),
};

/** Division by two becomes a product. */
export const preferProducts = definePass(
  rulePass({
    name: 'prefer-products',
    summary: 'division by two becomes multiplication',
    semantics: 'exact',
    rules: [halve],
  }),
);
