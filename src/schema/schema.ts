import { decodeOperator } from './decode.js';
import type { AttributeSchema, FormalParameter, OpSchema } from './decode.js';
import { TABLES as MICROSOFT_TABLES } from './tables/microsoft.js';
import { TABLES as ONNX_TABLES } from './tables/onnx.js';

export type { AttributeKind, AttributeSchema, FormalParameter, OpSchema } from './decode.js';

const TABLES: Readonly<Record<string, string>> = { ...ONNX_TABLES, ...MICROSOFT_TABLES };

/** Table of what onnxruntime adds to the default domain. */
const RUNTIME = 'onnxruntime:ai.onnx';

/** Operators of one domain: their lines of the table, replaced by versions (oldest first) once asked for. */
type Operators = Map<string, string | readonly OpSchema[]>;

const domains = new Map<string, Operators>();

function operatorsOf(domain: string): Operators | undefined {
  const known = domains.get(domain);
  if (known) return known;
  if (!Object.hasOwn(TABLES, domain)) return undefined;
  const lines = (TABLES[domain] ?? '').trim().split('\n');
  const operators: Operators = new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line]));
  domains.set(domain, operators);
  return operators;
}

/** `''` for the two spellings of the default domain (`''` and `ai.onnx`), any other domain as it is. */
export function normalizeDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/** Every version of an operator, oldest first; empty when the domain or the operator is unknown. O(1) after the first call. */
export function schemaVersions(domain: string, op: string): readonly OpSchema[] {
  const key = normalizeDomain(domain);
  const operators = operatorsOf(key);
  const entry = operators?.get(op);
  if (operators === undefined || entry === undefined) return [];
  if (typeof entry !== 'string') return entry;
  const versions = decodeOperator(key === RUNTIME ? '' : key, entry);
  operators.set(op, versions);
  return versions;
}

/**
 * The version of an operator in force at an opset of its domain: that with the greatest `since` ≤ `opset`, deprecated
 * ones included. `undefined` when the domain or operator is unknown, or the operator came later than `opset`.
 */
export function findSchema(domain: string, op: string, opset: number): OpSchema | undefined {
  return schemaVersions(domain, op).findLast((schema) => schema.since <= opset);
}

/**
 * {@link findSchema}, and for the default domain also what onnxruntime adds to it: SimplifiedLayerNormalization, and
 * LayerNormalization below opset 17. Its optimizer writes both; the standard knows neither, so that models may be read
 * by this schema but nothing may be built by it.
 */
export function findRuntimeSchema(domain: string, op: string, opset: number): OpSchema | undefined {
  return findSchema(domain, op, opset) ?? (normalizeDomain(domain) === '' ? findSchema(RUNTIME, op, opset) : undefined);
}

/** Names of all operators of a domain, sorted by code unit; empty for an unknown domain. */
export function operatorNames(domain: string): readonly string[] {
  return [...(operatorsOf(normalizeDomain(domain))?.keys() ?? [])];
}

/** Every domain with schemas that a model may import, the default one as `''`. */
export const SCHEMA_DOMAINS: readonly string[] = Object.keys(TABLES).filter((domain) => domain !== RUNTIME);

const latest = new Map<string, number>();

/** The newest opset version at which an operator of the domain changed; `undefined` for an unknown domain. O(table) on the first call. */
export function latestOpset(domain: string): number | undefined {
  const key = normalizeDomain(domain);
  if (!Object.hasOwn(TABLES, key)) return undefined;
  const known = latest.get(key);
  if (known !== undefined) return known;
  let newest = 0;
  for (const [, since] of (TABLES[key] ?? '').matchAll(/ @(\d+)/g)) newest = Math.max(newest, Number(since));
  latest.set(key, newest);
  return newest;
}

/** The default of an attribute at an opset, by {@link findRuntimeSchema}; `undefined` when operator or attribute is unknown there or it has none. */
export function attributeDefault(
  domain: string,
  op: string,
  attribute: string,
  opset: number,
): AttributeSchema['default'] {
  return findRuntimeSchema(domain, op, opset)?.attributes.get(attribute)?.default;
}

function parameterAt(parameters: readonly FormalParameter[], index: number): FormalParameter | undefined {
  const last = parameters.at(-1);
  return parameters[index] ?? (index >= parameters.length && last?.option === 'Variadic' ? last : undefined);
}

/** The formal input that the input at `index` (0-based) belongs to; the last one of a variadic operator goes on forever. */
export function inputParameter(schema: OpSchema, index: number): FormalParameter | undefined {
  return parameterAt(schema.inputs, index);
}

/** The formal output that the output at `index` (0-based) belongs to. */
export function outputParameter(schema: OpSchema, index: number): FormalParameter | undefined {
  return parameterAt(schema.outputs, index);
}
