import type { Dim } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Shape } from '../ir/type.js';
import { schemaOf } from '../schema/read.js';
import { broadcastShapes } from '../shape/broadcast.js';
import { showShape } from '../shape/fact.js';
import type { Types } from '../shape/types.js';
import { alignShapes, type Verdict } from './align-dims.js';
import { type Alignment, make, Meeting, MEETINGS } from './meetings.js';

export type { Alignment, AlignmentKind } from './meetings.js';

const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    'Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow ' +
    'Sub Sum Where Xor com.microsoft.BiasGelu com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization'
  ).split(' '),
);

/** How many leading inputs of an operator meet elementwise; all by default. */
const OPERANDS: ReadonlyMap<string, number> = new Map([
  ['com.microsoft.SkipLayerNormalization', 2],
  ['com.microsoft.SkipSimplifiedLayerNormalization', 2],
]);

/** The places of a model where sizes meet, in every graph, with what is proven of each. O(nodes). */
export function alignments(model: Model, types: Types): readonly Alignment[] {
  const found: Alignment[] = [];
  for (const graph of model.graphs()) {
    for (const node of graph.findTopo() ?? []) found.push(...alignmentsOf(node, types));
  }
  return found;
}

/** The places where sizes meet at one node. */
export function alignmentsOf(node: Node, types: Types): readonly Alignment[] {
  if (ELEMENTWISE.has(node.op)) return elementwise(node, types);
  const align = MEETINGS[node.op];
  return align ? align(new Meeting(node, types)) : [];
}

/** Every operand against what those before it broadcast to. */
function elementwise(node: Node, types: Types): Alignment[] {
  const meeting = new Meeting(node, types);
  const count = Math.min(OPERANDS.get(node.op) ?? node.inputs.length, node.inputs.length);
  const found: Alignment[] = [];
  let before = meeting.shape(0);
  for (let index = 1; index < count; index++) {
    if (!node.inputs[index]) continue;
    const shape = isLegacy(node) ? legacyOperand(meeting, before, meeting.shape(index)) : meeting.shape(index);
    const { axes, verdict } = alignShapes(before, shape, meeting.isFresh);
    found.push(make(node, 'elementwise', [0, index], axes, verdict));
    before = before && shape && (broadcastShapes([before, shape]) ?? before);
  }
  return found;
}

/** Whether operands meet by the rules of before opset 7: the second is stretched as attributes `axis` and `broadcast` say. */
function isLegacy(node: Node): boolean {
  const since = schemaOf(node)?.since ?? 7;
  return since < 7 && node.domain === '';
}

/** The second operand with axes of size 1 behind it, so that it stands where `axis` puts it; the slope of PRelu stands at axis 1. */
function legacyOperand(meeting: Meeting, first: Shape | undefined, second: Shape | undefined): Shape | undefined {
  const given = meeting.node.opType === 'PRelu' ? 1 : meeting.int('axis');
  if (!first || !second || given === undefined) return second;
  const axis = given < 0 ? given + first.length : given;
  const behind = first.length - axis - second.length;
  return behind > 0 ? [...second, ...Array<Dim>(behind).fill(1)] : second;
}

/** One line that says what meets and what is proven: `[b, s, 768] and [1, s, 768]: proven to broadcast`. */
export function describeAlignment(alignment: Alignment, types: Types): string {
  return `${describeOperands(alignment, types)}: ${VERDICTS[alignment.verdict]}${conditionOf(alignment)}`;
}

/** The shapes that meet: `[b, s, 768] and [1, s, 768]`. */
export function describeOperands({ node, inputs }: Alignment, types: Types): string {
  const [left, right] = inputs.map((index) => {
    const value = node.inputs[index];
    const shape = value && types.shape(value);
    return shape ? showShape(shape) : 'unknown';
  });
  return `${left} and ${right}`;
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  equal: 'proven equal',
  broadcast: 'proven to broadcast',
  conditional: 'right where',
  unknown: 'not proven',
  wrong: 'proven wrong',
};

function conditionOf({ verdict, equations }: Alignment): string {
  if (equations.length === 0) return '';
  const list = equations.join(' and ');
  return verdict === 'conditional' ? ` ${list}` : `: ${verdict === 'wrong' ? 'never ' : ''}${list}`;
}
