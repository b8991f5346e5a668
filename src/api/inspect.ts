import { conditionFindings } from '../analysis/conditions.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { graphPath } from '../ir/path.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Shape } from '../ir/type.js';
import { alignmentFindings } from '../residual/alignment.js';
import { type Anatomy, anatomyOf } from '../residual/anatomy.js';
import { findingsOf } from '../residual/findings.js';
import { type DimJson, type ResidualJson, residualJson, shapeJson } from '../residual/report.js';
import type { Types } from '../shape/types.js';
import { isFloat } from '../tensor/dtype.js';
import { inferBound } from './bind.js';
import { measureModel } from './encode.js';
import { countNodes, countOperators } from './report.js';

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** Sizes of the model's inputs by name; `null` keeps a dim. */
  readonly shapes?: ReadonlyMap<string, Shape>;
  /** Adds every value with its inferred type. */
  readonly values?: boolean;
}

/** A tensor of the interface, or a value. */
export interface ValueJson {
  readonly name: string;
  readonly dtype: string | null;
  readonly shape: readonly DimJson[] | null;
}

/** What {@link inspect} tells; the object of `inspect --json`. */
export interface Inspection {
  readonly schema: 'resonnx/inspect@1';
  readonly file: string;
  readonly model: {
    readonly irVersion: number;
    readonly opsets: Readonly<Record<string, number>>;
    readonly producer: string;
    readonly nodes: number;
    readonly nodesAllGraphs: number;
    readonly functions: number;
    /** Elements of all initializers. */
    readonly parameters: number;
    readonly bytes: number;
    readonly inputs: readonly ValueJson[];
    readonly outputs: readonly ValueJson[];
    readonly operators: Readonly<Record<string, number>>;
  };
  readonly residual: ResidualJson;
  readonly values?: readonly ValueJson[];
  readonly findings: readonly Diagnostic[];
}

/**
 * The anatomy of a model: interface, operators, residual streams and sites, norms, findings. The model stays as it is.
 * @throws ResonnxError `shape/binding`
 */
export function inspect(model: Model, options: InspectOptions = {}): Inspection {
  const types = inferBound(model, options.shapes);
  const anatomy = anatomyOf(model, types);
  return {
    schema: 'resonnx/inspect@1',
    file: model.source.name,
    model: describeModel(model, types),
    residual: residualJson(anatomy),
    ...(options.values && { values: listValues(model, types) }),
    findings: [...types.diagnostics, ...sizeFindings(model, anatomy, types), ...findingsOf(anatomy)],
  };
}

/** What is not proven equal: at residual sites, then elsewhere. */
function sizeFindings(model: Model, anatomy: Anatomy, types: Types): readonly Diagnostic[] {
  const sites = alignmentFindings(anatomy, types);
  const places = new Set(sites.map(({ at }) => at.path));
  return [...sites, ...conditionFindings(model, types).filter(({ at }) => !places.has(at.path))];
}

/** The model itself: interface, operators, sizes. */
export function describeModel(model: Model, types: Types): Inspection['model'] {
  const { producerName = '', producerVersion = '' } = model.proto;
  return {
    irVersion: model.irVersion,
    opsets: Object.fromEntries([...model.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    producer: [producerName, producerVersion].filter((part) => part !== '').join(' '),
    nodes: model.graph.nodes.size,
    nodesAllGraphs: countNodes(model),
    functions: model.functions.size,
    parameters: countParameters(model),
    bytes: model.source.bytes || measureModel(model),
    inputs: model.graph.inputs
      .filter((slot) => slot.value.def.kind === 'input')
      .map((slot) => ({ name: slot.name, ...typeJson(types, slot.value) })),
    outputs: model.graph.outputs.map((slot) => ({ name: slot.name, ...typeJson(types, slot.value) })),
    operators: countOperators(model),
  };
}

/** Elements of all initializers, and of float tensors that attributes hold, as Constant nodes do. */
function countParameters(model: Model): number {
  let count = 0;
  const initializers = new Set<unknown>();
  for (const graph of model.graphs()) for (const { constant } of graph.initializers) initializers.add(constant);
  for (const tensor of tensorsOf(model)) if (initializers.has(tensor) || isFloat(tensor.dtype)) count += tensor.size;
  return count;
}

function typeJson(types: Types, value: Parameters<Types['tensor']>[0]): Omit<ValueJson, 'name'> {
  const type = types.tensor(value);
  return { dtype: type?.dtype ?? null, shape: shapeJson(type?.shape) };
}

/** Values of all graphs; in a subgraph or function the name is path/name. */
function listValues(model: Model, types: Types): readonly ValueJson[] {
  const found: ValueJson[] = [];
  for (const graph of model.graphs()) {
    const prefix = graph === model.graph ? '' : `${graphPath(graph).replace(/^main\//, '')}/`;
    const values = [
      ...graph.inputs.map((slot) => slot.value),
      ...graph.initializers,
      ...(graph.findTopo() ?? []).flatMap((node) => node.outputs),
    ];
    for (const value of new Set(values)) {
      if (value.hint !== '') found.push({ name: prefix + value.hint, ...typeJson(types, value) });
    }
  }
  return found;
}
