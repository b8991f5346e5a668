/**
 * Groups of nodes that keep the shape of their input, as exporters write them: `$x` is the input, `$0` … are values, the last one the
 * result; `{1.5}` is a constant.
 */
export const MOTIFS: readonly (readonly string[])[] = [
  ['$0 = Div ($x, {1.4142135})', '$1 = Erf ($0)', '$2 = Add ($1, {1})', '$3 = Mul ($x, $2)', '$4 = Mul ($3, {0.5})'],
  [
    '$0 = Pow ($x, {3})',
    '$1 = Mul ($0, {0.044715})',
    '$2 = Add ($x, $1)',
    '$3 = Mul ($2, {0.7978846})',
    '$4 = Tanh ($3)',
    '$5 = Add ($4, {1})',
    '$6 = Mul ($x, {0.5})',
    '$7 = Mul ($6, $5)',
  ],
  ['$0 = Add ($x, {3})', '$1 = Clip ($0, {0}, {6})', '$2 = Mul ($x, $1)', '$3 = Div ($2, {6})'],
  ['$0 = Sigmoid ($x)', '$1 = Mul ($x, $0)'],
  ['$0 = Mul ($x, {0.2})', '$1 = Add ($0, {0.5})', '$2 = Clip ($1, {0}, {1})'],
  ['$0 = Relu ($x)', '$1 = Clip ($0, {-1}, {6})', '$2 = Relu ($1)'],
  ['$0 = Mul ($x, {2})', '$1 = Div ($0, {4})', '$2 = Neg ($1)', '$3 = Add ($2, {0})'],
  ['$0 = Cast <to = 11> ($x)', '$1 = Cast <to = 1> ($0)'],
  ['$0 = Shape ($x)', '$1 = Expand ($x, $0)'],
  ['$0 = Shape ($x)', '$1 = Reshape ($x, $0)', '$2 = Add ($1, $x)'],
  ['$0 = Sub ($x, $x)', '$1 = Add ($0, $x)'],
  ['$0 = Softmax <axis = -1> ($x)', '$1 = Mul ($0, $x)'],
  ['$0 = Where ({true}, $x, {0})', '$1 = Identity ($0)'],
];
