import { constantOf, isOp, type Node, type Shape, type Value } from '#core';

/**
 * The numbers of a constant bias; one number for all channels when it is spread by Expand or ConstantOfShape, as exporters do with a
 * bias of zeros. `undefined` when it is not constant.
 */
export function biasNumbers(value: Value): ArrayLike<number> | undefined {
  const tensor = constantOf(value);
  if (tensor) return tensor.floats();
  const node = value.producer;
  if (!isOp(node, 'Expand', 'ConstantOfShape')) return undefined;
  const spread = node.opType === 'Expand' ? constantOf(node.inputs[0])?.scalar() : filler(node);
  return spread === undefined ? undefined : [spread];
}

/** The number that a ConstantOfShape repeats: 0 when it says nothing else. */
function filler(node: Node): number | undefined {
  const attribute = node.attrs.get('value');
  if (!attribute) return 0;
  return attribute.type === 'TENSOR' ? attribute.value.scalar() : undefined;
}

/** Whether a bias is one number for all channels or one for each, and does not add axes to a matrix. */
export function isRow(shape: Shape | undefined, channels: number): boolean {
  if (!shape || shape.length > 2) return false;
  const [last = 1] = shape.slice(-1);
  return (last === 1 || last === channels) && shape.slice(0, -1).every((dim) => dim === 1);
}
