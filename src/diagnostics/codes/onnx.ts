import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** Two attributes of one node have the same name. */
export function attributeTwice(at: Place, name: string): Diagnostic {
  return diagnostic('error', 'onnx/attribute-twice', at, `attribute "${name}" is given twice`, 'Keep one of them.');
}

/** The nodes of a graph depend on each other in a circle. */
export function cycle(at: Place, nodes: readonly string[]): Diagnostic {
  const message = `the graph has a cycle through ${nodes.join(' → ')}`;
  return diagnostic('error', 'onnx/cycle', at, message, 'Break the cycle: no node may depend on its own output.');
}

/** An external file that a tensor names cannot be read. */
export function externalData(at: Place, name: string, what: string): Diagnostic {
  const hint = 'Put the external data file where the model names it, inside the folder of the model.';
  return diagnostic('error', 'onnx/external-data', at, `external data of tensor "${name}": ${what}`, hint);
}

/** Functions call each other in a circle. */
export function functionCycle(at: Place, names: readonly string[]): Diagnostic {
  const message = `functions call each other in a circle: ${names.join(' → ')}`;
  return diagnostic('error', 'onnx/function-cycle', at, message, 'Break the circle: ONNX functions are not recursive.');
}

/** Two functions have the same domain, name and overload. */
export function functionTwice(at: Place, name: string): Diagnostic {
  return diagnostic('error', 'onnx/function-twice', at, `function ${name} is defined twice`, 'Keep one definition.');
}

/** The file has no graph. */
export function noGraph(at: Place): Diagnostic {
  return diagnostic('error', 'onnx/no-graph', at, 'the model has no graph', 'Give an ONNX model (ModelProto).');
}

/** A node has no operator type. */
export function noOpType(at: Place): Diagnostic {
  return diagnostic('error', 'onnx/no-op-type', at, 'the node has no op_type', 'Export the model again.');
}

/** An operator that is in no schema. */
export function operatorUnknown(at: Place, op: string, count: number): Diagnostic {
  const message = `operator ${op} (${count} ${count === 1 ? 'node' : 'nodes'}) is in no known schema; it passes through as it is`;
  return diagnostic('warning', 'onnx/operator-unknown', at, message);
}

/** A node uses a domain that the model does not import. */
export function opsetMissing(at: Place, domain: string): Diagnostic {
  const message = `the model does not import the operator set "${domain === '' ? 'ai.onnx' : domain}" that its nodes use`;
  return diagnostic(
    'warning',
    'onnx/opset-missing',
    at,
    message,
    'Add the import; nodes of this domain pass through as they are.',
  );
}

/** The number of elements, or of bytes, does not fit what dtype and shape ask for. */
export function tensorSize(at: Place, name: string, what: string): Diagnostic {
  const hint = 'Export the model again; the file is damaged.';
  return diagnostic('error', 'onnx/tensor-size', at, `tensor "${name}": ${what}`, hint);
}

/** The element type of a tensor is none that ONNX knows. */
export function tensorType(at: Place, name: string, dataType: number): Diagnostic {
  const message = `tensor "${name}" has element type ${dataType}, which ONNX does not define`;
  return diagnostic('error', 'onnx/tensor-type', at, message, 'Export the model with a current exporter.');
}

/** One name is defined twice in one graph. */
export function valueTwice(at: Place, name: string): Diagnostic {
  const hint = 'Rename one of them: ONNX graphs are in single static assignment form.';
  return diagnostic('error', 'onnx/value-twice', at, `value "${name}" is defined twice`, hint);
}

/** A name that nothing defines. */
export function valueUnknown(at: Place, name: string): Diagnostic {
  const message = `value "${name}" is used but nothing defines it`;
  return diagnostic('error', 'onnx/value-unknown', at, message, 'Export the model again, or add the missing input.');
}
