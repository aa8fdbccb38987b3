// Errors on their way between threads: structured clone keeps neither classes nor fields.
import { BugError, errorMessage, FatalError } from '../stdx/assert.ts';
import { AppError } from './errors.ts';
import type { ErrorKind } from './errors.ts';

/** Plain data; the cause stays behind, with its thread. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  /** Of operating errors alone. */
  readonly operating:
    | {
        readonly kind: ErrorKind;
        readonly code: string;
        readonly retryable: boolean;
        readonly retryAfterSec: number | undefined;
      }
    | undefined;
}

export function thrownOf(error: unknown): Thrown {
  const name = error instanceof Error ? error.name : 'Error';
  const message = errorMessage(error);
  if (!(error instanceof AppError)) return { name, message, operating: undefined };
  const { kind, code, retryable, retryAfterSec } = error;
  return { name, message, operating: { kind, code, retryable, retryAfterSec } };
}

/** An error of the class that was thrown, where callers tell them apart. */
export function errorOf({ name, message, operating }: Thrown): Error {
  if (operating !== undefined) {
    const { kind, code, retryable, retryAfterSec } = operating;
    const after = retryAfterSec === undefined ? {} : { retryAfterSec };
    return new AppError(kind, code, message, { retryable, ...after });
  }
  if (name === 'BugError') return new BugError(message);
  if (name === 'FatalError') return new FatalError(message);
  return new Error(`${name}: ${message}`);
}
