import { diffResidual, type ResidualDiff } from '../diff/anatomy.js';
import { diffStructure, type StructureDiff } from '../diff/diff.js';
import { type AttributeJson, valueLabel } from '../diff/changes.js';
import { type Dim, symbols } from '../dim/dim.js';
import { weightJson } from '../diff/weights.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import { anatomyOf } from '../residual/anatomy.js';
import { type DimJson, shapeJson } from '../residual/report.js';
import { inferTypes, type Types } from '../shape/types.js';
import { describePorts, type PortInfo } from '../bindings/ports.js';
import { describeModel } from './inspect.js';

/** A node as its user knows it. */
export interface NodeRef {
  readonly node: string;
  readonly op: string;
}

/** A weight as its user knows it. */
export interface WeightRef {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Something before and after. */
export interface Change<T> {
  readonly before: T;
  readonly after: T;
}

/** What became of the inputs, or of the outputs. */
export interface PortsDiff {
  readonly removed: readonly PortInfo[];
  readonly added: readonly PortInfo[];
  readonly changed: readonly (Change<PortInfo> & { readonly name: string })[];
}

/** What {@link diff} found; the object of `diff --json`. */
export interface DiffReport {
  readonly schema: 'resonnx/diff@1';
  readonly a: string;
  readonly b: string;
  /** Whether the models are the same but for names. */
  readonly same: boolean;
  readonly model: {
    readonly nodes: Change<number>;
    readonly parameters: Change<number>;
    readonly bytes: Change<number>;
    readonly irVersion: Change<number>;
    /** Domains whose version differs; `null` where a domain is not imported. */
    readonly opsets: Readonly<Record<string, Change<number | null>>>;
    /** Functions that one of the models has, as `domain.name`. */
    readonly functions: { readonly removed: readonly string[]; readonly added: readonly string[] };
  };
  readonly inputs: PortsDiff;
  readonly outputs: PortsDiff;
  /** Operators whose number differs. */
  readonly operators: Readonly<Record<string, Change<number>>>;
  readonly nodes: {
    /** Nodes that stand in the same place of both models. */
    readonly matched: number;
    readonly changed: readonly {
      readonly before: string;
      readonly after: string;
      readonly op: string;
      readonly attributes: Readonly<Record<string, Change<AttributeJson>>>;
      readonly inputs: Readonly<Record<string, Change<string | null>>>;
    }[];
    /** Pieces that are gone, with what stands in their place; either side may be empty. */
    readonly replaced: readonly { readonly removed: readonly NodeRef[]; readonly added: readonly NodeRef[] }[];
  };
  readonly weights: {
    readonly equal: number;
    readonly changed: readonly {
      readonly node: string;
      readonly slot: string;
      readonly before: WeightRef;
      readonly after: WeightRef;
      /** Elements that differ and by how much; `null` where element type or dims do. */
      readonly difference: { readonly elements: number; readonly maxAbs: number; readonly maxRel: number } | null;
    }[];
    readonly removed: readonly WeightRef[];
    readonly added: readonly WeightRef[];
  };
  /** Values in the same place whose inferred type differs. */
  readonly shapes: readonly {
    readonly value: string;
    readonly node: string;
    readonly before: TypeJson;
    readonly after: TypeJson;
  }[];
  readonly residual: ResidualDiff;
}

/** An inferred type. */
export interface TypeJson {
  readonly dtype: string | null;
  readonly shape: readonly DimJson[] | null;
}

/**
 * What changed from one model to another, matched by structure and not by name: interface, operators, nodes, weights, inferred types,
 * residual sites and norms. Neither model is changed; nothing is run.
 */
export function diff(a: Model, b: Model): DiffReport {
  const structure = diffStructure(a, b);
  const [left, right] = [inferTypes(a), inferTypes(b)];
  const [from, to] = [describeModel(a, left), describeModel(b, right)];
  const [before, after] = [describePorts(a), describePorts(b)];
  const report = {
    model: modelDiff([a, b], [from, to]),
    inputs: portsDiff(before.inputs, after.inputs),
    outputs: portsDiff(before.outputs, after.outputs),
    operators: countChanges(from.operators, to.operators, 0),
    nodes: nodesDiff(structure),
    weights: weightsDiff(structure),
    shapes: shapesDiff(structure, left, right),
    residual: diffResidual(anatomyOf(a, left), anatomyOf(b, right), structure.matching),
  };
  const names = { schema: 'resonnx/diff@1', a: a.source.name, b: b.source.name } as const;
  return { ...names, same: isSame(report, structure), ...report };
}

function isSame(
  { model, inputs, outputs, nodes, weights, shapes }: Omit<DiffReport, 'schema' | 'a' | 'b' | 'same'>,
  { weights: found }: StructureDiff,
): boolean {
  const lists = [nodes.changed, nodes.replaced, found.changed, shapes, weights.removed, weights.added];
  const ports = [inputs, outputs].flatMap(({ removed, added, changed }) => [removed, added, changed]);
  const { removed, added } = model.functions;
  return (
    [...lists, ...ports, removed, added].every((list) => list.length === 0) && Object.keys(model.opsets).length === 0
  );
}

type Description = ReturnType<typeof describeModel>;

function modelDiff(
  [a, b]: readonly [Model, Model],
  [from, to]: readonly [Description, Description],
): DiffReport['model'] {
  const change = (name: 'nodesAllGraphs' | 'parameters' | 'bytes' | 'irVersion'): Change<number> => ({
    before: from[name],
    after: to[name],
  });
  const missing = (first: Model, second: Model): readonly string[] =>
    [...first.functions].filter(([key]) => !second.functions.has(key)).map(([, fn]) => `${fn.domain}.${fn.name}`);
  return {
    nodes: change('nodesAllGraphs'),
    parameters: change('parameters'),
    bytes: change('bytes'),
    irVersion: change('irVersion'),
    opsets: countChanges(from.opsets, to.opsets, null),
    functions: { removed: missing(a, b), added: missing(b, a) },
  };
}

/** Entries that differ, in the order of their names; what one side lacks is `none` there. */
function countChanges<N extends 0 | null>(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  none: N,
): Readonly<Record<string, Change<number | N>>> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changes = names.map((name) => [name, { before: before[name] ?? none, after: after[name] ?? none }] as const);
  return Object.fromEntries(changes.filter(([, change]) => change.before !== change.after));
}

function portsDiff(before: readonly PortInfo[], after: readonly PortInfo[]): PortsDiff {
  const find = (ports: readonly PortInfo[], name: string): PortInfo | undefined =>
    ports.find((port) => port.name === name);
  return {
    removed: before.filter(({ name }) => !find(after, name)),
    added: after.filter(({ name }) => !find(before, name)),
    changed: before.flatMap((port) => {
      const other = find(after, port.name);
      return other && JSON.stringify(other) !== JSON.stringify(port)
        ? [{ name: port.name, before: port, after: other }]
        : [];
    }),
  };
}

function nodesDiff({ matching, changed, regions }: StructureDiff): DiffReport['nodes'] {
  return {
    matched: matching.pairs.size,
    changed: changed.map(({ first, second, attributes, inputs }) => ({
      before: pathOf(first),
      after: pathOf(second),
      op: first.op,
      attributes: Object.fromEntries(attributes.map(({ name, before, after }) => [name, { before, after }])),
      inputs: Object.fromEntries(inputs.map(({ name, before, after }) => [name, { before, after }])),
    })),
    replaced: regions.map(({ removed, added }) => ({ removed: removed.map(refOf), added: added.map(refOf) })),
  };
}

function refOf(node: Node): NodeRef {
  return { node: pathOf(node), op: node.op };
}

function weightsDiff({ weights, regions, changed }: StructureDiff): DiffReport['weights'] {
  const removed = [...regions.flatMap((region) => region.removed), ...changed.map(({ first }) => first)];
  const added = [...regions.flatMap((region) => region.added), ...changed.map(({ second }) => second)];
  return {
    equal: weights.equal,
    changed: weights.changed.map(({ node, slot, before, after, difference = null }) => ({
      node: pathOf(node),
      slot,
      before: weightJson(before),
      after: weightJson(after),
      difference,
    })),
    removed: weights.others(removed, 0).map(weightJson),
    added: weights.others(added, 1).map(weightJson),
  };
}

/** Sizes that are known only when the model has run have no name that means something in another model. */
function named(dim: Dim, types: Types): Dim {
  return [...symbols(dim)].some((name) => types.isFreshName(name)) ? null : dim;
}

function shapesDiff({ matching }: StructureDiff, left: Types, right: Types): DiffReport['shapes'] {
  return [...matching.pairs].flatMap(([first, second]) =>
    first.outputs.flatMap((value, index) => {
      const other = second.outputs[index];
      if (!other) return [];
      const typeOf = (types: Types, of: typeof value): TypeJson => {
        const type = types.tensor(of);
        return { dtype: type?.dtype ?? null, shape: shapeJson(type?.shape?.map((dim) => named(dim, types))) };
      };
      const [before, after] = [typeOf(left, value), typeOf(right, other)];
      if (JSON.stringify(before) === JSON.stringify(after)) return [];
      return [{ value: valueLabel(value), node: pathOf(first), before, after }];
    }),
  );
}
