/** A defect of ours, never of the user's model: always thrown, reported with a reproducer and exit code 70. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an {@link InvariantError} unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Closes a `switch` over a discriminated union: fails to compile when a variant is missing. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected variant ${JSON.stringify(value)}`);
}
