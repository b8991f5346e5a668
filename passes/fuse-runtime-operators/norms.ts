import {
  any,
  type Edit,
  equal,
  floatAttr,
  intAttr,
  isOp,
  type Match,
  no,
  type Node,
  ok,
  op,
  optional,
  type Rule,
  type RuleContext,
  type Value,
  type Verdict,
} from '#core';
import { allows, runtimeNodes } from './domain.js';

const sum = any('sum');
const scale = any('scale');
const bias = any('bias');
const common = { semantics: 'equivalent', dtypes: ['float32', 'float16'] } as const;

/** The sum of two values `[batch, length, size]` in front of a norm. */
function additionOf(m: Match): Node | undefined {
  const node = m.value(sum).producer;
  if (!isOp(node, 'Add') || node.graph !== m.graph) return undefined;
  const [a, b] = node.inputs.map((value) => value && m.types.shape(value));
  const same = a?.length === 3 && b?.length === 3 && a.every((dim, axis) => equal(dim, b[axis]!));
  return same ? node : undefined;
}

/** On the CPU one node is slower than two: the WebGPU target alone gains by it. */
function check(m: Match, context: RuleContext): Verdict {
  const allowed = allows(context, 'webgpu');
  if (!allowed.ok) return allowed;
  if (!additionOf(m)) return no('it does not normalize a sum of two values `[batch, length, size]`', m.value(sum));
  const axis = intAttr(m.root, 'axis');
  if (axis !== -1 && axis !== 2) return no('the norm is not over the last axis');
  if ((intAttr(m.root, 'stash_type') ?? 1) !== 1) return no('statistics are not computed in float32');
  return m.shape(scale)?.length === 1 ? ok : no('the scale is not one number per channel', m.value(scale));
}

/** The sum comes from the norm itself where others read it too. */
function build(m: Match, edit: Edit, opType: string, parameters: readonly (Value | undefined)[]): Value {
  const node = additionOf(m)!;
  const shared = m.value(sum).uses.size > 1;
  const attrs = { epsilon: floatAttr(m.root, 'epsilon') ?? 1e-5 };
  const made = runtimeNodes(edit, opType, [...node.inputs, ...parameters], attrs, shared ? 4 : 1);
  if (shared) edit.replace(m.value(sum), made[3]!);
  return made[0]!;
}

const skipLayerNorm: Rule = {
  ...common,
  name: 'skip-layer-norm',
  summary: 'a sum and LayerNormalization of it',
  root: 'LayerNormalization',
  pattern: op.LayerNormalization(sum, scale, optional(bias)),
  check,
  rewrite: (m, edit) => build(m, edit, 'SkipLayerNormalization', [m.value(scale), m.findValue(bias)]),
};

const skipRmsNorm: Rule = {
  ...common,
  name: 'skip-rms-norm',
  summary: 'a sum and RMSNormalization of it',
  root: 'RMSNormalization',
  pattern: op.RMSNormalization(sum, scale),
  check,
  rewrite: (m, edit) => build(m, edit, 'SkipSimplifiedLayerNormalization', [m.value(scale)]),
};

export const NORM_RULES: readonly Rule[] = [skipLayerNorm, skipRmsNorm];
