import {
  any,
  constantOf,
  equal,
  intAttr,
  type Match,
  no,
  ok,
  op,
  optional,
  type Pass,
  type Rule,
  rulePass,
  type Verdict,
} from '#core';

const x = any('A');
const W = any('B');
const bias = any('C');
const common = { dtypes: ['float32', 'float64'], minOpset: 7 } as const;
const swap = { perm: (perm?: readonly number[]) => perm === undefined || perm.join() === '1,0' };

/** Whether both operands are matrices. */
function areMatrices(m: Match): Verdict {
  for (const each of [x, W]) {
    const rank = m.shape(each)?.length;
    if (rank !== 2) return no(`${each.label} has rank ${rank ?? 'unknown'}, not 2`, m.value(each));
  }
  return ok;
}

/** Whether the addend is a row that is added to every row: a matrix may be a residual connection, which stays. */
function isRow(m: Match): Verdict {
  const row = m.shape(bias);
  const width = m.shape(m.has(product) ? product : bare)?.at(-1) ?? null;
  const isNarrow = row && row.length <= 2 && (row.length < 2 || row[0] === 1);
  const isWide = row?.length === 0 || row?.at(-1) === 1 || equal(row?.at(-1) ?? null, width);
  return isNarrow && isWide ? ok : no('what is added is not a row', m.value(bias));
}

function both(m: Match): Verdict {
  const matrices = areMatrices(m);
  return matrices.ok ? isRow(m) : matrices;
}

const product = op.MatMul(x, W);
const bare = op.Gemm(x, W);
const turnedA = op.Transpose(x, swap);
const turnedB = op.Transpose(W, swap);

const rules: readonly Rule[] = [
  {
    ...common,
    name: 'matmul-add',
    summary: 'a product of matrices and a row that is added become Gemm',
    root: 'Add',
    pattern: op.Add(product, bias),
    check: both,
    rewrite: (m, edit) => edit.node('Gemm', [m.value(x), m.value(W), m.value(bias)]),
  },
  {
    ...common,
    name: 'gemm-add',
    summary: 'Gemm takes a row that is added',
    root: 'Add',
    minOpset: 11,
    pattern: op.Add(bare, bias),
    check: isRow,
    rewrite: (m, edit) =>
      edit.node(
        'Gemm',
        [m.value(x), m.value(W), m.value(bias)],
        new Map([...m.node(bare).attrs].filter(([name]) => name !== 'beta')),
      ),
  },
  {
    ...common,
    name: 'matmul-transposed',
    summary: 'a product with a transposed matrix becomes Gemm',
    root: 'MatMul',
    minOpset: 11,
    pattern: op.MatMul(x, turnedB),
    check: (m) => (constantOf(m.value(W)) ? areMatrices(m) : no('the matrix is computed', m.value(W))),
    rewrite: (m, edit) => edit.node('Gemm', [m.value(x), m.value(W)], { transB: 1 }),
  },
  {
    ...common,
    name: 'gemm-transposed-a',
    summary: 'Gemm transposes its first operand itself',
    root: 'Gemm',
    pattern: op.Gemm(turnedA, W, optional(bias)),
    rewrite: (m, edit) =>
      turned(m, 'transA', (attrs) => edit.node('Gemm', [m.value(x), m.value(W), m.findValue(bias)], attrs)),
  },
  {
    ...common,
    name: 'gemm-transposed-b',
    summary: 'Gemm transposes its second operand itself',
    root: 'Gemm',
    pattern: op.Gemm(x, turnedB, optional(bias)),
    rewrite: (m, edit) =>
      turned(m, 'transB', (attrs) => edit.node('Gemm', [m.value(x), m.value(W), m.findValue(bias)], attrs)),
  },
];

function turned<T>(m: Match, name: 'transA' | 'transB', build: (attrs: Match['root']['attrs']) => T): T {
  const flag = { type: 'INT', value: intAttr(m.root, name) === 1 ? 0n : 1n } as const;
  return build(new Map([...m.root.attrs, [name, flag]]));
}

/** Products of matrices, what is added to them and how they are transposed become one Gemm. */
export const fuseGemm: Pass = rulePass({
  name: 'fuse-gemm',
  summary: 'products of matrices with a bias or a transposition become Gemm',
  semantics: 'equivalent',
  rules,
});
