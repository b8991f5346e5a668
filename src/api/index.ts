/** The public interface of resonnx. */
export { type Diagnostic, type Place, ResonnxError, type Severity } from '../diagnostics/diagnostic.js';
export { type Model } from '../ir/model.js';
export { declareModel, describePorts, type Ports } from './bindings.js';
export { inspect, type Inspection, type InspectOptions } from './inspect.js';
export { load, type LoadOptions, type OnnxProtoModel, type Source } from './load.js';
export { emitBytes, emitFile, type EmitOptions, emitOnnxProto, type Emitted } from './emit.js';
export { type ExternalData } from '../onnx/externalize.js';
export { optimize, type Optimized, type OptimizeOptions } from './optimize.js';
export { type OptimizeReport, type OutputReport, type PassReport, type Reverted, type Verification } from './report.js';
export { verify, type LevelReport, type VerifyOptions, type VerifyReport } from './verify.js';
