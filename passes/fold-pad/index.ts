import {
  any,
  constantOf,
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
  type Verdict,
} from '#core';

const W = any('weight');
const bias = any('bias');

/** What a Pad gives. Several windows may read it: it goes with the last of them. */
const padded = any('padded input');

/** The Pad in front of a window, when nothing but windows reads it. */
function padOf(m: Match): Node | undefined {
  const value = m.value(padded);
  const node = value.producer;
  const onlyWindows = [...value.uses].every(
    (use) => use.kind === 'input' && use.index === 0 && use.node.op === m.root.op && use.node.graph === m.graph,
  );
  return isOp(node, 'Pad') && onlyWindows && node.graph === m.graph && !hasReference(node) ? node : undefined;
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
function joined(m: Match, window: Node): readonly number[] | string {
  const node = padOf(m);
  if (!node) return 'it does not read a Pad that only such operators read';
  const all = amounts(node, m.types);
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

interface Window {
  readonly opType: string;
  readonly pattern: OpPattern;
  check(m: Match, window: Node, pads: readonly number[]): Verdict;
  readonly attrs?: Readonly<Record<string, number>>;
}

/** Pools must see at least one element of the input in each window. */
function fitsKernel(window: Node, pads: readonly number[]): boolean {
  const kernel = intsAttr(window, 'kernel_shape') ?? [];
  return pads.every((amount, i) => amount < (kernel[i % kernel.length] ?? 0));
}

function checkFill(m: Match, wanted: number): Verdict {
  const fill = fillOf(padOf(m)!);
  return fill === wanted
    ? ok
    : no(`the Pad fills with ${fill ?? 'something not constant'}, not with ${wanted}`, m.value(padded));
}

function checkAverage(m: Match, window: Node, pads: readonly number[]): Verdict {
  const own = intsAttr(window, 'pads') ?? [];
  const counts = intAttr(window, 'count_include_pad') === 1;
  if (!counts && own.some((amount) => amount !== 0)) return no('its own padding does not count in the mean');
  if (intAttr(window, 'ceil_mode') === 1) return no('ceil_mode makes windows that end outside');
  return fitsKernel(window, pads) ? checkFill(m, 0) : no('the kernel is not larger than the padding');
}

function fold({ opType, pattern, check, attrs }: Window): Rule {
  return {
    name: `pad-into-${opType.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`,
    summary: `${opType} takes the Pad in front of it`,
    root: opType,
    minOpset: 7,
    pattern,
    check(m) {
      const pads = joined(m, m.root);
      return typeof pads === 'string' ? no(pads, m.value(padded)) : check(m, m.root, pads);
    },
    rewrite(m, edit) {
      const pads = joined(m, m.root);
      if (typeof pads === 'string') return undefined;
      const kept = [...m.root.attrs].filter(([name]) => name !== 'auto_pad' && name !== 'pads');
      const named = Object.entries({ pads, ...attrs }).map(
        ([name, value]) =>
          [name, typeof value === 'number' ? int(value) : { type: 'INTS', value: value.map(BigInt) }] as const,
      );
      const inputs = [padOf(m)!.inputs[0], m.findValue(W), m.findValue(bias)];
      return edit.node(opType, inputs, new Map([...kept, ...named] as [string, never][]));
    },
  };
}

const int = (value: number): { type: 'INT'; value: bigint } => ({ type: 'INT', value: BigInt(value) });

/** Constant padding of spatial axes becomes the padding of the Conv or pool behind it, where that pads with the same number. */
export const foldPad: Pass = rulePass({
  name: 'fold-pad',
  summary: 'Conv and pools take the Pad in front of them',
  semantics: 'exact',
  rules: [
    fold({ opType: 'Conv', pattern: op.Conv(padded, W, optional(bias)), check: (m) => checkFill(m, 0) }),
    fold({
      opType: 'MaxPool',
      pattern: op.MaxPool(padded),
      check: (m, window, pads) =>
        fitsKernel(window, pads) ? checkFill(m, -Infinity) : no('the kernel is not larger than the padding'),
    }),
    fold({
      opType: 'AveragePool',
      pattern: op.AveragePool(padded),
      check: checkAverage,
      attrs: { count_include_pad: 1 },
    }),
  ],
});
