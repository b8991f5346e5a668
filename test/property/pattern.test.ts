import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Match } from '../../src/pattern/match.js';
import { op } from '../../src/pattern/op-pattern.js';
import { any, type AnyPattern, type Pat } from '../../src/pattern/pattern.js';
import { Search } from '../../src/pattern/search.js';
import { inferTypes } from '../../src/shape/types.js';
import { graphOf } from '../support/model.js';

type Tree =
  | { readonly kind: 'leaf'; readonly index: number }
  | { readonly kind: 'unary'; readonly op: 'Neg' | 'Exp'; readonly a: Tree }
  | {
      readonly kind: 'binary';
      readonly op: 'Add' | 'Mul' | 'Sub';
      readonly a: Tree;
      readonly b: Tree;
      readonly swap: boolean;
    };

const LEAVES = 4;

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: fc.constant('leaf' as const), index: fc.nat(LEAVES - 1) }),
    fc.record({
      kind: fc.constant('unary' as const),
      op: fc.constantFrom('Neg' as const, 'Exp' as const),
      a: tie('tree'),
    }),
    fc.record({
      kind: fc.constant('binary' as const),
      op: fc.constantFrom('Add' as const, 'Mul' as const, 'Sub' as const),
      a: tie('tree'),
      b: tie('tree'),
      swap: fc.boolean(),
    }),
  ),
}));

/** ONNX text lines that compute the tree, operands of Add and Mul swapped where it says so. */
function lines(node: Tree, out: string[]): string {
  if (node.kind === 'leaf') return `X${node.index}`;
  const a = lines(node.a, out);
  const b = node.kind === 'binary' ? lines(node.b, out) : undefined;
  const operands = b === undefined ? [a] : node.kind === 'binary' && node.swap && node.op !== 'Sub' ? [b, a] : [a, b];
  const name = `t${out.length}`;
  out.push(`${name} = ${node.op} (${operands.join(', ')})`);
  return name;
}

/** The pattern of the tree with its operands in their own order; one pattern per leaf. */
function patternOf(node: Tree, leaves: readonly AnyPattern[]): Pat {
  if (node.kind === 'leaf') return leaves[node.index] as Pat;
  const a = patternOf(node.a, leaves);
  if (node.kind === 'unary') return node.op === 'Neg' ? op.Neg(a) : op.Exp(a);
  const b = patternOf(node.b, leaves);
  return node.op === 'Add' ? op.Add(a, b) : node.op === 'Mul' ? op.Mul(a, b) : op.Sub(a, b);
}

test('an expression matches its own pattern however its commutative operands are written', () => {
  fc.assert(
    fc.property(tree, (expression) => {
      const out: string[] = [];
      const root = lines({ kind: 'unary', op: 'Neg', a: expression }, out);
      const inputs = Array.from({ length: LEAVES }, (_, index) => `float[2] X${index}`).join(', ');
      const model = graphOf(`(${inputs}) => (float[2] ${root}) { ${out.join('\n')} }`);
      const leaves = Array.from({ length: LEAVES }, (_, index) => any(`X${index}`));
      const types = inferTypes(model);
      const node = model.graph.outputs[0]!.value.producer!;
      let match: Match | undefined;
      const found = new Search(node, types).run(op.Neg(patternOf(expression, leaves)), (bindings) => {
        match = new Match(node, bindings, types);
        return true;
      });
      expect(found).toBe(true);
      // Every leaf stands for one input; which one may differ where the expression is symmetric.
      for (const leaf of leaves) if (match?.has(leaf)) expect(match.get(leaf).def.kind).toBe('input');
      expect(match?.nodes).toHaveLength(out.length);
    }),
    { numRuns: 300 },
  );
});
