import type { Anatomy, StreamAnatomy } from './anatomy.js';
import type { Detector } from './detect.js';
import type { Site } from './site.js';
import { type Op, orderOf, shapeOf, tensorOf, type Val, type View } from './view.js';

/**
 * How a stream goes on from site to site: by itself, as several copies that a small matrix mixes (hyper-connections, arXiv:2409.19606,
 * eq. 2), or in turn with another stream that reads it (reversible residual networks, arXiv:1707.04585, eq. 8).
 */
export type StreamForm = 'single' | 'hyper-connections' | 'reversible';

/** Most copies of a stream that count as such. */
const MOST_COPIES = 16;

/** The form of every stream. O(operations). */
export function formsOf(
  anatomy: Pick<Anatomy, 'view' | 'detector' | 'streams'>,
): ReadonlyMap<StreamAnatomy, StreamForm> {
  const { view, detector, streams } = anatomy;
  const partners = partnersOf(detector, streams);
  return new Map(
    streams.map((stream): readonly [StreamAnatomy, StreamForm] => {
      const partner = partners.get(stream);
      if (partner && partners.get(partner) === stream) return [stream, 'reversible'];
      const mixed = stream.sites.filter(({ site }) => mixesCopies(view, site));
      return [stream, mixed.length > 1 && mixed.length * 2 > stream.sites.length ? 'hyper-connections' : 'single'];
    }),
  );
}

/** Whether weights on the skip mix the copies of a stream and leave its features as they are. */
export function mixesCopies(view: View, site: Site): boolean {
  const shape = shapeOf(view, site.output);
  return site.skip.weights.some((op) => {
    const copies = squareOf(op);
    if (copies === undefined || copies > MOST_COPIES || !shape || shape.length < 3) return false;
    return shape.slice(1, -1).includes(copies) && (op.type === 'Einsum' || op.inputs[0]?.constant === true);
  });
}

/** The size of a square matrix that an operation multiplies with. */
function squareOf(op: Op): number | undefined {
  const matrix = op.inputs.find((val) => val?.constant);
  const dims = tensorOf(matrix)?.shape.filter((dim) => dim !== 1);
  return dims?.length === 2 && dims[0] === dims[1] ? dims[0] : undefined;
}

/** For every stream the one whose sites its branches read instead of its own. */
function partnersOf(
  detector: Detector,
  streams: readonly StreamAnatomy[],
): ReadonlyMap<StreamAnatomy, StreamAnatomy | undefined> {
  const owner = new Map<Val, StreamAnatomy>();
  for (const stream of streams) for (const { site } of stream.sites) owner.set(site.output, stream);
  return new Map(streams.map((stream) => [stream, partnerOf(detector, stream, owner)]));
}

function partnerOf(
  detector: Detector,
  stream: StreamAnatomy,
  owner: ReadonlyMap<Val, StreamAnatomy>,
): StreamAnatomy | undefined {
  const votes = new Map<StreamAnatomy, number>();
  for (const { site } of stream.sites.slice(1)) {
    const read = new Set(site.branches.flatMap(({ operand }) => mergesBefore(detector, operand, site.input)));
    const others = [...read].map((val) => owner.get(val));
    const [other, ...more] = new Set(others);
    if (other && more.length === 0 && other !== stream) votes.set(other, (votes.get(other) ?? 0) + 1);
  }
  const best = [...votes].find(([, count]) => count * 2 > stream.sites.length - 1);
  return best && stream.sites.length > 1 ? best[0] : undefined;
}

/** The merges that a value is computed from, the nearest ones, no earlier than `from`. */
function mergesBefore(detector: Detector, val: Val, from: Val): Val[] {
  const found: Val[] = [];
  const seen = new Set<Val>();
  const stack: Val[] = [val];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (seen.has(at) || orderOf(at) < orderOf(from)) continue;
    seen.add(at);
    if (detector.isMerge(at)) found.push(at);
    else for (const input of at.op?.inputs ?? []) if (input) stack.push(input);
  }
  return found;
}
