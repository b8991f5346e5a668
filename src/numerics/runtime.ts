import type { Model } from '../ir/model.js';
import type { NumericArray } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';

/** How far the runtime may rewrite the model by itself. Comparisons use `disabled` on both sides. */
export type Optimization = 'disabled' | 'basic' | 'extended' | 'all';

/**
 * A model as bytes, or as the file that the runtime reads by itself (needed above 2 GiB and for external data), or as it is in memory:
 * the runtime then takes its weights from where they are, and holds no more copies of them than it needs.
 */
export type ModelSource = Uint8Array | { readonly path: string } | Model;

/** How a session is opened. */
export interface OpenOptions {
  readonly optimization: Optimization;
  /** Threads inside one operator; 1 when absent, so that sums have one order. */
  readonly threads?: number;
  /** It is run only a few times: weights are not rearranged so that each run is faster. */
  readonly brief?: boolean;
  /** Nodes lose their names, which may occur twice; only of a model in memory. */
  readonly anonymous?: boolean;
}

/** An input or output of a session. */
export interface Port {
  readonly name: string;
  /** Absent for sequences, maps and optionals. */
  readonly dtype?: DType;
  /** A dim is a number, a symbol, or `null` when the model leaves it open. Absent with `dtype`. */
  readonly shape?: readonly (number | string | null)[];
}

/** A model that is ready to run. */
export interface Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Runs the model once. `outputs` names what is wanted; all outputs when absent.
   * @throws RuntimeRefusal, RuntimeTimeout
   */
  run(
    feeds: Readonly<Record<string, NumericArray>>,
    outputs?: readonly string[],
  ): Promise<Readonly<Record<string, NumericArray>>>;
  /** Frees what the runtime holds; the session cannot run any more. */
  release(): Promise<void>;
}

/** Name of the runtime that evaluates models in float64; see `float64.ts`. */
export const FLOAT64 = 'float64';

/** Something that executes ONNX models. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** @throws RuntimeRefusal, RuntimeTimeout, and ResonnxError `runtime/missing` where the runtime itself cannot be loaded */
  open(model: ModelSource, options: OpenOptions): Promise<Session>;
  /** Ends the runtime and everything that is still under way in it. */
  close(): Promise<void>;
}

/**
 * Where a refusal arose: `open` the model was not accepted (not valid for this runtime, or an operator without a kernel) · `type` an
 * input or output of a type that cannot pass its interface · `feeds` inputs are missing, superfluous or of another dtype than
 * declared · `run` an operator failed on these inputs · `crash` the runtime's process died.
 */
export type RefusalKind = 'open' | 'type' | 'feeds' | 'run' | 'crash';

/** The runtime does not or cannot run this model: a fact about model and runtime together, not by itself a fault of the model. */
export class RuntimeRefusal extends Error {
  override readonly name = 'RuntimeRefusal';
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Whether the runtime lacks what the model needs, an operator or a version, rather than finds fault with it. */
export function isLack({ kind, message }: RuntimeRefusal): boolean {
  const lack = /NOT_IMPLEMENTED|Could not find an implementation|is not a registered function|till opset \d/;
  return kind === 'type' || lack.test(message);
}

/** Opening or running took longer than the limit and was stopped. */
export class RuntimeTimeout extends Error {
  override readonly name = 'RuntimeTimeout';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`stopped after ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}
