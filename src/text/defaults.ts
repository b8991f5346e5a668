import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from '../proto/messages.js';
import { badAnnotation } from '../diagnostics/codes/text.js';
import { noteLine, type Note } from './notes.js';
import type { Scanner } from './scanner.js';

/**
 * What plain text means where messages can say it in two ways. Without `#@ defaults` lines all are false, which is closest to
 * how `onnx.parser` reads text (it also sets the domains and tensor names that these are about).
 */
export interface Defaults {
  /** `{…}` is stored in `raw_data`, not in the typed field of its element type. */
  readonly raw_data: boolean;
  /** A node written without a domain has the domain '', not none. */
  readonly empty_node_domain: boolean;
  /** `"" : 17` in a list of imports has no domain, not ''. */
  readonly no_opset_domain: boolean;
  /** A tensor in an attribute, written without a name, has the name '', not none. */
  readonly empty_tensor_name: boolean;
}

/** The meaning of text without `#@ defaults` lines. */
export const PLAIN_DEFAULTS: Defaults = {
  raw_data: false,
  empty_node_domain: false,
  no_opset_domain: false,
  empty_tensor_name: false,
};

/** The lines for the defaults that are set. */
export function defaultsLines(defaults: Defaults): readonly string[] {
  return Object.entries(defaults).flatMap(([name, on]) => (on ? [noteLine('defaults', name, true)] : []));
}

/** The defaults that the lines give. @throws ResonnxError text/bad-annotation */
export function readDefaults(scanner: Scanner, notes: readonly Note[]): Defaults {
  const defaults = { ...PLAIN_DEFAULTS };
  for (const { field, value, offset } of notes) {
    if (!Object.hasOwn(defaults, field) || typeof value !== 'boolean') {
      scanner.fail((at) => badAnnotation(at, `${field} is not a default, or not true or false`), offset);
    }
    defaults[field as keyof Defaults] = value;
  }
  return defaults;
}

/** Votes for and against each default. */
type Votes = Record<keyof Defaults, number>;

/** The defaults that need the fewest annotations: each is what most of the model does. O(messages). */
export function chooseDefaults(graphs: readonly GraphProto[], model?: ModelProto): Defaults {
  const votes: Votes = { raw_data: 0, empty_node_domain: 0, no_opset_domain: 0, empty_tensor_name: 0 };
  for (const { domain } of [model, ...(model?.functions ?? [])].flatMap((owner) => owner?.opsetImport ?? [])) {
    if (!domain) votes.no_opset_domain += domain === undefined ? 1 : -1;
  }
  const pending: GraphProto[] = [...graphs];
  const attributes: AttributeProto[] = [];
  for (const { node } of model?.functions ?? []) countNodes(node, votes, attributes);
  for (;;) {
    for (let attribute = attributes.pop(); attribute; attribute = attributes.pop()) {
      for (const tensor of attribute.t ? [attribute.t] : attribute.tensors) countTensor(tensor, votes, true);
      if (attribute.g) pending.push(attribute.g);
      for (const graph of attribute.graphs) pending.push(graph);
    }
    const graph = pending.pop();
    if (!graph) break;
    for (const tensor of graph.initializer) countTensor(tensor, votes, false);
    countNodes(graph.node, votes, attributes);
  }
  return {
    raw_data: votes.raw_data > 0,
    empty_node_domain: votes.empty_node_domain > 0,
    no_opset_domain: votes.no_opset_domain > 0,
    empty_tensor_name: votes.empty_tensor_name > 0,
  };
}

function countNodes(nodes: readonly NodeProto[], votes: Votes, attributes: AttributeProto[]): void {
  for (const { domain, attribute } of nodes) {
    if (!domain) votes.empty_node_domain += domain === undefined ? -1 : 1;
    for (const one of attribute) attributes.push(one);
  }
}

function countTensor(tensor: TensorProto, votes: Votes, inAttribute: boolean): void {
  if (tensor.externalData.length === 0) votes.raw_data += tensor.rawData === undefined ? -1 : 1;
  if (inAttribute && !tensor.name) votes.empty_tensor_name += tensor.name === undefined ? -1 : 1;
}
