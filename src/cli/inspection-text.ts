import type pc from 'picocolors';
import type { Inspection, ValueJson } from '../api/inspect.js';
import { renderDiagnostic } from '../diagnostics/render.js';
import { grouped, pathsText, plural, shapeText } from '../report/words.js';
import type { SiteJson } from '../residual/report.js';

type Colors = ReturnType<typeof pc.createColors>;

/** An inspection for people: model, summary, sites by stream, findings. */
export function inspectionText(report: Inspection, colors: Colors): string {
  const { model, residual, findings, values } = report;
  const lines = [colors.bold(report.file), ...modelLines(model), ''];
  lines.push(residual.summary);
  const counts = Object.entries(residual.kinds).map(([kind, count]) => `${count} ${kind}`);
  lines.push(`residual sites: ${residual.blocks}${counts.length > 0 ? ` (${counts.join(', ')})` : ''}`);
  const norms = Object.entries(residual.normKinds).map(([kind, count]) => `${count} ${kind}`);
  lines.push(`norms: ${norms.length > 0 ? norms.join(', ') : 'none'}${normNotes(residual)}`);
  if (residual.blocks > 0) {
    const { count, expectedLength } = residual.paths;
    lines.push(`paths: ${pathsText(count)}, ${expectedLength} blocks long on average`);
  }
  const sites = new Map(residual.sites.map((site) => [site.id, site]));
  for (const stream of residual.streams) {
    lines.push('', colors.bold(`stream ${stream.id}`) + `, ${plural(stream.sites, 'site')}`);
    for (const stage of residual.stages) {
      if (stage.stream === stream.id) lines.push(...stageLines(stage, sites, colors));
    }
  }
  if (values) lines.push('', colors.bold('values'), ...values.map((value) => `  ${valueText(value)}`));
  if (findings.length > 0) lines.push('', colors.bold('findings'), ...findings.map((each) => renderDiagnostic(each)));
  return `${lines.join('\n')}\n`;
}

function modelLines(model: Inspection['model']): string[] {
  const opsets = Object.entries(model.opsets).map(([domain, version]) => `${domain} ${version}`);
  const operators = Object.entries(model.operators);
  const shown = operators.slice(0, 8).map(([op, count]) => `${op} ${count}`);
  const rest = operators.length > 8 ? `, and ${operators.length - 8} more` : '';
  return [
    `  ${plural(model.nodesAllGraphs, 'node')}, ${grouped(model.parameters)} parameters, ${grouped(model.bytes)} bytes, opset ${opsets.join(', ')}${model.producer === '' ? '' : `, by ${model.producer}`}`,
    ...model.inputs.map((value) => `  input  ${valueText(value)}`),
    ...model.outputs.map((value) => `  output ${valueText(value)}`),
    `  operators: ${shown.join(', ')}${rest}`,
  ];
}

function normNotes(residual: Inspection['residual']): string {
  const notes = [
    residual.embeddingNorm ? 'embedding norm' : '',
    residual.qkNorm ? 'QK-norm' : '',
    residual.finalNorm ? 'final norm' : '',
  ].filter((note) => note !== '');
  return notes.length > 0 ? ` (with ${notes.join(', ')})` : '';
}

/** One stage: its shape, then one row for every site of the layer that it repeats, then what is left over. */
function stageLines(
  stage: Inspection['residual']['stages'][number],
  byId: ReadonlyMap<string, SiteJson>,
  colors: Colors,
): string[] {
  const sites = stage.sites.flatMap((id) => byId.get(id) ?? []);
  const { layer, repeats } = stage;
  const shape = shapeText(sites[0]?.shape ?? null);
  const times = repeats > 1 ? `, ${repeats} × (${layer.join(', ')})` : '';
  const rest = sites.slice(layer.length * repeats);
  return [
    colors.dim(`  ${shape} ${plural(sites.length, 'site')}${times}`),
    ...sites.slice(0, layer.length).map((site) => `    ${siteText(site, repeats)}`),
    ...rest.map((site) => `    ${siteText(site, 1)}`),
  ];
}

function siteText(site: SiteJson, repeats: number): string {
  const content = site.branches > 1 ? `${site.branches} branches` : site.branch.content;
  const times = repeats > 1 ? `×${repeats}` : '';
  const columns = [site.id.padEnd(5), site.kind.padEnd(13), site.placement.padEnd(14), content.padEnd(18)];
  return `${columns.join(' ')} ${times.padEnd(4)} ${site.node}`;
}

function valueText({ name, dtype, shape }: ValueJson): string {
  return `${name}: ${dtype ?? '?'}${shapeText(shape)}`;
}
