// Refusals of the engine. 'promql-execution' is what Prometheus' API calls errorType "execution".
import { AppError, factsOfLimit } from '../../model/errors.ts';

/** The query is well-formed but its evaluation is impossible over this data. */
export function executionError(message: string): AppError {
  return new AppError('invalid', 'promql-execution', message);
}

/** The query passed a limit while it ran. */
export function limitedError(
  id: string,
  message: string,
  what: { readonly limit: number; readonly value: number },
): AppError {
  const limit = factsOfLimit(id, what);
  return new AppError('limited', id, message, { retryable: false, limit });
}

/** A part of the language that is not there yet; `what` names it. */
export function notSupported(what: string): AppError {
  return new AppError('invalid', 'not-supported', `${what} is not supported yet`);
}

/** The expression has a type that a range query cannot evaluate. */
export function rangeTypeError(type: string): AppError {
  const message = `invalid expression type "${type}" for range query, must be Scalar or instant Vector`;
  return new AppError('invalid', 'promql-range-type', message);
}
