// Errors as OpenTSDB words them: `{"error":{"code","message"[,"details"]}}`. Source: OpenTSDB 2.4
// tsd/HttpSerializer.java (formatErrorV1).
import { HTTP_STATUS } from '../../model/errors.ts';
import type { AppError } from '../../model/errors.ts';
import type { Answer } from '../http/answer.ts';
import { METHOD_NOT_ALLOWED } from '../http/errors.ts';

export function opentsdbErrorAnswer(
  code: number,
  message: string,
  details?: string,
  counts: Readonly<Record<string, number>> = {},
): Answer {
  return {
    status: code,
    headers: { 'Content-Type': 'application/json; charset=UTF-8' },
    body: JSON.stringify({ error: { code, message, details }, ...counts }),
  };
}

export function opentsdbErrors(error: AppError): Answer {
  if (error.code === METHOD_NOT_ALLOWED)
    return opentsdbErrorAnswer(405, 'Method not allowed', error.message);
  if (error.kind === 'notFound')
    return opentsdbErrorAnswer(404, 'Endpoint not found', error.message);
  return opentsdbErrorAnswer(HTTP_STATUS[error.kind], error.message);
}
