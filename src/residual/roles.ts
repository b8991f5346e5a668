import type { Anatomy, NormAnatomy, SiteAnatomy } from './anatomy.js';
import { type Op, onlyDataInput, type Val } from './view.js';

/** The part that a norm plays: before a branch, after the sum, at a branch's end, in embeddings, at the end of a stream, on queries and keys, elsewhere. */
export type NormRole = 'pre' | 'post' | 'branch-end' | 'embedding' | 'final' | 'qk' | 'inner';

/** All norms of the network with their roles, in order. Norms of constants count where they are part of a stream, not where they shape weights. */
export function rolesOf(anatomy: Pick<Anatomy, 'view' | 'sites' | 'streams'>): NormAnatomy[] {
  const roles = new Map<Op, { readonly role: NormRole; readonly site: SiteAnatomy | undefined }>();
  const put = (op: Op, role: NormRole, site?: SiteAnatomy): void => {
    if (!roles.has(op)) roles.set(op, { role, site });
  };
  const between = transitions(anatomy.streams);
  for (const { finalNorm } of anatomy.streams) if (finalNorm && !between.has(finalNorm)) put(finalNorm, 'final');
  for (const site of anatomy.sites) {
    for (const op of site.way.norms) if (site.way.continues || site.placement === 'post') put(op, 'post', site);
  }
  for (const site of anatomy.sites) {
    for (const branch of site.branches) {
      for (const op of branch.leading) put(op, 'pre', site);
      if (branch.last) put(branch.last, 'branch-end', site);
      for (const op of branch.norms) put(op, isQueryOrKey(op) ? 'qk' : 'inner', site);
    }
  }
  for (const stream of anatomy.streams) for (const op of embeddingNorms(stream.origin)) put(op, 'embedding');
  for (const stream of anatomy.streams) {
    const first = stream.sites[0];
    for (const op of first ? embeddingNorms(first.site.input) : []) put(op, 'embedding');
  }
  const norms = anatomy.view.ops.filter(
    (op) => op.kind === 'norm' && (op.inputs[0]?.constant === false || roles.has(op)),
  );
  return norms.map((op, index) => {
    const known = roles.get(op);
    return { id: `n${index}`, op, role: known?.role ?? 'inner', site: known?.site };
  });
}

/** Operations between one stream and the next one that it turns into: patch merging, downsampling. */
function transitions(streams: Anatomy['streams']): ReadonlySet<Op> {
  const found = new Set<Op>();
  for (const { origin } of streams) {
    let at: Val | undefined = origin;
    for (let step = 0; at?.op && step < 12; step++) {
      found.add(at.op);
      at = onlyDataInput(at.op);
    }
  }
  return found;
}

/** Norms right before the first site of a stream. */
function embeddingNorms(input: Val): Op[] {
  const found: Op[] = [];
  let at: Val | undefined = input;
  for (let step = 0; at?.op && step < 8; step++) {
    const { op }: Val = at;
    if (op?.kind === 'norm') found.push(op);
    else if (op?.kind !== 'layout' && op?.kind !== 'pointwise') break;
    at = op.inputs[0];
  }
  return found;
}

/** Whether a norm's result becomes attention scores: a product of data with data before a Softmax. */
function isQueryOrKey(norm: Op): boolean {
  const seen = new Set<Op>();
  const stack = norm.outputs.flatMap((val) => val.uses);
  let products = 0;
  for (let op = stack.pop(); op && seen.size < 64; op = stack.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    if (op.kind === 'softmax') return products > 0;
    if (op.kind === 'mix') {
      if (/Attention/.test(op.type)) return true;
      if (op.inputs.slice(0, 2).some((val) => val?.constant)) continue;
      products++;
    } else if (op.kind === 'norm' || op.kind === 'pool') continue;
    for (const val of op.outputs) stack.push(...val.uses);
  }
  return false;
}
