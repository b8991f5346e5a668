import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { inspect, type InspectOptions } from './inspect.js';

/** What {@link check} found; the object of `check --json`. */
export interface CheckReport {
  readonly schema: 'resonnx/check@1';
  readonly file: string;
  readonly errors: number;
  readonly warnings: number;
  readonly infos: number;
  readonly findings: readonly Diagnostic[];
}

/**
 * The findings of {@link inspect}: contradictions of types, alignment of skip and branch, and lints of residual structure.
 * @throws ResonnxError `shape/binding`
 */
export function check(model: Model, options: Pick<InspectOptions, 'shapes'> = {}): CheckReport {
  const { file, findings } = inspect(model, options);
  const count = (severity: Diagnostic['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return {
    schema: 'resonnx/check@1',
    file,
    errors: count('error'),
    warnings: count('warning'),
    infos: count('info'),
    findings,
  };
}
