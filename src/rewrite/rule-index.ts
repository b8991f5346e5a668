import { rootOperators } from '../pattern/op-pattern.js';
import type { Pat } from '../pattern/pattern.js';
import { assertNever, invariant } from '../support/invariant.js';
import type { RuleIndex } from './driver.js';
import type { Rule } from './rule.js';

/** Operators that a `through` is taken to skip at most. */
const SKIPPED = 4;

/**
 * Rules by root operator, in their order.
 * @throws InvariantError when two rules share a name, or a rule's `root` is not what its pattern starts with
 */
export function indexRules<O extends object>(rules: readonly Rule<O>[]): RuleIndex<O> {
  const byRoot = new Map<string, Rule<O>[]>();
  const names = new Set<string>();
  let depth = 0;
  for (const rule of rules) {
    invariant(!names.has(rule.name), `two rules are called ${rule.name}`);
    names.add(rule.name);
    for (const root of rootsOf(rule)) {
      const list = byRoot.get(root);
      if (list) list.push(rule);
      else byRoot.set(root, [rule]);
    }
    depth = Math.max(depth, depthOf(rule.pattern));
  }
  return { rules: byRoot, depth };
}

function rootsOf<O extends object>(rule: Rule<O>): readonly string[] {
  const declared = [...new Set(typeof rule.root === 'string' ? [rule.root] : rule.root)].sort();
  const calls = rootOperators(rule.pattern);
  const names = calls?.map(({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`));
  invariant(names, `rule ${rule.name} starts with a pattern that any operator matches`);
  const found = [...new Set(names)].sort();
  invariant(
    declared.length === found.length && declared.every((name, index) => name === found[index]),
    `rule ${rule.name} declares root ${declared.join(', ')}, its pattern starts with ${found.join(', ')}`,
  );
  return found;
}

/** Nodes on the longest way through a pattern; a part that is used twice is measured once. */
function depthOf(pattern: Pat, known: Map<Pat, number> = new Map()): number {
  const before = known.get(pattern);
  if (before !== undefined) return before;
  const depth = measure(pattern, (inner) => depthOf(inner, known));
  known.set(pattern, depth);
  return depth;
}

function measure(pattern: Pat, inner: (pattern: Pat) => number): number {
  switch (pattern.kind) {
    case 'any':
    case 'constant':
    case 'scalar':
    case 'literal':
    case 'ints':
      return 0;
    case 'one-of':
      return Math.max(...pattern.alternatives.map(inner));
    case 'optional':
    case 'where':
      return inner(pattern.pattern);
    case 'through':
      return SKIPPED + inner(pattern.pattern);
    case 'output':
      return inner(pattern.of);
    case 'op':
      return 1 + Math.max(0, ...pattern.operands.map((operand) => (operand ? inner(operand) : 0)));
    default:
      return assertNever(pattern);
  }
}
