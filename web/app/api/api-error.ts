/**
 * One failed call: its kind for the words, the server's own sentence as the message. An aborted
 * request is no error; it rejects with the signal's own reason.
 */
import type { ErrorKind } from '../util/error-words.ts';

export class ApiError extends Error {
  readonly kind: ErrorKind;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;

  constructor(kind: ErrorKind, status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ApiError';
    this.kind = kind;
    this.status = status;
  }
}
