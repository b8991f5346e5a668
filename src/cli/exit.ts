/** Exit codes of the command line. */
export const EXIT = {
  done: 0,
  /** The answer is no: mismatch, refused rewrite, a finding of severity error. */
  no: 1,
  usage: 2,
  /** The model cannot be read or is not valid ONNX. */
  invalid: 3,
  /** The work needs something that this machine lacks. */
  lacking: 4,
  /** A defect of ours. */
  defect: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with this exit code after its message was printed. */
export class Exit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}
