import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../src/numerics/ort-node.js';
import { reportOf, withoutMeasurements } from './support/fixture-report.js';
import { type FixtureResult, runFixture } from './support/fixture-run.js';
import { type Fixture, listFixtures } from './support/fixtures.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const blessing = process.env['RESONNX_BLESS'] === '1';
const fixtures = listFixtures();

/** The pass's report of changes is true both ways. */
function expectTruth({ before, after, rewrites }: FixtureResult): void {
  if (rewrites === 0) expect(after).toBe(before);
  else expect(after).not.toBe(before);
}

function expectKind(fixture: Fixture, result: FixtureResult): void {
  const { rewrites, diagnostics, numbers } = result;
  const close = (numbers ?? []).map(({ name, comparison, tolerance }) => ({
    name,
    close: tolerance.absolute === 0 && tolerance.relative === 0 ? comparison.identical : comparison.close,
  }));
  switch (fixture.kind) {
    case 'plain':
      expect(rewrites).toBeGreaterThan(0);
      break;
    case 'keep':
    case 'todo':
      expect(rewrites).toBe(0);
      break;
    case 'error':
      expect(diagnostics.filter(({ severity }) => severity === 'error')).not.toEqual([]);
      break;
    case 'bug':
      expect(close.filter((output) => !output.close)).not.toEqual([]);
      return;
  }
  if (fixture.rewrites !== undefined) expect(rewrites).toBe(fixture.rewrites);
  expect(close.filter((output) => !output.close)).toEqual([]);
}

function expectGolden(fixture: Fixture, result: FixtureResult): void {
  const report = reportOf(fixture, result);
  const golden = existsSync(fixture.golden) ? readFileSync(fixture.golden, 'utf8') : '';
  if (withoutMeasurements(golden) === withoutMeasurements(report)) return;
  if (blessing) writeFileSync(fixture.golden, report);
  else expect(withoutMeasurements(report)).toBe(withoutMeasurements(golden));
}

for (const folder of new Set(fixtures.map((fixture) => fixture.folder))) {
  const own = fixtures.filter((fixture) => fixture.folder === folder);
  describe(folder, () => {
    test('has a near miss', () => {
      expect(own.filter((fixture) => fixture.kind === 'keep')).not.toEqual([]);
    });
    test.each(own.map((fixture) => [fixture.name, fixture] as const))('%s', async (_, fixture) => {
      expect(fixture.passes.at(-1)).toBe(folder);
      const result = await runFixture(fixture, runtime);
      expectTruth(result);
      expectKind(fixture, result);
      expectGolden(fixture, result);
    });
  });
}

test('there are fixtures', () => {
  expect(fixtures.length).toBeGreaterThan(0);
});
