import {
  dependsOn,
  isOp,
  Locator,
  type Model,
  type OperationOptions,
  type PassContext,
  ResonnxError,
  type Value,
} from '#core';
import { findAdditions } from '../_shared/addition.js';
import { identityMap } from '../_shared/feature-map.js';
import { sitesOf } from '../_shared/sites.js';
import { staticArray } from '../_shared/static-array.js';
import { attempt, refuse, type Weights } from '../_shared/weight-edit.js';
import { writeThrough } from '../_shared/writers.js';

type Context = PassContext<OperationOptions>;

/** λ·(W h + b) = (λW)h + λb: the static gate of each named branch goes into the weights of what writes the branch. */
export function mergeGates(model: Model, cx: Context): void {
  const locator = new Locator(model);
  for (const addition of findAdditions(locator, sitesOf(cx.options.operation))) {
    const writer = locator.findValue(addition.site, 'branch_writer_output');
    const { branch } = addition;
    if (writer && !dependsOn(branch, writer)) refuse(addition.node, `the branch does not depend on "${writer.hint}"`);
    if (!hasGate(branch, writer, cx))
      refuse(addition.node, 'no constant gate stands between the writer and the addition');
    cx.rewrite('branch-gate', addition.node, (edit) => {
      const w: Weights = { edit, types: cx.types, made: new Map() };
      addition.graph.setInput(addition.node, addition.branchIndex, withoutGate(w, branch, cx));
    });
  }
}

/** Whether a multiplication by a static value stands between the writer and the end of the branch. */
function hasGate(branch: Value, writer: Value | undefined, cx: Context): boolean {
  for (let value = branch; value !== writer;) {
    const node = value.producer;
    const [a, b] = node?.inputs ?? [];
    if (isOp(node, 'Mul', 'Div') && a && b && [a, b].some((operand) => staticArray(operand, cx.types))) return true;
    const through = isOp(
      node,
      'Identity',
      'Dropout',
      'Cast',
      'CastLike',
      'Reshape',
      'Transpose',
      'Squeeze',
      'Unsqueeze',
      'Flatten',
    );
    if (!through || !a) return false;
    value = a;
  }
  return false;
}

/** The branch made anew by its writers alone. Channels lie on the last axis or on axis 1: the writer knows which. */
function withoutGate(w: Weights, branch: Value, cx: Context): Value {
  const shape = w.types.shape(branch) ?? refuse(branch, 'the rank of the branch is not known');
  const rank = shape.length;
  const axes = [...new Set([rank - 1, 1, ...shape.keys()])].filter((axis) => axis >= 0 && axis < rank);
  let failed: ResonnxError | undefined;
  for (const axis of axes) {
    const size = shape[axis];
    if (typeof size !== 'number') continue;
    const made = attempt(w, () => {
      const value = writeThrough(w, branch, axis, { map: identityMap(size) });
      return hasGate(value, undefined, cx) ? refuse(branch, 'the gate is not one number per channel') : value;
    });
    if (!(made instanceof ResonnxError)) return made;
    failed ??= made;
  }
  throw failed ?? refuse(branch, 'the number of channels of the branch is not known');
}
