import type pc from 'picocolors';
import type { Inspection, ValueJson } from '../api/inspect.js';
import { renderDiagnostic } from '../diagnostics/render.js';
import type { SiteJson } from '../residual/report.js';

type Colors = ReturnType<typeof pc.createColors>;

/** An inspection for people: model, summary, sites by stream, findings. */
export function inspectionText(report: Inspection, colors: Colors): string {
  const { model, residual, findings, values } = report;
  const lines = [colors.bold(report.file), ...modelLines(model), ''];
  const counts = Object.entries(residual.kinds).map(([kind, count]) => `${count} ${kind}`);
  lines.push(`residual sites: ${residual.blocks}${counts.length > 0 ? ` (${counts.join(', ')})` : ''}`);
  const norms = Object.entries(residual.normKinds).map(([kind, count]) => `${count} ${kind}`);
  lines.push(`norms: ${norms.length > 0 ? norms.join(', ') : 'none'}${normNotes(residual)}`);
  if (residual.blocks > 0) {
    const { count, expectedLength } = residual.paths;
    lines.push(`paths: ${short(count)}, ${expectedLength} blocks long on average`);
  }
  for (const stream of residual.streams) {
    lines.push('', colors.bold(`stream ${stream.id}`) + ` ${shapeText(stream.shape)}, ${plural(stream.sites, 'site')}`);
    lines.push(...runs(residual.sites.filter((site) => site.stream === stream.id)).map((run) => `  ${runText(run)}`));
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
    `  ${plural(model.nodesAllGraphs, 'node')}, ${model.parameters.toLocaleString('en-US')} parameters, ${model.bytes.toLocaleString('en-US')} bytes, opset ${opsets.join(', ')}${model.producer === '' ? '' : `, by ${model.producer}`}`,
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

/** Neighbouring sites that look alike. */
interface Run {
  readonly first: SiteJson;
  readonly last: SiteJson;
  readonly count: number;
}

function runs(sites: readonly SiteJson[]): Run[] {
  const found: Run[] = [];
  for (const site of sites) {
    const before = found.at(-1);
    if (before && key(before.first) === key(site))
      found[found.length - 1] = { ...before, last: site, count: before.count + 1 };
    else found.push({ first: site, last: site, count: 1 });
  }
  return found;
}

function key({ kind, placement, branch, branches, shape }: SiteJson): string {
  return [kind, placement, branch.content, branches, shapeText(shape)].join('|');
}

function runText({ first, last, count }: Run): string {
  const ids = count === 1 ? first.id : `${first.id}–${last.id}`;
  const times = count === 1 ? '' : ` ×${count}`;
  const content = first.branches > 1 ? `${first.branches} branches` : first.branch.content;
  const columns = [
    ids.padEnd(10),
    first.kind.padEnd(14),
    first.placement.padEnd(15),
    content.padEnd(20),
    shapeText(first.shape),
  ];
  return `${columns.join(' ')}${times}  ${first.node}`;
}

function valueText({ name, dtype, shape }: ValueJson): string {
  return `${name}: ${dtype ?? '?'}${shapeText(shape)}`;
}

function shapeText(shape: ValueJson['shape']): string {
  return shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : '[…]';
}

function short(count: string): string {
  return count.length <= 12 ? count : `about 10^${count.length - 1}`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
