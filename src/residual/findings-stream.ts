import {
  concatGrowth,
  depth,
  finalNormMissing,
  float16Stream,
  mixedPlacement,
  postNormDepth,
  trunkActivation,
  trunkNorm,
} from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { format } from '../dim/dim.js';
import type { Anatomy, SiteAnatomy, StreamAnatomy } from './anatomy.js';
import { placeOfOp } from './report.js';
import { dtypeOf, shapeOf, type View } from './view.js';

/** Sites from which on a stream counts as deep. */
const DEEP = 64;
/** Sites from which on a float16 stream without norms on it may overflow. */
const DEEP_FLOAT16 = 12;
/** Sites from which on a post-norm stream should scale its skips. */
const DEEP_POST = 72;
/** Sites that a stream needs for its style to be told. */
const LEAST_SITES = 4;

/** What streams as a whole do. */
export function streamFindings(anatomy: Anatomy): Diagnostic[] {
  const main = anatomy.streams.find((stream) => stream === anatomy.mainStream);
  return anatomy.streams.flatMap((stream) => [
    ...placementFindings(stream),
    ...(stream === main ? headFindings(stream) : []),
    ...depthFindings(stream),
    ...growthFindings(anatomy.view, stream),
    ...dtypeFindings(anatomy.view, stream),
  ]);
}

const isPre = ({ placement }: SiteAnatomy): boolean =>
  placement === 'pre' || placement === 'sandwich' || placement === 'adaln' || placement === 'pre-activation';

function placementFindings({ sites }: StreamAnatomy): Diagnostic[] {
  const found: Diagnostic[] = [];
  const pre = sites.filter(isPre);
  const post = sites.filter(({ placement }) => placement === 'post');
  const [most, few, name, own] =
    pre.length >= post.length ? [pre, post, 'pre-norm', 'post-norm'] : [post, pre, 'post-norm', 'pre-norm'];
  if (most.length >= LEAST_SITES && few.length > 0 && few.length * 4 <= most.length) {
    for (const { site } of few)
      found.push(mixedPlacement(placeOfOp(site.op), name as string, most.length, own as string));
  }
  const normed = sites.filter(({ way }) => way.continues && !way.tapped && way.norms.length > 0);
  if (pre.length === sites.length && pre.length >= LEAST_SITES && normed.length * 8 <= sites.length) {
    for (const { way } of normed) for (const op of way.norms) found.push(trunkNorm(placeOfOp(op), pre.length));
  }
  const active = sites.filter(({ way }) => way.continues && way.activation);
  const [first] = active;
  if (first) found.push(trunkActivation(placeOfOp(first.site.op), active.length, sites.length));
  return found;
}

function headFindings(stream: StreamAnatomy): Diagnostic[] {
  const { sites, finalNorm } = stream;
  const last = sites.at(-1);
  const style = sites.filter(({ placement }) => placement === 'pre' || placement === 'sandwich');
  const blockNormed = sites.some(({ way }) => way.continues && !way.tapped && way.norms.length > 0);
  if (!last || finalNorm || blockNormed || style.length < LEAST_SITES || style.length * 2 < sites.length) return [];
  return last.way.norms.length > 0 ? [] : [finalNormMissing(placeOfOp(last.site.op), sites.length)];
}

function depthFindings({ sites }: StreamAnatomy): Diagnostic[] {
  const found: Diagnostic[] = [];
  let run: SiteAnatomy[] = [];
  const flush = (): void => {
    const [first] = run;
    if (first && run.length >= DEEP) found.push(depth(placeOfOp(first.site.op), run.length));
    run = [];
  };
  for (const each of sites) {
    if (each.site.kind === 'identity') run.push(each);
    else flush();
  }
  flush();
  const post = sites.filter(({ placement }) => placement === 'post');
  const [first] = post;
  const scaled = post.some(({ site }) => site.kind === 'scaled' || site.kind === 'gated');
  if (first && post.length >= DEEP_POST && !scaled) found.push(postNormDepth(placeOfOp(first.site.op), post.length));
  return found;
}

function growthFindings(view: View, { sites }: StreamAnatomy): Diagnostic[] {
  const dense = sites.filter(({ site }) => site.kind === 'dense-concat');
  const [first, last] = [dense[0], dense.at(-1)];
  const [from, to] = [first && shapeOf(view, first.site.input), last && shapeOf(view, last.site.output)];
  if (!first || !from || !to || from.length !== to.length) return [];
  const axis = from.findIndex((dim, index) => typeof dim === 'number' && dim !== to[index]);
  const [before, after] = [from[axis], to[axis]];
  if (typeof before !== 'number' || typeof after !== 'number' || after < 4 * before) return [];
  return [concatGrowth(placeOfOp(first.site.op), format(before), format(after), dense.length)];
}

function dtypeFindings(view: View, { sites }: StreamAnatomy): Diagnostic[] {
  const free = sites.filter(({ way, branches }) => way.norms.length === 0 && branches.every(({ last }) => !last));
  const [first] = free;
  const dtype = first && dtypeOf(view, first.site.output);
  if (!first || dtype !== 'float16' || free.length < DEEP_FLOAT16) return [];
  return [float16Stream(placeOfOp(first.site.op), dtype, free.length)];
}
