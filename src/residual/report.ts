import { type Dim, equal, format, symbol, symbols } from '../dim/dim.js';
import { labelOf, pathOf } from '../ir/path.js';
import type { Shape } from '../ir/type.js';
import type { Anatomy, NormAnatomy, SiteAnatomy, StreamAnatomy } from './anatomy.js';
import { branchContent, type BranchContent } from './content.js';
import { countPaths } from './paths.js';
import type { NormRole } from './roles.js';
import type { NormKind } from './norm-kind.js';
import { stagesOf } from './structure.js';
import { formsOf, type StreamForm } from './form.js';
import { describeSite, summaryOf } from './summary.js';
import { type Placement, SITE_KINDS, type SiteKind } from './site.js';
import { type Op, scalarOf, shapeOf, tensorOf, type Val, type View } from './view.js';

/** A dim in JSON: a number, an expression over symbols, `null` when unknown. */
export type DimJson = number | string | null;

/** A site in JSON. */
export interface SiteJson {
  readonly id: string;
  readonly kind: SiteKind;
  readonly placement: Placement;
  /** The node that merges, as the user knows it. */
  readonly node: string;
  readonly stream: string;
  readonly input: string;
  readonly output: string;
  readonly branch: {
    readonly nodes: number;
    readonly parameters: number;
    readonly norms: readonly NormKind[];
    readonly content: BranchContent;
  };
  readonly branches: number;
  readonly activationAfterAdd: boolean;
  readonly projection: { readonly operators: readonly string[] } | null;
  /** Where a parameter scales: its value when it is one number. */
  readonly scale: {
    readonly on: 'branch' | 'skip';
    readonly value: number | null;
    readonly elements: number | null;
  } | null;
  readonly gate: { readonly on: 'branch' | 'skip'; readonly value: string } | null;
  readonly shape: readonly DimJson[] | null;
  /** What the site adds and what passes unchanged, in plain words. */
  readonly description: string;
}

/** The residual part of a report. */
export interface ResidualJson {
  /** The network in the words of the field. */
  readonly summary: string;
  readonly blocks: number;
  readonly kinds: Readonly<Partial<Record<SiteKind, number>>>;
  readonly sites: readonly SiteJson[];
  readonly streams: readonly {
    readonly id: string;
    readonly sites: number;
    readonly shape: readonly DimJson[] | null;
    readonly finalNorm: NormKind | null;
    /** Whether it is one stream, several copies mixed by hyper-connections, or one of two that update each other in turn. */
    readonly form: StreamForm;
  }[];
  /** Neighbouring sites of one stream with one shape, and the layer that they repeat. */
  readonly stages: readonly {
    readonly stream: string;
    readonly sites: readonly string[];
    readonly layer: readonly BranchContent[];
    readonly repeats: number;
  }[];
  readonly normKinds: Readonly<Partial<Record<NormKind, number>>>;
  readonly norms: readonly {
    readonly id: string;
    readonly kind: NormKind;
    readonly spelling: string;
    readonly role: NormRole;
    readonly site: string | null;
    readonly axis: number | null;
    readonly epsilon: number | null;
    readonly node: string;
  }[];
  readonly finalNorm: boolean;
  readonly embeddingNorm: boolean;
  readonly qkNorm: boolean;
  readonly paths: { readonly count: string; readonly expectedLength: number; readonly deviation: number };
}

/** The residual structure as plain data. */
export function residualJson(anatomy: Anatomy): ResidualJson {
  const { sites, norms, streams, view } = anatomy;
  const paths = countPaths(anatomy);
  const forms = formsOf(anatomy);
  return {
    summary: summaryOf(anatomy),
    blocks: sites.length,
    kinds: tally(
      sites.map(({ site }) => site.kind),
      SITE_KINDS,
    ),
    sites: sites.map((each) => siteJson(view, each)),
    streams: streams.map((stream) => streamJson(view, stream, forms.get(stream) ?? 'single')),
    stages: stagesOf(anatomy).map((stage) => ({ ...stage, sites: stage.sites.map(({ id }) => id) })),
    normKinds: tally(norms.flatMap(({ op }) => op.norm?.kind ?? [])),
    norms: norms.map(normJson),
    finalNorm: anatomy.finalNorm,
    embeddingNorm: norms.some(({ role }) => role === 'embedding'),
    qkNorm: norms.some(({ role }) => role === 'qk'),
    paths: {
      count: String(paths.count),
      expectedLength: rounded(paths.expectedLength),
      deviation: rounded(paths.deviation),
    },
  };
}

/** What the user calls a node: its name, or its operator and first output; calls that lead to it in front. */
export function nodeLabel(op: Op): string {
  return [...op.calls, op.node].map(labelOf).join('/');
}

/** What the user calls a value. */
export function valueLabel(val: Val): string {
  let at: Val = val;
  while (!at.value && at.like) at = at.like;
  return at.value?.hint || (val.op ? nodeLabel(val.op) : '');
}

/** The place of an operation, for diagnostics. */
export function placeOfOp(op: Op): { readonly path: string; readonly op: string } {
  return {
    path: [
      pathOf(op.calls[0] ?? op.node),
      ...(op.calls.length > 0 ? [...op.calls.slice(1), op.node].map(labelOf) : []),
    ].join('/'),
    op: op.node.op,
  };
}

/** A shape as JSON. */
export function shapeJson(shape: Shape | undefined): readonly DimJson[] | null {
  return shape ? shape.map(dimJson) : null;
}

/** A dim that is one symbol is its name, just as the model spells it. */
function dimJson(dim: Dim): DimJson {
  if (dim === null || typeof dim === 'number') return dim;
  const [name = ''] = symbols(dim);
  return equal(dim, symbol(name)) ? name : format(dim);
}

function siteJson(view: View, each: SiteAnatomy): SiteJson {
  const { id, site, placement, branches, stream, way } = each;
  const content = branchContent(site.branches.flatMap(({ ops }) => ops));
  const operators = [...new Set([...site.skip.weights, ...site.skip.moves].map((op) => op.node.opType))];
  return {
    id,
    kind: site.kind,
    placement,
    node: nodeLabel(site.op),
    stream: stream.id,
    input: valueLabel(site.input),
    output: valueLabel(site.output),
    branch: {
      nodes: content.nodes,
      parameters: content.parameters,
      norms: branches.flatMap(({ norms }) => norms.flatMap((op) => op.norm?.kind ?? [])),
      content: content.content,
    },
    branches: site.branches.length,
    activationAfterAdd: way.activation,
    projection: operators.length > 0 ? { operators } : null,
    scale:
      scaleJson(site.skip.coefficients, 'skip') ??
      scaleJson(
        site.branches.flatMap(({ end }) => end.coefficients),
        'branch',
      ),
    gate:
      gateJson(site.skip.gates, 'skip') ??
      (site.kind === 'gated' || site.kind === 'parallel'
        ? gateJson(
            site.branches.flatMap(({ end }) => end.gates),
            'branch',
          )
        : null),
    shape: shapeJson(shapeOf(view, site.output)),
    description: describeSite(each),
  };
}

function scaleJson(factors: readonly Val[], on: 'branch' | 'skip'): SiteJson['scale'] {
  const [factor] = factors;
  if (!factor) return null;
  return { on, value: scalarOf(factor) ?? null, elements: tensorOf(factor)?.size ?? null };
}

function gateJson(gates: readonly Val[], on: 'branch' | 'skip'): SiteJson['gate'] {
  const [gate] = gates;
  return gate ? { on, value: valueLabel(gate) } : null;
}

function streamJson(view: View, stream: StreamAnatomy, form: StreamForm): ResidualJson['streams'][number] {
  const last = stream.sites.at(-1);
  return {
    id: stream.id,
    sites: stream.sites.length,
    shape: last ? shapeJson(shapeOf(view, last.site.output)) : null,
    finalNorm: stream.finalNorm?.norm?.kind ?? null,
    form,
  };
}

function normJson({ id, op, role, site }: NormAnatomy): ResidualJson['norms'][number] {
  const norm = op.norm!;
  return {
    id,
    kind: norm.kind,
    spelling: norm.spelling,
    role,
    site: site?.id ?? null,
    axis: norm.axis ?? null,
    epsilon: norm.epsilon ?? null,
    node: nodeLabel(op),
  };
}

function tally<K extends string>(list: readonly K[], order: readonly K[] = []): Partial<Record<K, number>> {
  const found: Partial<Record<K, number>> = {};
  for (const key of [...order, ...[...new Set(list)].sort()]) {
    const count = list.filter((each) => each === key).length;
    if (count > 0) found[key] = count;
  }
  return found;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
