import { operatorUnknown, opsetMissing } from '../diagnostics/codes/onnx.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import { opsetOf, schemaOf } from '../schema/read.js';

/**
 * Warnings for what no schema describes: operators of unknown domains, operators that their opset does not have, domains that are not
 * imported. Such nodes pass through as they are. One warning for each operator and domain, at the first node. O(nodes).
 */
export function findUnknown(model: Model, file?: string): readonly Diagnostic[] {
  const missing = new Map<string, Node>();
  const unknown = new Map<string, { readonly node: Node; count: number }>();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) {
      if (model.functions.has(`${node.domain}::${node.opType}::${node.overload}`)) continue;
      if (node.graph.opset(node.domain) === undefined) missing.set(node.domain, missing.get(node.domain) ?? node);
      if (opsetOf(node) !== undefined && schemaOf(node)) continue;
      const found = unknown.get(node.op);
      if (found) found.count++;
      else unknown.set(node.op, { node, count: 1 });
    }
  }
  const at = (node: Node): Diagnostic['at'] => ({
    ...(file !== undefined && { file }),
    path: pathOf(node),
    op: node.op,
  });
  return [
    ...[...missing].map(([domain, node]) => opsetMissing(at(node), domain)),
    ...[...unknown].map(([op, { node, count }]) => operatorUnknown(at(node), op, count)),
  ];
}
