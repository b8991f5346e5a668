/** The public interface of resonnx. */
export { type Diagnostic, type Place, ResonnxError, type Severity } from '../diagnostics/diagnostic.js';
export { type Model } from '../ir/model.js';
export { createInstalledRuntime } from '../numerics/ort-installed.js';
export { createOrtWebRuntime, type OrtModule, type OrtWebOptions } from '../numerics/ort-web.js';
export { type Runtime } from '../numerics/runtime.js';
export { type ExternalData } from '../onnx/externalize.js';
export { describePorts, type PortInfo, type Ports } from '../bindings/ports.js';
export { type Config, defineConfig, type ModelOptions } from './config.js';
export { declareModel } from './bindings.js';
export { emitBytes, type EmitOptions } from './emit-bytes.js';
export { emitFile, emitOnnxProto, type Emitted } from './emit.js';
export { inspect, type Inspection, type InspectOptions } from './inspect.js';
export { load, type LoadOptions, type OnnxProtoModel, type Source } from './load.js';
export { optimize, type Optimized, type OptimizeOptions } from './optimize.js';
export { type OptimizeReport, type OutputReport, type PassReport, type Reverted, type Verification } from './report.js';
export { rewrite, type OperationReport, type RewriteOptions, type RewriteReport, type Rewritten } from './rewrite.js';
export { verify, type LevelReport, type VerifyOptions, type VerifyReport } from './verify.js';
export { defineRecipe, type Operation, type Targets, type TargetSite } from '../recipe/recipe.js';
