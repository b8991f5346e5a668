import type { Model } from '../ir/model.js';
import { exportModel } from '../onnx/export.js';
import { InvariantError } from '../support/invariant.js';
import { printModel } from '../text/print.js';

/** A pass that failed: a defect of ours. Carries what it takes to see it again. */
export class PassDefect extends InvariantError {
  readonly pass: string;
  /** The model as the pass was given it, as ONNX text with a line `# pipeline:` that names the pass. */
  readonly reproducer: string;

  constructor(pass: string, reproducer: string, cause: unknown) {
    super(`pass ${pass}: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.pass = pass;
    this.reproducer = reproducer;
    this.cause = cause;
  }
}

/** The text of a reproducer: a model and the passes to run on it. */
export function reproducerText(model: Model, passes: readonly string[]): string {
  return `# pipeline: ${passes.join(' ')}\n${printModel(exportModel(model))}`;
}

/** The passes that the first lines of a reproducer name; `undefined` when they name none. */
export function pipelineLine(text: string): readonly string[] | undefined {
  const line = /^# pipeline: *(.*)$/m.exec(text.slice(0, 4096))?.[1];
  return line?.split(' ').filter((name) => name !== '');
}
