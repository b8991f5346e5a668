import { decodeOperator } from './decode.js';
import type { AttributeSchema, FormalParameter, OpSchema } from './decode.js';
import { TABLE as MICROSOFT_NCHWC } from './tables/microsoft-nchwc.js';
import { TABLE as MICROSOFT_NHWC } from './tables/microsoft-nhwc.js';
import { TABLE as MICROSOFT } from './tables/microsoft.js';
import { TABLE as ONNX_ML } from './tables/onnx-ml.js';
import { TABLE as ONNX_PREVIEW_TRAINING } from './tables/onnx-preview-training.js';
import { TABLE as ONNX_PREVIEW } from './tables/onnx-preview.js';
import { TABLE as ONNX } from './tables/onnx.js';

export type { AttributeKind, AttributeSchema, FormalParameter, OpSchema } from './decode.js';

const TABLES: Readonly<Record<string, string>> = {
  '': ONNX,
  'ai.onnx.ml': ONNX_ML,
  'ai.onnx.preview': ONNX_PREVIEW,
  'ai.onnx.preview.training': ONNX_PREVIEW_TRAINING,
  'com.microsoft': MICROSOFT,
  'com.microsoft.nchwc': MICROSOFT_NCHWC,
  'com.ms.internal.nhwc': MICROSOFT_NHWC,
};

/** Operators of one domain: their lines of the table, replaced by versions (oldest first) once asked for. */
type Operators = Map<string, string | readonly OpSchema[]>;

const domains = new Map<string, Operators>();

function operatorsOf(domain: string): Operators | undefined {
  const known = domains.get(domain);
  if (known) return known;
  const table = Object.hasOwn(TABLES, domain) ? TABLES[domain] : undefined;
  if (table === undefined) return undefined;
  const lines = table.trim().split('\n');
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
  const versions = decodeOperator(key, entry);
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

/** Names of all operators of a domain, sorted by code unit; empty for an unknown domain. */
export function operatorNames(domain: string): readonly string[] {
  return [...(operatorsOf(normalizeDomain(domain))?.keys() ?? [])];
}

/** Every domain with schemas, the default one as `''`. */
export const SCHEMA_DOMAINS: readonly string[] = Object.keys(TABLES);

const latest = new Map<string, number>();

/** The newest opset version at which an operator of the domain changed; `undefined` for an unknown domain. O(operators) on the first call. */
export function latestOpset(domain: string): number | undefined {
  const key = normalizeDomain(domain);
  const known = latest.get(key);
  if (known !== undefined) return known;
  const names = operatorNames(key);
  if (names.length === 0) return undefined;
  let newest = 0;
  for (const name of names) newest = Math.max(newest, schemaVersions(key, name).at(-1)?.since ?? 0);
  latest.set(key, newest);
  return newest;
}

/** The default of an attribute at an opset; `undefined` when operator or attribute is unknown there or it has none. */
export function attributeDefault(
  domain: string,
  op: string,
  attribute: string,
  opset: number,
): AttributeSchema['default'] {
  return findSchema(domain, op, opset)?.attributes.get(attribute)?.default;
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
