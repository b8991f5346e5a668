import {
  constantOf,
  type Edit,
  fromFloat64,
  isOp,
  Locator,
  type Model,
  type Node,
  type NumericArray,
  type Operation,
  type OperationOptions,
  type OperationPass,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  type PassContext,
  Tensor,
  toFloat64,
  type Value,
} from '#core';
import { zip } from '../_shared/arrays.js';
import { sitesOf } from '../_shared/sites.js';
import { pointwise } from '../_shared/spatial.js';

/** A merge by Concat along the channels, and the convolution that reads it. */
interface Merge {
  readonly site: TargetSite;
  readonly concat: Node;
  readonly up: Value;
  readonly skip: Value;
  readonly conv: Node;
}

type Mode = 'add-lift' | 'add-slice' | 'split';

/**
 * A U-Net merge becomes an addition. `split`: the convolution behind the Concat is split by input channels, W·[u; s] = W_u·u + W_s·s, the
 * same function. `add-lift`: the Concat becomes E(u + P(s)). `add-slice`: it becomes u + P(s), and the convolution keeps the input
 * channels of u. P and E are given 1×1 convolutions.
 */
export const concatToAdd: OperationPass = {
  name: 'concat-to-add',
  summary: 'a concatenated skip becomes an addition, or its reader is split in two',
  semantics: 'changes-function',
  optionNames: ['mode', 'concat_order'],
  semanticsOf: ({ operation }) => (modeOf(operation) === 'split' ? 'equivalent' : 'changes-function'),
  equations: ({ operation }) => {
    const after = {
      split: 'y = W_u·u + W_s·s + b',
      'add-lift': 'y = W·E(u + P(s)) + b',
      'add-slice': 'y = W_u·(u + P(s)) + b',
    };
    return { before: 'y = W·[u; s] + b', after: after[modeOf(operation)] };
  },
  run(model: Model, cx) {
    const mode = modeOf(cx.options.operation);
    for (const merge of findMerges(new Locator(model), cx.options.operation)) {
      cx.rewrite(mode, merge.concat, (edit) => {
        if (mode === 'split') split(edit, merge, cx);
        else add(edit, merge, mode, cx);
      });
    }
  },
  async reference({ operation, parameters }, taps) {
    const mode = modeOf(operation);
    for (const { site, concat, up, skip, conv } of findMerges(new Locator(taps.model), operation)) {
      const level = `level${String(site['level'] ?? 0)}`;
      const [u, s] = await taps.get([up, skip]);
      const sum = zip(
        (p, q) => p + q,
        u!,
        pointwise(s!, parameters.get(`${level}.P.weight`), parameters.find(`${level}.P.bias`), 1),
      );
      if (mode === 'add-lift') {
        const lifted = pointwise(sum, parameters.get(`${level}.E.weight`), parameters.find(`${level}.E.bias`), 1);
        taps.override(concat.outputs[0]!, lifted);
      } else {
        // Channels of s that are zero contribute nothing to the convolution: the same as keeping the channels of u alone.
        const silent = zip(() => 0, s!);
        const [out] = await taps.get(
          [conv.outputs[0]!],
          new Map([
            [up, sum],
            [skip, silent],
          ]),
        );
        taps.override(conv.outputs[0]!, out!);
      }
    }
  },
};

function modeOf({ options }: Operation): Mode {
  const mode = options['mode'] ?? 'split';
  if (mode === 'add-lift' || mode === 'add-slice' || mode === 'split') return mode;
  const allowed = '"add-lift", "add-slice" or "split"';
  throw new ResonnxError([recipeCodes.optionInvalid({ path: 'concat-to-add' }, 'mode', mode, allowed)]);
}

/** The merges that sites name. @throws ResonnxError `rewrite/refused` */
function findMerges(locator: Locator, operation: Operation): readonly Merge[] {
  const merges = sitesOf(operation).map((site): Merge => {
    const concat = locator.findNode(site, 'concat_node');
    const refuse = (why: string): never => {
      throw new ResonnxError([recipeCodes.refused({ path: concat ? pathOf(concat) : 'main' }, why)]);
    };
    if (!concat || !isOp(concat, 'Concat') || concat.inputs.length !== 2)
      return refuse('concat_node is not a Concat of two values');
    const [a, b] = concat.inputs as readonly [Value, Value];
    const upName = locator.findValue(site, 'up_value') ?? (operation.options['concat_order'] === 'su' ? b : a);
    if (upName !== a && upName !== b) return refuse('up_value is not an operand of the Concat');
    const [use, ...others] = concat.outputs[0]!.uses;
    const conv = use?.kind === 'input' && use.index === 0 ? use.node : undefined;
    if (!conv || others.length > 0 || !isOp(conv, 'Conv') || !constantOf(conv.inputs[1])) {
      return refuse('the Concat is not read by one convolution with constant weights alone');
    }
    if ((conv.attrs.get('group')?.value ?? 1n) !== 1n) return refuse('the convolution behind the Concat has groups');
    return { site, concat, up: upName, skip: upName === a ? b : a, conv };
  });
  const rank = new Map(merges[0]?.concat.graph.topo().map((node, index) => [node, index]));
  return merges.sort((a, b) => (rank.get(a.concat) ?? 0) - (rank.get(b.concat) ?? 0));
}

type Context = PassContext<OperationOptions>;

/** Channels of a value. @throws ResonnxError `rewrite/refused` when they are not known */
function channelsOf(value: Value, cx: Context): number {
  const channels = cx.types.shape(value)?.[1];
  if (typeof channels === 'number') return channels;
  const path = value.producer ? pathOf(value.producer) : 'main';
  throw new ResonnxError([recipeCodes.refused({ path }, 'the channels of a Concat operand are not known')]);
}

/** Input channels `[from, to)` of a convolution's weights. */
function sliceWeights(weights: Tensor, from: number, to: number): Tensor {
  const [out, channels, ...kernel] = weights.shape as readonly [number, number, ...number[]];
  const inner = kernel.reduce((size, dim) => size * dim, 1) * (weights.byteLength / weights.size);
  return new Tensor(weights.dtype, [out, to - from, ...kernel], () => {
    const bytes = weights.bytes();
    const width = (to - from) * inner;
    const result = new Uint8Array(out * width);
    for (let o = 0; o < out; o++) {
      const start = (o * channels + from) * inner;
      result.set(bytes.subarray(start, start + width), o * width);
    }
    return result;
  });
}

/** Weights that read `up` and those that read the skip. */
function splitWeights(
  { concat, up, skip, conv }: Merge,
  cx: Context,
): { readonly forUp: Tensor; readonly forSkip: Tensor } {
  const weights = constantOf(conv.inputs[1])!;
  const [u, s] = [channelsOf(up, cx), channelsOf(skip, cx)];
  const upFirst = concat.inputs[0] === up;
  const [first, second] = upFirst ? [u, s] : [s, u];
  const parts = [sliceWeights(weights, 0, first), sliceWeights(weights, first, first + second)] as const;
  return upFirst ? { forUp: parts[0], forSkip: parts[1] } : { forUp: parts[1], forSkip: parts[0] };
}

function convolve(edit: Edit, conv: Node, inputs: readonly (Value | undefined)[]): Value {
  return edit.graph.addNode({
    opType: 'Conv',
    inputs: inputs.filter((value, i) => i < 2 || value),
    attrs: conv.attrs,
    near: conv,
  }).outputs[0]!;
}

function split(edit: Edit, merge: Merge, cx: Context): void {
  const { up, skip, conv } = merge;
  const { forUp, forSkip } = splitWeights(merge, cx);
  const name = conv.inputs[1]!.hint;
  const fromUp = convolve(edit, conv, [up, edit.constant(`${name}_up`, forUp), conv.inputs[2]]);
  const fromSkip = convolve(edit, conv, [skip, edit.constant(`${name}_skip`, forSkip)]);
  edit.replace(conv.outputs[0]!, edit.node('Add', [fromUp, fromSkip]));
}

function add(edit: Edit, merge: Merge, mode: Exclude<Mode, 'split'>, cx: Context): void {
  const { site, concat, up, skip, conv } = merge;
  const level = `level${String(site['level'] ?? 0)}`;
  const project = (value: Value, name: string): Value => {
    const dtype = cx.types.dtype(up) ?? 'float32';
    const constant = (part: string, array: NumericArray): Value =>
      edit.constant(`${level}_${name}_${part}`, Tensor.from(fromFloat64(dtype, array.shape, toFloat64(array))));
    const weight = cx.options.parameters.get(`${level}.${name}.weight`);
    const bias = cx.options.parameters.find(`${level}.${name}.bias`);
    return edit.node('Conv', [value, constant('weight', weight), bias && constant('bias', bias)], {
      kernel_shape: weight.shape.slice(2),
    });
  };
  const sum = edit.node('Add', [up, project(skip, 'P')]);
  if (mode === 'add-lift') edit.replace(concat.outputs[0]!, project(sum, 'E'));
  else {
    const weights = edit.constant(`${conv.inputs[1]!.hint}_up`, splitWeights(merge, cx).forUp);
    edit.replace(conv.outputs[0]!, convolve(edit, conv, [sum, weights, conv.inputs[2]]));
  }
}
