import { z } from 'zod';
import { change, count, dims, open, operators, real, site, weight } from './schema-parts.js';

const fact = open({ name: z.string(), before: z.unknown(), after: z.unknown() });
const counted = z.record(z.string(), open({ before: count.nullable(), after: count.nullable() }));
const port = open({
  name: z.string(),
  kind: z.string(),
  dtype: z.string().nullable(),
  shape: dims,
  optional: z.boolean(),
});
const portChange = open({ name: z.string(), before: port, after: port });
const ports = open({ removed: z.array(port), added: z.array(port), changed: z.array(portChange) });
const nodeRef = open({ node: z.string(), op: z.string() });
const inferred = open({ dtype: z.string().nullable(), shape: dims });
const siteChange = open({ before: z.string(), after: z.string(), node: z.string(), facts: z.array(fact) });
const residualSummary = open({
  summary: z.string(),
  sites: count,
  kinds: operators,
  placements: operators,
  normKinds: operators,
});

/** The report of `diff`. */
export const diffed = open({
  schema: z.literal('resonnx/diff@1'),
  a: z.string(),
  b: z.string(),
  same: z.boolean(),
  model: open({
    nodes: change,
    parameters: change,
    bytes: change,
    irVersion: change,
    opsets: counted,
    functions: open({ removed: z.array(z.string()), added: z.array(z.string()) }),
  }),
  inputs: ports,
  outputs: ports,
  operators: counted,
  nodes: open({
    matched: count,
    changed: z.array(
      open({
        before: z.string(),
        after: z.string(),
        op: z.string(),
        attributes: z.record(z.string(), open({ before: z.unknown(), after: z.unknown() })),
        inputs: z.record(z.string(), open({ before: z.string().nullable(), after: z.string().nullable() })),
      }),
    ),
    replaced: z.array(open({ removed: z.array(nodeRef), added: z.array(nodeRef) })),
  }),
  weights: open({
    equal: count,
    changed: z.array(
      open({
        node: z.string(),
        slot: z.string(),
        before: weight,
        after: weight,
        difference: open({ elements: count, maxAbs: real, maxRel: real }).nullable(),
      }),
    ),
    removed: z.array(weight),
    added: z.array(weight),
  }),
  shapes: z.array(open({ value: z.string(), node: z.string(), before: inferred, after: inferred })),
  residual: open({
    before: residualSummary,
    after: residualSummary,
    kept: count,
    changed: z.array(siteChange),
    removed: z.array(site),
    added: z.array(site),
    norms: z.array(siteChange),
  }),
});
