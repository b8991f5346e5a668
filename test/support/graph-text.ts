/** A value of a graph under construction. */
export interface Built {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A constant as ONNX text has it. */
export type Constant = readonly [type: string, name: string, data: string];

/** A graph as text: where its nodes are to stand, and which of its leading dims are symbols. */
export interface GraphParts {
  readonly opset: number;
  readonly inputs: readonly Built[];
  readonly results: readonly Built[];
  readonly constants: readonly Constant[];
  readonly lines: readonly string[];
  readonly symbols: readonly string[];
  readonly form: 'plain' | 'body' | 'function';
}

/** ONNX text of a model with these nodes: in its graph, in a branch, or in a function that is called twice. */
export function graphText(parts: GraphParts): string {
  const { opset, inputs, symbols, form } = parts;
  const header = `<ir_version: 8, opset_import: ["": ${opset}, "local": 1]>\nrandom`;
  const reads = inputs.map((value) => typed(value, (axis) => symbols[axis])).join(', ');
  if (form === 'body') return inBody(parts, header, reads);
  const free = (value: Built): string =>
    typed(value, (axis) => (symbols.length > 0 ? `${value.name}_${axis}` : undefined));
  const start = `${header} (${reads}) => (${parts.results.map(free).join(', ')})`;
  return form === 'plain' ? plain(parts, start) : inFunction(parts, start);
}

function typed({ name, shape }: Built, symbol: (axis: number) => string | undefined): string {
  return `float[${shape.map((dim, axis) => symbol(axis) ?? dim).join(', ')}] ${name}`;
}

function initializers({ constants }: GraphParts): string {
  return `<${constants.map(([type, name, data]) => `${type} ${name} = ${data}`).join(', ')}>`;
}

function plain(parts: GraphParts, start: string): string {
  return `${start}\n${initializers(parts)}\n{\n  ${parts.lines.join('\n  ')}\n}`;
}

/** The nodes read inputs and constants from around them. */
function inBody(parts: GraphParts, header: string, reads: string): string {
  const { name, shape } = parts.results[0]!;
  const free = `float[${shape.map((_, axis) => `out_${axis}`).join(', ')}]`;
  return `${header} (bool condition, ${reads}) => (${free} Y)
${initializers(parts)}
{
  Y = If (condition) <
    then_branch = then () => (${free} ${name}) {
      ${parts.lines.join('\n      ')}
    },
    else_branch = otherwise () => (${free} other) { other = Constant <value = float {0}> () }
  >
}`;
}

/** Constants of a function are nodes. */
function inFunction(parts: GraphParts, start: string): string {
  const { inputs, results, opset, lines } = parts;
  const [reads, gives] = [inputs, results].map((list) => list.map(({ name }) => name).join(', '));
  const constants = parts.constants.map(([type, name, data]) => `${name} = Constant <value = ${type} ${data}> ()`);
  return `${start}
{
  ${results.map(({ name }) => `${name}_again`).join(', ')} = local.F (${reads})
  ${gives} = local.F (${reads})
}
<domain: "local", opset_import: ["": ${opset}]>
F (${reads}) => (${gives})
{
  ${[...constants, ...lines].join('\n  ')}
}`;
}
