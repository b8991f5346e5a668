import { IndentationText, type InterfaceDeclarationStructure, type OptionalKind, Project } from 'ts-morph';
import type { PortInfo, Ports } from './ports.js';

/**
 * Declarations for `import model from './model.onnx'`, to be put beside it as `model.d.onnx.ts`: names, element types and which inputs
 * may be left out are exact, dims are in the documentation. The same interface gives the same text.
 */
export function declareModule(ports: Ports, fileName: string): string {
  const project = new Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces },
  });
  const file = project.createSourceFile('model.d.ts');
  const all = [...ports.inputs, ...ports.outputs];
  file.addImportDeclaration({
    isTypeOnly: true,
    moduleSpecifier: 'resonnx/handle',
    namedImports: ['ModelHandle', ...(all.some(({ kind }) => kind === 'tensor') ? ['Tensor'] : [])],
  });
  file.addInterface(declareInterface('Feeds', 'What a run takes.', ports.inputs));
  file.addInterface(declareInterface('Results', 'What a run gives.', ports.outputs));
  file.addStatements(['\ndeclare const model: ModelHandle<Feeds, Results>;', 'export default model;']);
  file.insertStatements(0, header(fileName));
  return file.getFullText();
}

function header(fileName: string): string {
  const name = oneLine(fileName);
  return `// Made by "resonnx types" from ${name}; run it again when the model changes.`;
}

function declareInterface(
  name: string,
  doc: string,
  ports: readonly PortInfo[],
): OptionalKind<InterfaceDeclarationStructure> {
  return {
    name,
    isExported: true,
    docs: [doc],
    properties: ports.map((port) => ({
      name: JSON.stringify(port.name),
      type: typeOf(port),
      isReadonly: true,
      hasQuestionToken: port.optional,
      docs: [documentation(port)],
    })),
  };
}

function typeOf({ kind, dtype }: PortInfo): string {
  if (kind !== 'tensor') return 'unknown';
  return dtype === null ? 'Tensor' : `Tensor<${JSON.stringify(dtype)}>`;
}

function documentation({ kind, dtype, shape, optional }: PortInfo): string {
  const dims = shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : '[…]';
  const what = kind === 'tensor' ? `${dtype ?? 'element type unknown'} ${dims}` : `a ${kind}, not a tensor`;
  return oneLine(`${what}${optional ? '; may be left out' : ''}`).replaceAll('*/', '*\\/');
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, ' ');
}
