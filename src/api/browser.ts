/**
 * The public interface of resonnx where there is no file system: models come from bytes, blobs and streams, and leave as bytes. Without
 * a runtime `optimize` needs `verify: false`; `createOrtWebRuntime(ort)` makes one of onnxruntime-web.
 */
export { type Diagnostic, type Place, ResonnxError, type Severity } from '../diagnostics/diagnostic.js';
export { optimizePipeline } from '../../passes/presets.js';
export { Pipeline } from '../pass/pipeline.js';
export { type Model } from '../ir/model.js';
export { createFloat64Runtime } from '../numerics/float64.js';
export { createOrtWebRuntime, type OrtModule, type OrtWebOptions } from '../numerics/ort-web.js';
export { type Runtime } from '../numerics/runtime.js';
export { describePorts, type PortInfo, type Ports } from '../bindings/ports.js';
export { definePass } from './define.js';
export { check, type CheckReport } from './check.js';
export { diff, type DiffReport } from './diff.js';
export {
  type BytesSink as Sink,
  emitBytes,
  emitHere as emit,
  type EmitOptions,
  emitStream,
  emitText,
} from './emit-bytes.js';
export { explain, type ExplainOptions, type ExplainReport, type MissReport, type RewriteMade } from './explain.js';
export { defineRecipe, type Operation, type Targets, type TargetSite } from '../recipe/recipe.js';
export { inspect, type Inspection, type InspectOptions } from './inspect.js';
export { type BytesSource as Source, loadBytes as load, type LoadOptions, type OnnxProtoModel } from './load-bytes.js';
export { loadText } from './load-text.js';
export { optimize, type Optimized, type OptimizeOptions } from './optimize.js';
export { type OptimizeReport, type OutputReport, type PassReport, type Reverted, type Verification } from './report.js';
export { rewrite, type OperationReport, type RewriteOptions, type RewriteReport, type Rewritten } from './rewrite.js';
export { verify, type LevelReport, type VerifyOptions, type VerifyReport } from './verify.js';
