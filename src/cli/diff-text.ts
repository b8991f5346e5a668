import type pc from 'picocolors';
import type { DiffReport } from '../api/diff.js';
import {
  countsText,
  factText,
  grouped,
  groupBy,
  groupReplaced,
  nodeChangeText,
  plural,
  shapeText,
  weightChangeText,
} from '../report/words.js';

type Colors = ReturnType<typeof pc.createColors>;

/** Entries of one list that are shown. */
const SHOWN = 12;
/** Places that are named of changes that are alike. */
const PLACES = 3;

/** A comparison for people. */
export function diffText(report: DiffReport, colors: Colors): string {
  const lines = [colors.bold(`${report.a} → ${report.b}`)];
  if (report.same) return `${lines[0]}\n  the same model, names aside\n`;
  lines.push(...modelLines(report), ...interfaceLines(report));
  const { replaced, changed, matched } = report.nodes;
  lines.push('', colors.bold('nodes') + `, ${plural(matched, 'node')} matched`);
  lines.push(...operatorLines(report));
  const groups = groupReplaced(replaced).map(({ kind, before, after, places }) => {
    const what = kind === 'replaced' ? `${before} → ${after}` : kind === 'added' ? `+ ${after}` : `- ${before}`;
    return `${times(places)}${what}${at(places)}`;
  });
  lines.push(...shown(groups));
  const changes = [...groupBy(changed, nodeChangeText)].map(([text, list]) => {
    const places = list.map(({ before }) => before);
    return `${times(places)}${text}${at(places)}`;
  });
  lines.push(...shown(changes), '', colors.bold('weights'), ...weightLines(report.weights));
  if (report.shapes.length > 0) lines.push('', colors.bold('shapes'), ...shapeLines(report.shapes));
  lines.push('', colors.bold('residual structure'), ...residualLines(report.residual));
  return `${lines.join('\n')}\n`;
}

function modelLines({ model }: DiffReport): string[] {
  const change = (what: string, { before, after }: { before: number; after: number }): string =>
    before === after ? `${what} ${grouped(before)}` : `${what} ${grouped(before)} → ${grouped(after)}`;
  const { nodes, parameters, bytes, opsets, functions } = model;
  const lines = [`  ${[change('nodes', nodes), change('parameters', parameters), change('bytes', bytes)].join(', ')}`];
  for (const [domain, { before, after }] of Object.entries(opsets)) {
    lines.push(`  opset ${domain} ${before ?? 'none'} → ${after ?? 'none'}`);
  }
  for (const name of functions.removed) lines.push(`  - function ${name}`);
  for (const name of functions.added) lines.push(`  + function ${name}`);
  return lines;
}

function interfaceLines({ inputs, outputs }: DiffReport): string[] {
  const typed = ({ dtype, shape }: DiffReport['inputs']['added'][number]): string =>
    `${dtype ?? '?'}${shapeText(shape)}`;
  return [['input', inputs] as const, ['output', outputs] as const].flatMap(([what, { removed, added, changed }]) => [
    ...removed.map((port) => `  - ${what} ${port.name}: ${typed(port)}`),
    ...added.map((port) => `  + ${what} ${port.name}: ${typed(port)}`),
    ...changed.map(({ name, before, after }) => `  ${what} ${name}: ${typed(before)} → ${typed(after)}`),
  ]);
}

function operatorLines({ operators }: DiffReport): string[] {
  const list = Object.entries(operators).map(([op, { before, after }]) => `${op} ${before} → ${after}`);
  return list.length > 0 ? [`  ${list.join(', ')}`] : [];
}

function weightLines({ equal, changed, removed, added }: DiffReport['weights']): string[] {
  const counts = [`${grouped(equal)} equal`];
  if (changed.length > 0) counts.push(`${grouped(changed.length)} changed`);
  if (removed.length > 0) counts.push(`${grouped(removed.length)} only before`);
  if (added.length > 0) counts.push(`${grouped(added.length)} only after`);
  const lines = changed.map(
    (change) => `${change.node}.${change.slot} ${change.before.name}: ${weightChangeText(change)}`,
  );
  return [`  ${counts.join(', ')}`, ...shown(lines)];
}

function shapeLines(shapes: DiffReport['shapes']): string[] {
  const text = ({ dtype, shape }: DiffReport['shapes'][number]['before']): string =>
    `${dtype ?? '?'}${shapeText(shape)}`;
  const groups = [...groupBy(shapes, ({ before, after }) => `${text(before)} → ${text(after)}`)];
  return shown(groups.map(([change, list]) => `${times(list)}${change}${at(list.map(({ value }) => value))}`));
}

function residualLines({ before, after, kept, changed, removed, added, norms }: DiffReport['residual']): string[] {
  const lines = [
    `  ${before.summary}`,
    ...(after.summary === before.summary ? [] : [`  → ${after.summary}`]),
    `  sites: ${kept} kept, ${removed.length} removed, ${added.length} added`,
  ];
  const count = (what: string, from: object, to: object): void => {
    const [a, b] = [countsText(from as Record<string, number>), countsText(to as Record<string, number>)];
    if (a !== b) lines.push(`  ${what}: ${a} → ${b}`);
  };
  count('kinds', before.kinds, after.kinds);
  count('placements', before.placements, after.placements);
  count('norms', before.normKinds, after.normKinds);
  const facts = [...groupBy([...changed, ...norms], ({ facts: list }) => list.map(factText).join(', '))];
  lines.push(...shown(facts.map(([text, list]) => `${times(list)}${text}${at(list.map(({ node }) => node))}`)));
  for (const [sign, list] of [
    ['-', removed],
    ['+', added],
  ] as const) {
    lines.push(
      ...shown(
        list.map(({ kind, placement, node, branch }) => `${sign} ${kind} ${branch.content}, ${placement}, at ${node}`),
      ),
    );
  }
  return lines;
}

function times(list: readonly unknown[]): string {
  return list.length > 1 ? `${list.length} × ` : '';
}

function at(places: readonly string[]): string {
  const rest = places.length - PLACES;
  return `  at ${places.slice(0, PLACES).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function shown(lines: readonly string[]): string[] {
  const rest = lines.length - SHOWN;
  return [
    ...lines.slice(0, SHOWN).map((line) => `  ${line}`),
    ...(rest > 0 ? [`  and ${rest} more (--json has all)`] : []),
  ];
}
