import { any, type DType, DTYPES, type Match, no, ok, op, type Pass, type Rule, rulePass } from '#core';

const value = any('value');
const like = any('like');

/** The element type to convert to, when it is known and not that of the value. */
const typeOf = (m: Match): DType | undefined => m.dtype(like);

const castLike: Rule = {
  name: 'cast-like',
  summary: 'CastLike to a known element type becomes Cast, or nothing',
  root: 'CastLike',
  pattern: op.CastLike(value, like),
  check: (m) => (typeOf(m) ? ok : no('the element type to convert to is unknown', m.value(like))),
  rewrite(m, edit) {
    const dtype = typeOf(m)!;
    if (m.dtype(value) === dtype) return m.value(value);
    const saturate = m.root.attrs.get('saturate');
    return edit.node(
      'Cast',
      [m.value(value)],
      new Map([
        ['to', { type: 'INT', value: BigInt(DTYPES[dtype].onnx) }],
        ...(saturate ? [['saturate', saturate] as const] : []),
      ]),
    );
  },
};

/** CastLike needs its second input only for the element type, which keeps a constant from being one. */
export const foldCastLike: Pass = rulePass({
  name: 'fold-cast-like',
  summary: 'CastLike to a known element type becomes Cast, or nothing',
  semantics: 'exact',
  rules: [castLike],
});
