import { runtimeWrongResult } from '../diagnostics/codes/runtime.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { copyContents, type ValueMap } from '../ir/copy.js';
import { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Runtime } from '../numerics/runtime.js';
import type { RuntimeFault } from '../numerics/second-opinion.js';
import { exportModel } from '../onnx/export.js';
import { create } from '../proto/create.js';
import type { RewriteRecord } from '../rewrite/record.js';
import { Tensor } from '../tensor/tensor.js';
import { printModel } from '../text/print.js';

/** A wrong result of the runtime that verification came across; the rewrite that led to it was taken back. */
export interface RuntimeFaultReport {
  readonly diagnostic: Diagnostic;
  /** A model without inputs, as ONNX text: run, it gives the wrong result. Its first lines say what is wrong. Large tensors are left out. */
  readonly reproducer: string;
}

/** Tensors beyond this are not written out: what is wrong is told, but not shown. */
const MOST_BYTES = 4 * 2 ** 20;

/** What to tell the user of a fault, and the makers of the runtime. */
export function reportFault(fault: RuntimeFault, record: RewriteRecord, runtime: Runtime): RuntimeFaultReport {
  const name = `${runtime.name} ${runtime.version}`;
  const operators = [...new Set([...fault.model.graph.nodes.values()].map(({ op }) => op))].join(', ');
  const model = standalone(fault);
  let bytes = 0;
  for (const tensor of tensorsOf(model)) bytes += tensor.byteLength;
  const whole = bytes <= MOST_BYTES;
  const text = printModel(exportModel(model), whole ? { annotations: false } : { annotations: false, elideAbove: 64 });
  const left = whole ? '' : '# elements of large tensors are left out\n';
  const head = `# runtime: ${name}\n# output ${fault.output} ${fault.why}, as computed in float64\n`;
  return {
    diagnostic: runtimeWrongResult(record.at, name, operators, `${fault.output} ${fault.why}`),
    reproducer: head + left + text,
  };
}

/** The side of the region with its inputs as constants. */
function standalone({ model, feeds }: RuntimeFault): Model {
  const { irVersion, opsets, graph, functions } = model;
  const whole = new Model(create('ModelProto', {}), { irVersion, opsets });
  const map: ValueMap = new Map();
  for (const { name, value } of graph.inputs) {
    const given = feeds[name];
    if (given) map.set(value, whole.graph.addInitializer(Tensor.from(given), name));
  }
  copyContents(graph, whole.graph, map);
  for (const { name, value } of graph.outputs) whole.graph.addOutput({ name, value: map.get(value)! });
  for (const [key, fn] of functions) whole.functions.set(key, fn);
  return whole;
}
