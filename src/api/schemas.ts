import { z } from 'zod';
import { configSchema } from './config-schema.js';
import { diffed } from './schema-diff.js';
import { change, count, dims, open, operators, real, site, weight } from './schema-parts.js';

const semantics = z.enum(['exact', 'equivalent', 'identity-at-init', 'changes-function']);
const value = open({ name: z.string(), dtype: z.string().nullable(), shape: dims });
const place = open({
  file: z.string().optional(),
  path: z.string(),
  op: z.string().optional(),
  slot: z.string().optional(),
  line: z.int().optional(),
  col: z.int().optional(),
});

const diagnostic = open({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  message: z.string(),
  at: place,
  related: z.array(open({ at: place, note: z.string() })).optional(),
  hint: z.string().optional(),
});

const output = open({
  name: z.string(),
  maxAbs: real,
  maxRel: real,
  noiseFloor: real.nullable(),
  excluded: z.literal('nondeterministic').optional(),
});

const verification = open({
  status: z.enum(['verified', 'regions', 'reverted', 'mismatch', 'skipped', 'unverifiable']),
  method: z.enum(['whole', 'regions', 'whole+regions', 'unchanged', 'none']),
  why: z.string().optional(),
  samples: count,
  bindings: z.array(z.record(z.string(), count)),
  outputs: z.array(output),
  regions: count,
  distinctRegions: count,
});

const norm = open({
  id: z.string(),
  kind: z.string(),
  spelling: z.string(),
  role: z.string(),
  site: z.string().nullable(),
  axis: z.int().nullable(),
  epsilon: real.nullable(),
  node: z.string(),
});

const residual = open({
  blocks: count,
  kinds: operators,
  sites: z.array(site),
  streams: z.array(open({ id: z.string(), sites: count, shape: dims, finalNorm: z.string().nullable() })),
  normKinds: operators,
  norms: z.array(norm),
  finalNorm: z.boolean(),
  embeddingNorm: z.boolean(),
  qkNorm: z.boolean(),
  paths: open({ count: z.string(), expectedLength: real }),
});

const inspection = open({
  schema: z.literal('resonnx/inspect@1'),
  file: z.string(),
  model: open({
    irVersion: count,
    opsets: operators,
    producer: z.string(),
    nodes: count,
    nodesAllGraphs: count,
    functions: count,
    parameters: count,
    bytes: count,
    inputs: z.array(value),
    outputs: z.array(value),
    operators,
  }),
  residual,
  values: z.array(value).optional(),
  findings: z.array(diagnostic),
});

const optimized = open({
  schema: z.literal('resonnx/optimize@1'),
  nodes: change,
  bytes: change,
  operators: open({ before: operators, after: operators }),
  passes: z.array(open({ name: z.string(), semantics, rewrites: count, ms: z.number() })),
  reverted: z.array(open({ pass: z.string(), site: z.string(), why: z.string() })),
  verification,
});

const rewritten = open({
  schema: z.literal('resonnx/rewrite@1'),
  nodes: change,
  bytes: change,
  parameters: change,
  operators: open({ before: operators, after: operators }),
  operations: z.array(
    open({
      operation: z.string(),
      semantics,
      sites: z.array(z.string()),
      equations: open({ before: z.string(), after: z.string() }),
      parameters: open({ added: z.array(weight), removed: z.array(weight) }),
      verification: open({ status: z.string(), why: z.string().optional() }),
    }),
  ),
  verification: open({ status: z.enum(['verified', 'skipped']) }),
});

const verified = open({
  schema: z.literal('resonnx/verify@1'),
  verification,
  levels: z
    .array(open({ level: z.string(), original: z.string(), result: z.string(), why: z.string().optional() }))
    .optional(),
});

const made = open({ pass: z.string(), rule: z.string(), at: z.string() });

const checked = open({
  schema: z.literal('resonnx/check@1'),
  file: z.string(),
  errors: count,
  warnings: count,
  infos: count,
  findings: z.array(diagnostic),
});

/** What each command prints with `--json`, by command; new fields may come, none goes without another number in `schema`. */
export const REPORTS = {
  inspect: z.union([inspection, open({ schema: z.literal('resonnx/inspect@1'), files: z.array(inspection) })]),
  convert: open({
    schema: z.literal('resonnx/convert@1'),
    file: z.string(),
    out: z.string(),
    bytes: count,
    files: z.array(z.string()),
  }),
  check: z.union([checked, open({ schema: z.literal('resonnx/check@1'), files: z.array(checked) })]),
  optimize: optimized,
  rewrite: rewritten,
  verify: verified,
  diff: diffed,
  bisect: open({
    schema: z.literal('resonnx/bisect@1'),
    found: z.boolean(),
    rewrites: count,
    runs: count,
    rewrite: made.extend({ number: count }).optional(),
    value: open({ name: z.string(), node: z.string(), op: z.string(), maxRel: real }).optional(),
    why: z.string().optional(),
  }),
  explain: open({
    schema: z.literal('resonnx/explain@1'),
    pass: z.string(),
    node: z.string().optional(),
    rewrites: z.array(made),
    misses: z.array(open({ rule: z.string(), at: z.string(), op: z.string(), reason: z.string(), matched: count })),
  }),
  types: open({
    schema: z.literal('resonnx/types@1'),
    files: z.array(open({ file: z.string(), out: z.string(), stale: z.boolean() })),
  }),
  passes: open({
    schema: z.literal('resonnx/passes@1'),
    passes: z.array(
      open({
        name: z.string(),
        semantics,
        summary: z.string(),
        rules: z.record(z.string(), z.string()),
        options: z.array(open({ name: z.string(), type: z.string(), summary: z.string() })),
      }),
    ),
    optimize: z.array(z.string()),
  }),
  doctor: open({
    schema: z.literal('resonnx/doctor@1'),
    version: z.string(),
    node: z.string(),
    platform: z.string(),
    runtimes: z.array(
      open({ name: z.string(), version: z.string(), path: z.string(), providers: z.array(z.string()) }),
    ),
    runs: z.boolean(),
    why: z.string().optional(),
    config: z.string().nullable(),
  }),
} as const;

/** JSON Schemas by file name: of every report, and of the configuration file. */
export function jsonSchemas(): Readonly<Record<string, object>> {
  const all = { ...REPORTS, config: configSchema };
  return Object.fromEntries(
    Object.entries(all).map(([name, schema]) => [`${name}.schema.json`, z.toJSONSchema(schema, { io: 'input' })]),
  );
}
