import {
  attempt,
  type Edit,
  findSchema,
  hasCpuKernel,
  type Model,
  type Node,
  type OpSchema,
  type Pass,
  type PassContext,
  schemaVersions,
  tensorTypeName,
  type Value,
} from '#core';
import { NEWER_FORMS } from '../_shared/newer-forms.js';
import { irVersionFor, SAME } from './versions.js';
import { UPGRADES } from './upgrades.js';

/**
 * Raises the opset of the default domain, with every node of every scope brought to the version of its operator there. By itself
 * (`--opset auto`) only where the model holds a spelling of something that the newer opset has an operator for; `--opset N` does it
 * anyway, `keep` never. All or nothing: when an operator has no known way up, or onnxruntime has a kernel for its old version on these
 * element types but none for the new one, the next lower opset that helps is tried, and at last the model stays as it is.
 */
export const raiseOpset: Pass = {
  name: 'raise-opset',
  summary: 'raise the opset where that allows a better form, with all operators brought to their versions there',
  semantics: 'equivalent',
  run(model: Model, cx) {
    const current = model.opsets.get('');
    if (cx.opset === 'keep' || current === undefined || current < 7) return;
    const wanted = cx.opset === 'auto' ? usefulOpsets(model, current, cx) : [cx.opset];
    for (const opset of wanted) if (opset > current && raise(model, current, opset, cx)) return;
  },
};

/** Opsets at which some rule that does not fit for its opset alone would fit; highest first. */
function usefulOpsets(model: Model, current: number, cx: PassContext): readonly number[] {
  const opsets = new Set<number>();
  const rules = NEWER_FORMS.filter((rule) => (rule.minOpset ?? 0) > current);
  for (const graph of model.graphs()) {
    if (graph.role.kind === 'function') continue;
    for (const node of graph.nodes.values()) {
      for (const { minOpset, ...rule } of rules) {
        if (minOpset === undefined || opsets.has(minOpset) || !rootsOf(rule.root).includes(node.op)) continue;
        if (attempt(rule, node, cx, false).fits) opsets.add(minOpset);
      }
    }
  }
  return [...opsets].sort((a, b) => b - a);
}

function rootsOf(root: string | readonly string[]): readonly string[] {
  return typeof root === 'string' ? [root] : root;
}

function raise(model: Model, from: number, to: number, cx: PassContext): boolean {
  const [first] = model.graph.nodes.values();
  if (model.functions.size > 0) {
    if (first) cx.decline('raise-opset', first, 'the model has functions, which import opsets of their own');
    return false;
  }
  return cx.rewrite('raise-opset', model.graph, (edit) => {
    for (const graph of [...model.graphs()]) {
      for (const node of [...graph.nodes.values()]) {
        if (node.domain !== '') continue;
        const reason = raiseNode(node, from, to, edit, cx);
        if (reason === undefined) continue;
        cx.decline('raise-opset', node, `${node.op} cannot be raised to opset ${to}: ${reason}`);
        return false;
      }
    }
    separateInitializers(model);
    model.setOpset('', to);
    model.setIrVersion(Math.max(model.irVersion, irVersionFor(to)));
    return true;
  });
}

/** Brings a node up; gives why that is not possible. */
function raiseNode(node: Node, from: number, to: number, edit: Edit, cx: PassContext): string | undefined {
  const before = findSchema('', node.opType, from);
  if (!before) return 'it is unknown';
  if (findSchema('', node.opType, to)?.since === before.since) return undefined;
  const ran = runsBy(node, before, cx);
  let at = node;
  for (let version = from; ;) {
    const next = schemaVersions('', at.opType).find(({ since }) => since > version && since <= to);
    if (!next) break;
    version = next.since;
    const step = `${at.opType} ${version}`;
    if (SAME.has(step)) continue;
    const upgrade = UPGRADES.get(step);
    const result = upgrade ? upgrade(at, { edit, types: cx.types }) : `there is no rule for its version ${version}`;
    if (typeof result === 'string') return result;
    at = result ?? at;
  }
  const after = findSchema('', at.opType, to);
  if (!after || after.deprecated) return 'it has no version there';
  return ran && !runsBy(at, after, cx) ? `onnxruntime has no kernel for its version ${after.since} here` : undefined;
}

/** Whether onnxruntime has a kernel of this version for the element types at hand. */
function runsBy(node: Node, schema: OpSchema, { types }: PassContext): boolean {
  const typeOf = (value: Value | undefined): string | undefined => {
    const dtype = value && types.dtype(value);
    return dtype && tensorTypeName(dtype);
  };
  return hasCpuKernel(schema, node.inputs.map(typeOf), node.outputs.map(typeOf));
}

/** Up to IR version 3 initializers are listed among the inputs and constant; from 4 on that would make them defaults of inputs. */
function separateInitializers(model: Model): void {
  const { graph } = model;
  if (model.irVersion >= 4) return;
  for (const { value } of [...graph.inputs]) {
    if (!value.constant) continue;
    const twin = graph.addInitializer(value.constant, value.hint);
    graph.replaceAllUses(value, twin);
    graph.eraseInitializer(value);
  }
}
