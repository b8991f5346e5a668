import type { Inspection, ValueJson } from '../api/inspect.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { renderPlace } from '../diagnostics/render.js';
import type { SiteJson } from '../residual/report.js';
import { stageFigure } from './figure.js';
import { type Content, type Html, html } from './html.js';
import { code, facts, page, section, table } from './page.js';
import { countsText, grouped, json, pathsText, real, shapeText } from './words.js';

const NUMBER = (title: string): { readonly title: string; readonly isNumber: true } => ({ title, isNumber: true });

/** The anatomy of models as one HTML file: interface, operators, streams drawn, sites, norms, findings. */
export function inspectPage(reports: readonly Inspection[]): string {
  const title = reports.length === 1 ? reports[0]!.file : `${reports.length} models`;
  return page(`${title} · resonnx`, reports.map(anatomy));
}

function anatomy(report: Inspection): Html {
  const { model, residual, findings, values } = report;
  const opsets = Object.entries(model.opsets).map(([domain, version]) => `${domain} ${version}`);
  return html`<h1>${report.file}</h1>
    <p>${residual.summary}</p>
    ${facts([
      ['nodes', grouped(model.nodesAllGraphs)],
      ['parameters', grouped(model.parameters)],
      ['bytes', grouped(model.bytes)],
      ['opset', opsets.join(', ')],
      ['made by', model.producer || 'unknown'],
      ['residual sites', residual.blocks],
    ])}${section('Interface', ports('Inputs', model.inputs), ports('Outputs', model.outputs))}
    ${section('Residual structure', residualParts(report))}
    ${
      findings.length > 0
        ? section(
            'Findings',
            html`<ul>
              ${findings.map(finding)}
            </ul>`,
          )
        : ''
    }
    ${section('Operators', operators(model.operators))}
    ${values ? section('Values', ports('Values of all graphs', values)) : ''}`;
}

function ports(caption: string, values: readonly ValueJson[]): Html {
  const rows = values.map(({ name, dtype, shape }) => [code(name), dtype ?? 'unknown', shapeText(shape)]);
  return table(caption, ['name', 'element type', 'dims'], rows);
}

function residualParts({ residual }: Inspection): Content {
  if (residual.blocks === 0) return [html`<p>No residual connections.</p>`, norms(residual)];
  const sites = new Map(residual.sites.map((site) => [site.id, site]));
  const streams = residual.streams.map((stream) => {
    const stages = residual.stages.filter((stage) => stage.stream === stream.id);
    const figures = stages.map((stage) => {
      const shape = shapeText(sites.get(stage.sites[0] ?? '')?.shape ?? null);
      return html`<p class="soft">${shape}</p>
        ${stageFigure(stage, sites)}`;
    });
    return html`<h3>Stream ${stream.id}</h3>
      ${figures}`;
  });
  const { count, expectedLength } = residual.paths;
  return [
    html`<p>
      Kinds: ${countsText(residual.kinds)}. Norms: ${countsText(residual.normKinds)}. Paths: ${pathsText(count)},
      ${real(expectedLength)} blocks long on average.
    </p>`,
    streams,
    siteTable(residual.sites),
    norms(residual),
  ];
}

function siteTable(sites: readonly SiteJson[]): Html {
  const rows = sites.map(({ id, kind, placement, branch, shape, node, stream, description }) => [
    id,
    stream,
    kind,
    placement,
    branch.content,
    grouped(branch.parameters),
    shapeText(shape),
    code(node),
    description,
  ]);
  const columns = [
    'site',
    'stream',
    'kind',
    'norms stand',
    'branch',
    NUMBER('parameters'),
    'dims',
    'node',
    'what it does',
  ];
  return table('Sites', columns, rows);
}

function norms({ norms: list }: Inspection['residual']): Html {
  const rows = list.map(({ id, kind, role, site, spelling, axis, epsilon, node }) => [
    id,
    kind,
    role,
    site ?? '',
    spelling,
    json(axis),
    epsilon === null ? 'none' : real(Number(epsilon)),
    code(node),
  ]);
  return table('Norms', ['norm', 'kind', 'role', 'site', 'spelling', NUMBER('axis'), NUMBER('epsilon'), 'node'], rows);
}

function finding(each: Diagnostic): Html {
  const hint = each.hint === undefined ? '' : html`<br /><span class="soft">${each.hint}</span>`;
  return html`<li>
    <strong class="${each.severity}">${each.severity}</strong> ${code(each.code)}: ${each.message}<br /><span
      class="soft"
      >${renderPlace(each.at)}</span
    >${hint}
  </li> `;
}

function operators(counts: Readonly<Record<string, number>>): Html {
  const rows = Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([op, count]) => [code(op), grouped(count)]);
  return table('Operators by number', ['operator', NUMBER('nodes')], rows);
}
