/** What a pass that is written outside the package is tested with: `resonnx/testing`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelOf } from '../ir/path.js';
import type { Runtime } from '../numerics/runtime.js';
import type { Target } from '../pass/pass.js';
import { Pipeline } from '../pass/pipeline.js';
import type { AnyPass } from '../pass/run.js';
import { emitText } from './emit-bytes.js';
import { loadText } from './load-text.js';
import { optimize } from './optimize.js';
import type { Reverted, Verification } from './report.js';

/** What a pass did to a model. */
export interface PassCheck {
  /** ONNX text. */
  readonly before: string;
  readonly after: string;
  readonly rewrites: number;
  /** Why rules did not fire, nearest misses only: `rule at node: reason`. */
  readonly declined: readonly string[];
  /** Rewrites that verification refuted. */
  readonly reverted: readonly Reverted[];
  readonly verification: Verification;
}

/** Options of {@link checkPass}. */
export interface CheckOptions {
  readonly runtime?: Runtime;
  readonly target?: Target;
}

/**
 * Runs a pass on a model in ONNX text: all invariants of the IR are checked after it, each rewrite and the whole model are compared
 * with the original on made inputs. For passes of the semantics `exact` and `equivalent`.
 * @throws InvariantError where the pass breaks the model
 */
export async function checkPass(pass: AnyPass, text: string, options: CheckOptions = {}): Promise<PassCheck> {
  const model = loadText(text);
  const before = emitText(model);
  const declined: string[] = [];
  const { model: after, report } = await optimize(model, {
    ...options,
    pipeline: new Pipeline().run(pass),
    maxGrowth: Infinity,
    verifyEach: true,
    onDeclined: ({ rule, node, reason }) => declined.push(`${rule} at ${labelOf(node)}: ${reason}`),
  });
  const { passes, reverted, verification } = report;
  const rewrites = passes.reduce((sum, each) => sum + each.rewrites, 0);
  return { before, after: emitText(after), rewrites, declined, reverted, verification };
}

/** A fixture with what is wrong; empty when all is as it should be. */
export interface FixtureCheck {
  readonly name: string;
  readonly problems: readonly string[];
}

/**
 * Checks a pass on every `*.onnxtxt` of a folder. A comment `# expect: rewrites=N` says how often it has to fire; in files named
 * `keep.*` it must not fire at all.
 */
export async function checkFixtures(
  pass: AnyPass,
  folder: string,
  options: CheckOptions = {},
): Promise<readonly FixtureCheck[]> {
  const checks: FixtureCheck[] = [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnxtxt'));
  for (const name of names.sort()) {
    const text = readFileSync(join(folder, name), 'utf8');
    checks.push({ name, problems: problemsOf(name, text, await checkPass(pass, text, options)) });
  }
  return checks;
}

function problemsOf(name: string, text: string, { rewrites, reverted, verification, declined }: PassCheck): string[] {
  const stated = /^#\s*expect:.*\brewrites=(\d+)/m.exec(text)?.[1];
  const expected = name.startsWith('keep.') ? 0 : Number(stated ?? NaN);
  const problems: string[] = [];
  if (Number.isNaN(expected)) problems.push('it says neither "# expect: rewrites=N" nor keep.* in its name');
  else if (rewrites !== expected)
    problems.push([`${rewrites} rewrites instead of ${expected}`, ...declined].join('; '));
  for (const { site, why } of reverted) problems.push(`refuted at ${site}: ${why}`);
  if (verification.status !== 'verified') problems.push(`${verification.status}: ${verification.why ?? ''}`);
  return problems;
}
