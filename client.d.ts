// Types of imported models where no sidecar declares them: "types": ["resonnx/client"] in tsconfig.json.
declare module '*.onnx' {
  const model: import('./dist/src/plugin/handle.js').ModelHandle;
  export default model;
}
declare module '*.onnx?target=standard' {
  const model: import('./dist/src/plugin/handle.js').ModelHandle;
  export default model;
}
declare module '*.onnx?target=ort-cpu' {
  const model: import('./dist/src/plugin/handle.js').ModelHandle;
  export default model;
}
declare module '*.onnx?target=ort-web-wasm' {
  const model: import('./dist/src/plugin/handle.js').ModelHandle;
  export default model;
}
declare module '*.onnx?target=ort-web-webgpu' {
  const model: import('./dist/src/plugin/handle.js').ModelHandle;
  export default model;
}
