/** Why an evaluation ends without values. */
export type Reason =
  /** An operator, or a way to use it, that is not covered. */
  | { readonly kind: 'unsupported'; readonly op: string; readonly why: string }
  /** The model asks for something that its operators do not define, such as a product of shapes that do not fit. */
  | { readonly kind: 'invalid'; readonly op: string; readonly why: string }
  /** More work than was allowed. */
  | { readonly kind: 'too-large'; readonly limit: number };

/** Ends an evaluation; caught where it began. `op` is filled in by the interpreter. */
export class Stop extends Error {
  override readonly name = 'Stop';
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.kind === 'too-large' ? `more than ${reason.limit} operations` : reason.why);
    this.reason = reason;
  }
}

/** To throw where something is not covered: `what` completes "… is not evaluated". */
export function unsupported(what: string): Stop {
  return new Stop({ kind: 'unsupported', op: '', why: `${what} is not evaluated` });
}

/** To throw where an operator does not define what is asked. */
export function invalid(why: string): Stop {
  return new Stop({ kind: 'invalid', op: '', why });
}
