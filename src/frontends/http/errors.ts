// Error shapes shared by protocols without a form of their own.
import { httpStatus } from '../../model/errors.ts';
import type { AppError } from '../../model/errors.ts';
import type { Answer } from './answer.ts';

/** Code of the error whose status is 405. */
export const METHOD_NOT_ALLOWED = 'method-not-allowed';

/** One line of text. */
export function plainErrors(error: AppError): Answer {
  return {
    status: httpStatus(error),
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    body: `${error.message}\n`,
  };
}

/** Our own API: `{"error":{"code","kind","message","retryable"}}`. */
export function nativeErrors(error: AppError): Answer {
  const { code, kind, message, retryable } = error;
  return {
    status: httpStatus(error),
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ error: { code, kind, message, retryable } }),
  };
}
