import type { Anatomy, SiteAnatomy } from './anatomy.js';
import type { BranchContent } from './content.js';
import { formsOf } from './form.js';
import type { NormKind } from './norm-kind.js';
import type { Placement, SiteKind } from './site.js';
import { contentOfSite } from './structure.js';

const STYLES: Readonly<Record<Placement, string>> = {
  pre: 'pre-norm',
  post: 'post-norm',
  'post-branch': 'branch-end norm',
  sandwich: 'sandwich norm',
  'pre-activation': 'pre-activation',
  adaln: 'AdaLN',
  mid: 'norm within branches',
  none: 'norm-free',
};

const NORMS: Readonly<Record<NormKind, string>> = {
  batch: 'BatchNorm',
  layer: 'LayerNorm',
  rms: 'RMSNorm',
  group: 'GroupNorm',
  instance: 'InstanceNorm',
  l2: 'L2 norm',
  lrn: 'local response norm',
  dyt: 'DyT',
  affine: 'affine instead of norms',
};

const KINDS: Readonly<Partial<Record<SiteKind, string>>> = {
  projection: 'projections',
  scaled: 'scaled residuals',
  gated: 'gated residuals',
  parallel: 'parallel branches',
  'dense-concat': 'dense concatenation',
  'long-concat': 'long skips (U-Net)',
  'long-additive': 'long additive skips',
};

/** Forms of streams that are worth a word. */
const FORMS = ['hyper-connections', 'reversible'] as const;

/** A network in the words of the field: `pre-norm Transformer, RMSNorm, QK-norm, final norm`. */
export function summaryOf(anatomy: Anatomy): string {
  const { sites, norms, finalNorm } = anatomy;
  const forms = new Set(formsOf(anatomy).values());
  const norm = mostFrequent(norms.flatMap(({ op }) => op.norm?.kind ?? []));
  if (sites.length === 0) return norm ? `no residual connections, ${NORMS[norm]}` : 'no residual connections';
  const style = mostFrequent(sites.filter(({ site }) => !site.crossing).map(({ placement }) => placement));
  const kinds = [...new Set(sites.map(({ site }) => site.kind))].flatMap((kind) => KINDS[kind] ?? []);
  const parts = [
    `${STYLES[style ?? 'none']} ${familyOf(sites)}`,
    norm ? NORMS[norm] : '',
    ...kinds,
    ...FORMS.flatMap((form) => (forms.has(form) ? [form] : [])),
    norms.some(({ role }) => role === 'embedding') ? 'embedding norm' : '',
    norms.some(({ role }) => role === 'qk') ? 'QK-norm' : '',
    finalNorm ? 'final norm' : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function familyOf(sites: readonly SiteAnatomy[]): string {
  const contents = new Set<BranchContent>(sites.map(contentOfSite));
  if (contents.has('attention')) return contents.has('convolution') ? 'convolutional Transformer' : 'Transformer';
  if (contents.has('state-space')) return 'state-space network';
  if (contents.has('recurrence')) return 'recurrent network';
  if (contents.has('message-passing')) return 'graph network';
  if (contents.has('convolution')) return 'convolutional network';
  return 'network';
}

function mostFrequent<T>(list: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const each of list) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].reduce<readonly [T, number] | undefined>(
    (best, each) => (!best || each[1] > best[1] ? each : best),
    undefined,
  )?.[0];
}

const DOES: Readonly<Record<BranchContent, string>> = {
  attention: 'attention over positions',
  mlp: 'an MLP over channels',
  convolution: 'convolutions',
  recurrence: 'a recurrence',
  'message-passing': 'messages from neighbours',
  'mixture-of-experts': 'a mixture of experts',
  'state-space': 'a state-space scan',
  pooling: 'pooling',
  other: 'a transformation',
};

const PASSES: Readonly<Record<SiteKind, string>> = {
  identity: 'the input passes unchanged',
  projection: 'the input passes through a projection',
  scaled: 'input or branch passes through a fixed or learned scale',
  gated: 'data decide how much of input and branch pass',
  parallel: 'the input passes unchanged, all branches read it',
  'dense-concat': 'the input passes unchanged beside new channels',
  'long-concat': 'an earlier value is put beside the result of the stages between',
  'long-additive': 'an earlier value of the stream is added once more',
};

/** What a site adds to its input and what passes unchanged, in plain words. */
export function describeSite(each: SiteAnatomy): string {
  const { site, placement } = each;
  if (site.crossing) return PASSES[site.kind];
  const normed = placement === 'none' ? '' : ` (${STYLES[placement]})`;
  return `adds ${DOES[contentOfSite(each)]}${normed}; ${PASSES[site.kind]}`;
}
