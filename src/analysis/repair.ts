import { ceilDiv, type Dim, equal, floorDiv, format, isProven, mul, sub } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';
import { showShape } from '../shape/fact.js';

/** What can stand on a skip path so that it meets its branch. */
export type RepairKind =
  | 'identity'
  | 'linear-projection'
  | 'conv-projection'
  | 'pad-channels'
  | 'slice-channels'
  | 'stride'
  | 'pool'
  | 'upsample'
  | 'pad'
  | 'slice'
  | 'refuse';

/** One way to bring the skip to the shape of the branch. */
export interface Repair {
  readonly kind: RepairKind;
  /** What it does, with the sizes: `1x1 convolution with weight [128, 64, 1, 1], stride 2`. */
  readonly text: string;
  /** Shapes of the parameters that it would add. */
  readonly parameters: readonly Shape[];
}

/** Largest ratio of sizes that is taken for a stride. */
const MAX_STRIDE = 32;

/**
 * Ways to bring a skip of shape `skip` to the shape `branch`, the cheapest first; nothing relies on broadcasting. Channels are
 * axis 1 of tensors of rank 4 and more and the last axis of others, unless `channelAxis` says so. A `refuse` says why there is none.
 */
export function repairOptions(skip: Shape, branch: Shape, channelAxis?: number): readonly Repair[] {
  if (skip.length !== branch.length) {
    return [
      refuse(`ranks ${skip.length} and ${branch.length} differ: this is conditioning, not a residual connection`),
    ];
  }
  if (skip.length === 0) return [identity()];
  const channels = channelAxis ?? (skip.length >= 4 ? 1 : skip.length - 1);
  if (!same(skip, branch, 0) && channels !== 0) {
    return [refuse(`the batch axes ${shown(skip[0])} and ${shown(branch[0])} differ`)];
  }
  const others = skip.flatMap((_, axis) =>
    axis !== 0 && axis !== channels && !same(skip, branch, axis) ? [axis] : [],
  );
  const isSame = same(skip, branch, channels);
  if (isSame && others.length === 0) return [identity()];
  if (others.length === 0) return channelRepairs(skip, branch, channels, 1);
  const stride = commonRatio(skip, branch, others);
  if (stride !== undefined) return strided(skip, branch, channels, stride, isSame);
  const growth = commonRatio(branch, skip, others, true);
  if (growth !== undefined && isSame) {
    return [{ kind: 'upsample', text: `nearest Resize by ${growth} along axes ${others.join(', ')}`, parameters: [] }];
  }
  return [isSame ? lengthRepair(skip, branch, others) : mixed(skip, branch)];
}

function same(skip: Shape, branch: Shape, axis: number): boolean {
  return equal(skip[axis] ?? null, branch[axis] ?? null);
}

function shown(dim: Dim | undefined): string {
  return dim === null || dim === undefined ? '?' : format(dim);
}

function identity(): Repair {
  return { kind: 'identity', text: 'identity: the shapes are proven equal', parameters: [] };
}

function refuse(why: string): Repair {
  return { kind: 'refuse', text: why, parameters: [] };
}

function mixed(skip: Shape, branch: Shape): Repair {
  return refuse(`no single operator brings ${showShape(skip)} to ${showShape(branch)}`);
}

function channelRepairs(skip: Shape, branch: Shape, axis: number, stride: number): Repair[] {
  const [from, to] = [skip[axis] ?? null, branch[axis] ?? null];
  const found: Repair[] = [];
  if (stride === 1 && isProven(from, '<=', to)) {
    const text = `zero-pad axis ${axis} by ${shown(sub(to, from))}, from ${shown(from)} to ${shown(to)}`;
    found.push({ kind: 'pad-channels', text, parameters: [] });
  }
  if (stride === 1 && isProven(from, '>=', to)) {
    found.push({
      kind: 'slice-channels',
      text: `slice axis ${axis} from ${shown(from)} to ${shown(to)}`,
      parameters: [],
    });
  }
  if (typeof from !== 'number' || typeof to !== 'number') {
    return found.length > 0
      ? found
      : [refuse(`the sizes ${shown(from)} and ${shown(to)} of axis ${axis} are no numbers`)];
  }
  if (axis === 1 && skip.length >= 3) {
    const weight = [to, from, ...Array<number>(skip.length - 2).fill(1)];
    const text = `1x1 convolution with weight ${showShape(weight)}${stride > 1 ? `, stride ${stride}` : ''}`;
    found.push({ kind: 'conv-projection', text, parameters: [weight] });
  } else if (axis === skip.length - 1) {
    const weight = [from, to];
    found.push({ kind: 'linear-projection', text: `MatMul with weight ${showShape(weight)}`, parameters: [weight] });
  }
  return found;
}

function strided(skip: Shape, branch: Shape, channels: number, stride: number, isSame: boolean): readonly Repair[] {
  const found: Repair[] = [];
  if (isSame) {
    found.push(
      { kind: 'pool', text: `average pool of kernel ${stride} and stride ${stride}`, parameters: [] },
      {
        kind: 'stride',
        text: `every ${stride}th element of the shortened axes (Slice with step ${stride})`,
        parameters: [],
      },
    );
  }
  if (channels === 1 && skip.length >= 3) found.push(...channelRepairs(skip, branch, channels, stride));
  return found.length > 0 ? found : [mixed(skip, branch)];
}

/** The one ratio by which all these axes of `long` are longer than those of `short`: `short = ceil(long / k)` or `floor(long / k)`. */
function commonRatio(long: Shape, short: Shape, axes: readonly number[], isExact = false): number | undefined {
  for (let ratio = 2; ratio <= MAX_STRIDE; ratio++) {
    if (axes.every((axis) => isRatio(long[axis] ?? null, short[axis] ?? null, ratio, isExact))) return ratio;
  }
  return undefined;
}

function isRatio(long: Dim, short: Dim, ratio: number, isExact: boolean): boolean {
  if (equal(mul(short, ratio), long)) return true;
  return !isExact && (equal(short, ceilDiv(long, ratio)) || equal(short, floorDiv(long, ratio)));
}

/** Cuts or pads every axis that differs; all in one direction. */
function lengthRepair(skip: Shape, branch: Shape, axes: readonly number[]): Repair {
  const pair = (axis: number): readonly [Dim, Dim] => [skip[axis] ?? null, branch[axis] ?? null];
  const all = (relation: '>=' | '<='): boolean =>
    axes.every((axis) => isProven(pair(axis)[0], relation, pair(axis)[1]));
  const list = (text: (axis: number, from: Dim, to: Dim) => string): string =>
    axes.map((axis) => text(axis, ...pair(axis))).join(', ');
  if (all('>=')) {
    const text = list((axis, from, to) => `slice axis ${axis} from ${shown(from)} to ${shown(to)}`);
    return { kind: 'slice', text, parameters: [] };
  }
  if (all('<=')) {
    return {
      kind: 'pad',
      text: list((axis, from, to) => `pad axis ${axis} by ${shown(sub(to, from))}`),
      parameters: [],
    };
  }
  return refuse(
    `no proof which is larger: ${list((axis, from, to) => `${shown(from)} or ${shown(to)} along axis ${axis}`)}`,
  );
}
