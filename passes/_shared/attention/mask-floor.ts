import { constantOf, type Node, type Value } from '#core';

/** The lowest float32. */
export const LOWEST = -3.4028234663852886e38;

/**
 * onnxruntime's Attention gives zeros for a row whose scores all are {@link LOWEST} or −∞, as is right for −∞ only: a row of equal
 * numbers is the mean of all values. Finite numbers of a mask stay above this; two of them together are −∞ still.
 */
export const FLOOR = -3e38;

/** What a mask may hold besides numbers above {@link FLOOR} and −∞. */
export interface MaskDepth {
  /** Finite numbers at or below it. */
  readonly low: boolean;
  /** −∞. */
  readonly infinite: boolean;
}

const UNKNOWN: MaskDepth = { low: true, infinite: true };

/** Constants above this many elements are not looked into. */
const MAX_ELEMENTS = 1 << 20;

const MAX_VALUES = 64;

/** Operators that move or choose elements of their first input. */
const MOVES = new Set([
  'Identity',
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Flatten',
  'Expand',
  'Tile',
  'Transpose',
  'Slice',
  'Gather',
  'Split',
]);

/** How far down the elements of a mask go, as far as its constants and the choices between them tell. */
export function maskDepth(mask: Value): MaskDepth {
  const seen = new Set<Value>([mask]);
  let low = false;
  let infinite = false;
  for (const value of seen) {
    if (seen.size > MAX_VALUES) return UNKNOWN;
    const tensor = constantOf(value);
    if (tensor && (tensor.dtype !== 'float32' || tensor.size > MAX_ELEMENTS)) return UNKNOWN;
    for (const element of tensor?.floats() ?? []) {
      infinite ||= element === Number.NEGATIVE_INFINITY;
      low ||= element <= FLOOR && element !== Number.NEGATIVE_INFINITY;
    }
    if (tensor) continue;
    const sources = sourcesOf(value.producer);
    if (!sources) return UNKNOWN;
    for (const source of sources) seen.add(source);
  }
  return { low, infinite };
}

/** The values whose elements a node chooses from. */
function sourcesOf(node: Node | undefined): readonly Value[] | undefined {
  if (!node || node.domain !== '') return undefined;
  const inputs = node.inputs as readonly Value[];
  if (MOVES.has(node.op)) return inputs.slice(0, 1);
  if (node.op === 'Where') return inputs.slice(1);
  return node.op === 'Concat' ? inputs : undefined;
}
