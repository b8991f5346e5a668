import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tolerance } from '../../src/numerics/compare.js';
import type { Probe, Row, Special } from '../../src/numerics/probes.js';

const FIXTURES = resolve(dirname(fileURLToPath(import.meta.url)), '../../fixtures');

/**
 * What a fixture's name promises: `plain` the pass rewrites it · `keep` it must not change · `error` it must be diagnosed · `todo` it
 * is not rewritten yet · `bug` it is rewritten wrongly.
 */
export type FixtureKind = 'plain' | 'keep' | 'error' | 'todo' | 'bug';

/** How an input is filled. */
export interface InputSpec {
  readonly probe: Probe;
  readonly seed: number;
}

/** One `.onnxtxt` below `fixtures/passes/`, with what its leading comments say. */
export interface Fixture {
  /** Folder, and the pass under test. */
  readonly folder: string;
  /** File name without extension. */
  readonly name: string;
  readonly kind: FixtureKind;
  readonly path: string;
  readonly golden: string;
  readonly text: string;
  /** Passes to run in order; the last one is under test. */
  readonly passes: readonly string[];
  readonly rewrites: number | undefined;
  readonly inputs: ReadonlyMap<string, InputSpec>;
  readonly dims: ReadonlyMap<string, number>;
  readonly tolerance: Tolerance | undefined;
  readonly target: string | undefined;
  readonly growth: number;
  /** Why no runtime here can run it. */
  readonly unrunnable: string | undefined;
}

/** All fixtures of passes, or those in another folder of `fixtures/`, by folder and name. */
export function listFixtures(folder = 'passes'): readonly Fixture[] {
  const root = join(FIXTURES, folder);
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnxtxt'))
    .sort()
    .map((file) => readFixture(join(root, file)));
}

function readFixture(path: string): Fixture {
  const text = readFileSync(path, 'utf8');
  const name = basename(path, '.onnxtxt');
  const folder = basename(dirname(path));
  const header = readHeader(text, path);
  const one = (key: string): string | undefined => header.get(key)?.[0];
  const prefix = /^(keep|error|todo|bug)\./.exec(name)?.[1] as FixtureKind | undefined;
  return {
    folder,
    name,
    kind: prefix ?? 'plain',
    path,
    golden: path.replace(/\.onnxtxt$/, '.expect.md'),
    text,
    passes: one('pass')?.split(/\s*,\s*/) ?? [folder],
    rewrites: numberIn(one('expect'), 'rewrites'),
    inputs: new Map((header.get('input') ?? []).map(readInput)),
    dims: new Map([...(one('dims') ?? '').matchAll(/(\w+)=(\d+)/g)].map(([, dim, size]) => [dim!, Number(size)])),
    tolerance: readTolerance(one('tol')),
    target: one('target'),
    growth: Number(one('growth') ?? 0),
    unrunnable: one('unrunnable'),
  };
}

const KEYS = ['pass', 'expect', 'input', 'dims', 'tol', 'target', 'growth', 'unrunnable'];

/** The leading lines `# key: value`; other comments among them are prose. */
function readHeader(text: string, path: string): ReadonlyMap<string, readonly string[]> {
  const header = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('#')) break;
    const [, key, value] = /^# ([a-z]+):\s+(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    if (!KEYS.includes(key)) throw new Error(`${path}: unknown key ${key}`);
    header.set(key, [...(header.get(key) ?? []), value]);
  }
  return header;
}

function numberIn(text: string | undefined, key: string): number | undefined {
  const found = new RegExp(`(?:^|[\\s,(])${key}=(-?[0-9.e+-]+)`).exec(text ?? '');
  return found ? Number(found[1]) : undefined;
}

function readTolerance(text: string | undefined): Tolerance | undefined {
  if (text === undefined) return undefined;
  return { absolute: numberIn(text, 'atol') ?? 0, relative: numberIn(text, 'rtol') ?? 0 };
}

/** `X = rows(normal, constant, std=1e-3) seed=7`. */
function readInput(text: string): readonly [string, InputSpec] {
  const [, name, kind, args, rest] = /^(\S+)\s*=\s*([a-z]+)(?:\((.*?)\))?\s*(.*)$/.exec(text) ?? [];
  if (!name || !kind) throw new Error(`no input: ${text}`);
  const list = (args ?? '').split(/\s*,\s*/).filter((item) => item !== '');
  return [name, { probe: probeOf(kind, list, rest ?? ''), seed: numberIn(rest, 'seed') ?? 1 }];
}

function probeOf(kind: string, args: readonly string[], rest: string): Probe {
  const at = (index: number, otherwise: number): number => Number(args[index] ?? otherwise);
  switch (kind) {
    case 'normal':
      return { kind, mean: numberIn(args.join(' '), 'mean') ?? 0, std: numberIn(args.join(' '), 'std') ?? 1 };
    case 'uniform':
      return { kind, low: at(0, 0), high: at(1, 1) };
    case 'integers':
      return { kind, low: BigInt(at(0, 0)), high: BigInt(at(1, 1)) };
    case 'lengths':
      return { kind, max: at(0, 2) };
    case 'rows':
      return { kind, rows: args.map(rowOf), axes: [numberIn(rest, 'axis') ?? -1] };
    case 'specials':
      return { kind, base: { kind: 'normal', mean: 0, std: 1 }, values: args as readonly Special[] };
    case 'mask':
    case 'positive':
    case 'nonzero':
    case 'extremes':
    case 'text':
      return { kind };
    default:
      throw new Error(`no probe ${kind}`);
  }
}

function rowOf(text: string): Row {
  if (text === 'normal') return { mean: 0, std: 1 };
  if (text.includes('=')) return { mean: numberIn(text, 'mean') ?? 0, std: numberIn(text, 'std') ?? 1 };
  return text as Row;
}
