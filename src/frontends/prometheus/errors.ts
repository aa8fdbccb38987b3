// Errors in the words of the Prometheus HTTP API: `{"status":"error","errorType","error"}`.
// Source: Prometheus web/api/v1/api.go (apiError, getDefaultErrorCode).
import { httpStatus } from '../../model/errors.ts';
import type { AppError, ErrorKind } from '../../model/errors.ts';
import { ExecutionError } from '../../query/promql.ts';
import type { Answer } from '../http/answer.ts';

const ERROR_TYPE: Readonly<Record<ErrorKind, string>> = {
  invalid: 'bad_data',
  unauthenticated: 'unauthorized',
  forbidden: 'forbidden',
  notFound: 'not_found',
  conflict: 'bad_data',
  tooLarge: 'bad_data',
  unsupported: 'bad_data',
  limited: 'execution',
  unavailable: 'unavailable',
  timeout: 'timeout',
  canceled: 'canceled',
  corrupt: 'internal',
  internal: 'internal',
};

export function prometheusErrors(error: AppError): Answer {
  const isExecution = error instanceof ExecutionError;
  const errorType = isExecution ? 'execution' : ERROR_TYPE[error.kind];
  return {
    status: isExecution ? 422 : httpStatus(error),
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ status: 'error', errorType, error: error.message }),
  };
}
