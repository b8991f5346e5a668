import {
  any,
  type AttributeValue,
  constantOf,
  type Edit,
  intAttr,
  intsAttr,
  floatAttr,
  hasReference,
  isOp,
  type Match,
  no,
  type Node,
  ok,
  op,
  type OpPattern,
  optional,
  type Pass,
  type Rule,
  rulePass,
  stringAttr,
  type Types,
  type Value,
  type Verdict,
} from '#core';

const W = any('weight');
const bias = any('bias');

/** What a Pad gives. Several windows may read it: they take it together. */
const padded = any('padded input');

/** A Pad and the windows that read it. */
interface Padding {
  readonly pad: Node;
  readonly windows: readonly Node[];
}

/** The Pad in front of a window, when nothing but windows of the same kind reads it. */
function paddingOf(m: Match): Padding | undefined {
  const value = m.value(padded);
  const pad = value.producer;
  const windows: Node[] = [];
  for (const use of value.uses) {
    if (use.kind === 'output' || use.index !== 0 || use.node.op !== m.root.op || use.node.graph !== m.graph)
      return undefined;
    windows.push(use.node);
  }
  return isOp(pad, 'Pad') && pad.graph === m.graph && !hasReference(pad) ? { pad, windows } : undefined;
}

/** What a Pad adds before and after each of `rank` axes; `undefined` when that is not constant, or it repeats or mirrors. */
function amounts(node: Node, types: Types): readonly number[] | undefined {
  const rank = types.shape(node.outputs[0]!)?.length;
  if (rank === undefined || (stringAttr(node, 'mode') ?? 'constant') !== 'constant') return undefined;
  const given = node.inputs[1] ? constantOf(node.inputs[1])?.ints().map(Number) : intsAttr(node, 'pads');
  const axes = node.inputs[3] ? constantOf(node.inputs[3])?.ints().map(Number) : undefined;
  if (!given || (node.inputs[3] && !axes)) return undefined;
  const named = axes ?? Array.from({ length: rank }, (_, axis) => axis);
  if (given.length !== 2 * named.length) return undefined;
  const all = Array<number>(2 * rank).fill(0);
  named.forEach((axis, i) => {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = given[i]!;
    all[at + rank] = given[i + named.length]!;
  });
  return all;
}

/** What a Pad fills with; `undefined` when it is not constant. */
function fillOf(node: Node): number | undefined {
  if (node.inputs[2]) return constantOf(node.inputs[2])?.scalar();
  return floatAttr(node, 'value') ?? 0;
}

/** The pads of the window operator together with those of the Pad: of spatial axes only, none negative. */
function joined(pad: Node, window: Node, types: Types): readonly number[] | string {
  const all = amounts(pad, types);
  if (!all) return 'what the Pad adds is not constant';
  const rank = all.length / 2;
  const auto = stringAttr(window, 'auto_pad') ?? 'NOTSET';
  const own = auto === 'NOTSET' ? intsAttr(window, 'pads') : undefined;
  if (auto !== 'NOTSET' && auto !== 'VALID') return `auto_pad is ${auto}`;
  if (all.some((amount) => amount < 0)) return 'the Pad cuts';
  if ([0, 1, rank, rank + 1].some((axis) => all[axis] !== 0)) return 'the Pad is not of spatial axes alone';
  const spatial = [...all.slice(2, rank), ...all.slice(rank + 2)];
  return spatial.map((amount, i) => amount + (own?.[i] ?? 0));
}

interface Kind {
  readonly opType: string;
  readonly pattern: OpPattern;
  check(pad: Node, window: Node, pads: readonly number[]): Verdict;
  readonly attrs?: Readonly<Record<string, number>>;
}

/** Pools must see at least one element of the input in each window. */
function fitsKernel(window: Node, pads: readonly number[]): boolean {
  const kernel = intsAttr(window, 'kernel_shape') ?? [];
  return pads.every((amount, i) => amount < (kernel[i % kernel.length] ?? 0));
}

function checkFill(pad: Node, wanted: number): Verdict {
  const fill = fillOf(pad);
  return fill === wanted ? ok : no(`the Pad fills with ${fill ?? 'something not constant'}, not with ${wanted}`, pad);
}

function checkMax(pad: Node, window: Node, pads: readonly number[]): Verdict {
  return fitsKernel(window, pads) ? checkFill(pad, -Infinity) : no('the kernel is not larger than the padding');
}

function checkAverage(pad: Node, window: Node, pads: readonly number[]): Verdict {
  const own = intsAttr(window, 'pads') ?? [];
  const counts = intAttr(window, 'count_include_pad') === 1;
  if (!counts && own.some((amount) => amount !== 0)) return no('its own padding does not count in the mean');
  if (intAttr(window, 'ceil_mode') === 1) return no('ceil_mode makes windows that end outside');
  return fitsKernel(window, pads) ? checkFill(pad, 0) : no('the kernel is not larger than the padding');
}

function check(m: Match, kind: Kind): Verdict {
  const padding = paddingOf(m);
  if (!padding) return no('it does not read a Pad that only such operators read', m.value(padded));
  for (const window of padding.windows) {
    const pads = joined(padding.pad, window, m.types);
    if (typeof pads === 'string') return no(pads, m.value(padded));
    const verdict = kind.check(padding.pad, window, pads);
    if (!verdict.ok) return verdict;
  }
  return ok;
}

/** The window with the padding of the Pad as its own. */
function widened(edit: Edit, { pad }: Padding, window: Node, kind: Kind, types: Types): Value {
  const pads = joined(pad, window, types) as readonly number[];
  const attrs = new Map<string, AttributeValue>(window.attrs);
  attrs.delete('auto_pad');
  attrs.set('pads', { type: 'INTS', value: pads.map(BigInt) });
  for (const [name, value] of Object.entries(kind.attrs ?? {})) attrs.set(name, { type: 'INT', value: BigInt(value) });
  return edit.node(kind.opType, [pad.inputs[0], ...window.inputs.slice(1)], attrs);
}

function fold(kind: Kind): Rule {
  return {
    name: `pad-into-${kind.opType.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`,
    summary: `${kind.opType} takes the Pad in front of it`,
    root: kind.opType,
    minOpset: 7,
    pattern: kind.pattern,
    check: (m) => check(m, kind),
    rewrite(m, edit) {
      const padding = paddingOf(m)!;
      const made = padding.windows.map((window) => widened(edit, padding, window, kind, m.types));
      padding.windows.forEach((window, i) => window !== m.root && edit.replace(window.outputs[0]!, made[i]!));
      return made[padding.windows.indexOf(m.root)];
    },
  };
}

/** Constant padding of spatial axes becomes the padding of the Conv or pool behind it, where that pads with the same number. */
export const foldPad: Pass = rulePass({
  name: 'fold-pad',
  summary: 'Conv and pools take the Pad in front of them',
  semantics: 'exact',
  equivalentRules: ['pad-into-average-pool'], // a sum with the +0 of the Pad is +0 where one of −0 alone is −0
  rules: [
    fold({ opType: 'Conv', pattern: op.Conv(padded, W, optional(bias)), check: (pad) => checkFill(pad, 0) }),
    fold({ opType: 'MaxPool', pattern: op.MaxPool(padded), check: checkMax }),
    fold({
      opType: 'AveragePool',
      pattern: op.AveragePool(padded),
      check: checkAverage,
      attrs: { count_include_pad: 1 },
    }),
  ],
});
