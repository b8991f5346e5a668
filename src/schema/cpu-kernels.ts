import type { FormalParameter, OpSchema } from './decode.js';
import { normalizeDomain } from './schema.js';
import { TABLES } from './tables/cpu-kernels.js';
import { decodeTypes } from './types.js';

/**
 * One kernel (or several of the same versions taken together) of onnxruntime's CPU provider. The table is
 * of use to few commands: import this module only where it is needed.
 */
export interface CpuKernel {
  /** First operator version, by its `since`. */
  readonly from: number;
  /** Last operator version; `Infinity` for an open end. */
  readonly to: number;
  /** Types by the name of a type constraint, or of an input or output. What it doesn't name, the kernel accepts. */
  readonly types: ReadonlyMap<string, readonly string[]>;
}

const decoded = new Map<string, readonly CpuKernel[]>();

function decodeKernel(text: string): CpuKernel {
  const [versions = '', constraints = ''] = text.split('|');
  const [from = '', to = ''] = versions.split('-');
  const items = constraints === '' ? [] : constraints.split(';');
  return {
    from: Number(from),
    to: to === '' ? Number.POSITIVE_INFINITY : Number(to),
    types: new Map(
      items.map((item) => {
        const equals = item.indexOf('=');
        return [item.slice(0, equals), decodeTypes(item.slice(equals + 1))];
      }),
    ),
  };
}

function kernelsOf(domain: string, op: string): readonly CpuKernel[] {
  const key = `${domain} ${op}`;
  const known = decoded.get(key);
  if (known) return known;
  const table = Object.hasOwn(TABLES, domain) ? (TABLES[domain] ?? '') : '';
  const start = table.indexOf(`\n${op} @`);
  const line = start < 0 ? '' : table.slice(start + 1, table.indexOf('\n', start + 1));
  const kernels = line.split(' @').slice(1).map(decodeKernel);
  decoded.set(key, kernels);
  return kernels;
}

/** Operator version to look for: what {@link OpSchema} says of it. */
export type OperatorVersion = Pick<OpSchema, 'domain' | 'op' | 'since'>;

/**
 * The kernels that onnxruntime considers for an operator version. As in its registry a kernel with an open end stands
 * for the version at which it starts alone, one with an end for every version in between.
 */
export function cpuKernels({ domain, op, since }: OperatorVersion): readonly CpuKernel[] {
  return kernelsOf(normalizeDomain(domain), op).filter(
    ({ from, to }) => from === since || (Number.isFinite(to) && from <= since && since <= to),
  );
}

function accepts(
  kernel: CpuKernel,
  parameters: readonly FormalParameter[],
  types: readonly (string | undefined)[],
): boolean {
  return types.every((type, i) => {
    const parameter = parameters[i] ?? parameters.at(-1);
    if (type === undefined || parameter === undefined) return true;
    const allowed = kernel.types.get(parameter.type) ?? kernel.types.get(parameter.name);
    return allowed === undefined || allowed.includes(type);
  });
}

/**
 * Whether onnxruntime's CPU provider has a kernel for this operator version on values of these types (`tensor(float)`).
 * The types must be legal by the schema; `undefined` stands for an omitted or unknown value, which any kernel accepts. Operators without a kernel may still
 * run: onnxruntime expands those with a function body ({@link OpSchema.hasFunctionBody}).
 */
export function hasCpuKernel(
  schema: OpSchema,
  inputs: readonly (string | undefined)[],
  outputs: readonly (string | undefined)[] = [],
): boolean {
  return cpuKernels(schema).some(
    (kernel) => accepts(kernel, schema.inputs, inputs) && accepts(kernel, schema.outputs, outputs),
  );
}
