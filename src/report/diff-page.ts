import type { DiffReport } from '../api/diff.js';
import type { PortInfo } from '../bindings/ports.js';
import { type Content, type Html, html } from './html.js';
import { code, facts, page, places, section, table } from './page.js';
import {
  countsText,
  factText,
  grouped,
  groupBy,
  groupReplaced,
  nodeChangeText,
  shapeText,
  weightChangeText,
} from './words.js';

const NUMBER = (title: string): { readonly title: string; readonly isNumber: true } => ({ title, isNumber: true });

/** What changed between two models as one HTML file. */
export function diffPage(report: DiffReport): string {
  const { a, b, same, model } = report;
  const change = ({ before, after }: { readonly before: number; readonly after: number }): string =>
    before === after ? grouped(before) : `${grouped(before)} → ${grouped(after)}`;
  const opsets = Object.entries(model.opsets).map(
    ([domain, { before, after }]) => `${domain} ${before ?? 'none'} → ${after ?? 'none'}`,
  );
  const head = html`<h1>${a} → ${b}</h1>
    <p>
      ${same ? 'The same model, names aside.' : `${grouped(report.nodes.matched)} nodes stand in the same place of both models.`}
    </p>
    ${facts([
      ['nodes', change(model.nodes)],
      ['parameters', change(model.parameters)],
      ['bytes', change(model.bytes)],
      ['opset', opsets.join(', ') || 'unchanged'],
    ])}`;
  const parts = [
    interfacePart(report),
    nodesPart(report),
    weightsPart(report),
    shapesPart(report),
    residualPart(report),
  ];
  return page(`${a} → ${b} · resonnx`, [head, same ? undefined : parts]);
}

function interfacePart({ inputs, outputs, model: { functions } }: DiffReport): Content {
  const row = (what: string, name: string, before?: PortInfo, after?: PortInfo): readonly Content[] => [
    what,
    code(name),
    before ? typed(before) : html`<span class="added">not there</span>`,
    after ? typed(after) : html`<span class="removed">gone</span>`,
  ];
  const rows = (what: string, { removed, added, changed }: DiffReport['inputs']): readonly (readonly Content[])[] => [
    ...removed.map((port) => row(what, port.name, port)),
    ...added.map((port) => row(what, port.name, undefined, port)),
    ...changed.map(({ name, before, after }) => row(what, name, before, after)),
  ];
  const names = [
    ...functions.removed.map((name) => ['function', code(name), 'there', html`<span class="removed">gone</span>`]),
    ...functions.added.map((name) => ['function', code(name), html`<span class="added">not there</span>`, 'there']),
  ];
  const all = [...rows('input', inputs), ...rows('output', outputs), ...names];
  if (all.length === 0) return undefined;
  return section('Interface', table('Changed inputs, outputs and functions', ['', 'name', 'before', 'after'], all));
}

function typed({ dtype, shape }: Pick<PortInfo, 'dtype' | 'shape'>): string {
  return `${dtype ?? '?'}${shapeText(shape)}`;
}

function nodesPart({ operators, nodes }: DiffReport): Content {
  const counts = Object.entries(operators).map(([op, { before, after }]) => [
    code(op),
    grouped(before),
    grouped(after),
  ]);
  const groups = groupReplaced(nodes.replaced).map(({ before, after, places: list }) => [
    grouped(list.length),
    before === '' ? html`<span class="added">nothing</span>` : before,
    after === '' ? html`<span class="removed">nothing</span>` : after,
    places(list),
  ]);
  const changes = [...groupBy(nodes.changed, nodeChangeText)].map(([text, list]) => [
    grouped(list.length),
    text,
    places(list.map(({ before }) => before)),
  ]);
  if (counts.length + groups.length + changes.length === 0) return undefined;
  return section(
    'Nodes',
    table('Replaced, added and removed', [NUMBER('times'), 'before', 'after', 'where'], groups),
    table('Changed in place', [NUMBER('times'), 'what', 'where'], changes),
    table('Operators', ['operator', NUMBER('before'), NUMBER('after')], counts),
  );
}

function weightsPart({ weights }: DiffReport): Html {
  const { equal, changed, removed, added } = weights;
  const rows = changed.map((change) => [
    code(change.before.name),
    code(`${change.node}.${change.slot}`),
    weightChangeText(change),
  ]);
  const list = (refs: typeof removed): readonly (readonly Content[])[] =>
    refs.map(({ name, dtype, shape }) => [code(name), `${dtype}[${shape.join(', ')}]`]);
  return section(
    'Weights',
    html`<p>${grouped(equal)} are equal.</p>`,
    table('Changed', ['weight', 'read by', 'difference'], rows),
    table('Only before', ['weight', 'type'], list(removed)),
    table('Only after', ['weight', 'type'], list(added)),
  );
}

function shapesPart({ shapes }: DiffReport): Content {
  if (shapes.length === 0) return undefined;
  const groups = groupBy(shapes, ({ before, after }) => `${typed(before)} → ${typed(after)}`);
  const rows = [...groups].map(([text, list]) => [grouped(list.length), text, places(list.map(({ value }) => value))]);
  return section('Shapes', table('Inferred types that differ', [NUMBER('values'), 'type', 'where'], rows));
}

function residualPart({ residual }: DiffReport): Html {
  const { before, after, kept, changed, removed, added, norms } = residual;
  const row = (what: string, from: Content, to: Content): readonly Content[] => [what, from, to];
  const overview = [
    row('network', before.summary, after.summary),
    row('sites', before.sites, after.sites),
    row('kinds', countsText(before.kinds), countsText(after.kinds)),
    row('norms stand', countsText(before.placements), countsText(after.placements)),
    row('norms', countsText(before.normKinds), countsText(after.normKinds)),
  ];
  const groups = groupBy([...changed, ...norms], ({ facts: list }) => list.map(factText).join(', '));
  const rows = [...groups].map(([text, list]) => [grouped(list.length), text, places(list.map(({ node }) => node))]);
  const site = ({ kind, placement, branch, node }: (typeof removed)[number]): readonly Content[] => [
    kind,
    placement,
    branch.content,
    code(node),
  ];
  const columns = ['kind', 'norms stand', 'branch', 'node'];
  return section(
    'Residual structure',
    html`<p>${kept} sites kept, ${removed.length} removed, ${added.length} added.</p>`,
    table('Overview', ['', 'before', 'after'], overview),
    table('Sites and norms that changed', [NUMBER('times'), 'what', 'where'], rows),
    table('Sites that are gone', columns, removed.map(site)),
    table('New sites', columns, added.map(site)),
  );
}
