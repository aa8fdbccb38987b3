// Assertions and the two error classes that are not "operating" errors. A BugError is a broken
// invariant of ours; a FatalError is a broken environment (disk, own file corrupt, bad start-up
// configuration) after which the process must not go on. Operating errors are model/errors.ts.

/**
 * A broken invariant: contained per request in query and UI paths, crashes tsdb, log and catalog.
 */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** A broken environment: log it, flush what is safe, exit with a status other than 0. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}

/** Throws BugError unless `condition`; the message may be a thunk so that hot paths build none. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new BugError(`BUG: ${typeof message === 'string' ? message : message()}`);
}

/** The value, which must be present. */
export function must<T>(value: T | null | undefined, message: string): T {
  if (value === undefined || value === null) throw new BugError(`BUG: ${message}`);
  return value;
}

/** Exhaustiveness check: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new BugError(`BUG: unreachable value ${String(value)}`);
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
