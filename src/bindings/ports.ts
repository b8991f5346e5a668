import { type Dim, symbol, symbols } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { Value } from '../ir/value.js';
import { type DimJson, shapeJson } from '../residual/report.js';
import { inferTypes, type Types } from '../shape/types.js';

/** An input or output of a model as its user meets it. */
export interface PortInfo {
  readonly name: string;
  /** Element type in the spelling of NumPy; `null` when unknown or when it is no tensor. */
  readonly dtype: string | null;
  /** Dims: a number, an expression over the model's symbols, or `null` when open or known only when it has run; `null` as a whole when the rank is unknown. */
  readonly shape: readonly DimJson[] | null;
  /** Whether a run may leave it out: it has a default value, or its type is optional. */
  readonly optional: boolean;
  /** Sequences and maps cannot be told by element type and dims alone. */
  readonly kind: 'tensor' | 'sequence' | 'map' | 'other';
}

/** The interface of a model. */
export interface Ports {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
}

/** Inputs and outputs in the order of the model; element types that it does not declare are inferred. */
export function describePorts(model: Model): Ports {
  const types = inferTypes(model);
  return {
    inputs: model.graph.inputs
      .filter(({ value }) => value.def.kind === 'input')
      .map(({ name, value, fallback }) => describe(types, name, value, fallback !== undefined)),
    outputs: model.graph.outputs.map(({ name, value }) => describe(types, name, value, false)),
  };
}

function describe(types: Types, name: string, value: Value, hasDefault: boolean): PortInfo {
  const type = types.of(value);
  const inner = type?.kind === 'optional' ? type.element : type;
  const optional = hasDefault || type?.kind === 'optional';
  const named = (dim: Dim): Dim => ([...symbols(dim)].some((name) => types.isFresh(symbol(name))) ? null : dim);
  if (inner === undefined || inner.kind === 'tensor') {
    return { name, kind: 'tensor', dtype: inner?.dtype ?? null, shape: shapeJson(inner?.shape?.map(named)), optional };
  }
  const kind = inner.kind === 'sequence' || inner.kind === 'map' ? inner.kind : 'other';
  return { name, kind, dtype: null, shape: null, optional };
}
