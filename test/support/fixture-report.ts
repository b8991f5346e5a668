import type { Tolerance } from '../../src/numerics/compare.js';
import type { Fixture } from './fixtures.js';
import type { FixtureResult, OutputNumbers } from './fixture-run.js';

/** The golden file of a fixture: what went in, what came out, why, and how exactly. */
export function reportOf(fixture: Fixture, result: FixtureResult): string {
  const changed = result.before !== result.after;
  const sections = [
    `# ${fixture.folder}: ${fixture.name}`,
    '## Input',
    block(fixture.text),
    '## After',
    changed ? block(result.after) : 'Unchanged.',
    '## Events',
    list(result.events),
    '## Diagnostics',
    list(
      result.diagnostics.map(
        ({ code, severity, message, at }) => `${severity} \`${code}\` at \`${at.path}\`: ${message}`,
      ),
    ),
    '## Numbers',
    numbers(fixture, result),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** The report without the errors that were measured: they differ in their last bits between processors. */
export function withoutMeasurements(report: string): string {
  return report.replace(/^(\| `.*\|)[^|]*\|[^|]*\|$/gm, '$1');
}

function block(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'None.' : items.map((item) => `- ${item}`).join('\n');
}

function numbers(fixture: Fixture, { numbers: all }: FixtureResult): string {
  if (fixture.unrunnable !== undefined) return `Not run: ${fixture.unrunnable}.`;
  if (!all) return 'Unchanged; the model runs.';
  return ['| output | type | tolerance | max abs | max rel |', '|---|---|---|---|---|', ...all.map(row)].join('\n');
}

function row({ name, type, tolerance, comparison }: OutputNumbers): string {
  const { maxAbs, maxRel } = comparison;
  return `| \`${name}\` | ${type} | ${showTolerance(tolerance)} | ${digits(maxAbs)} | ${digits(maxRel)} |`;
}

function showTolerance({ absolute, relative }: Tolerance): string {
  return absolute === 0 && relative === 0 ? 'none' : `atol ${digits(absolute)}, rtol ${digits(relative)}`;
}

function digits(value: number): string {
  return value === 0 ? '0' : value.toExponential(0);
}
