// Errors as InfluxDB words them: 1.x `{"error"}` with `X-Influxdb-Error`, 2.x `{"code","message"}`
// with `X-Platform-Error-Code`, 3 `{"error","data"}`. Sources: InfluxDB 1.8
// services/httpd/handler.go (httpError); 2.x kit/transport/http/error_handler.go; 3
// influxdb3_server/src/http.rs.
import { HTTP_STATUS } from '../../model/errors.ts';
import type { AppError, ErrorKind } from '../../model/errors.ts';
import type { Answer } from '../http/answer.ts';
import { METHOD_NOT_ALLOWED } from '../http/errors.ts';

const V2_CODE: Readonly<Record<ErrorKind, string>> = {
  invalid: 'invalid',
  unauthenticated: 'unauthorized',
  forbidden: 'forbidden',
  notFound: 'not found',
  conflict: 'conflict',
  tooLarge: 'request too large',
  unsupported: 'invalid',
  limited: 'too many requests',
  unavailable: 'unavailable',
  timeout: 'unavailable',
  canceled: 'internal error',
  corrupt: 'internal error',
  internal: 'internal error',
};

const JSON_HEADERS = { 'Content-Type': 'application/json; charset=utf-8' };

export function influxV1ErrorAnswer(status: number, message: string): Answer {
  // Header values are one line of Latin-1; InfluxDB writes line breaks as blanks.
  const oneLine = message.replaceAll(/[\r\n]/g, ' ');
  const header = oneLine.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 500);
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'X-Influxdb-Error': header },
    body: `${JSON.stringify({ error: message })}\n`,
  };
}

export function influxV1Errors(error: AppError): Answer {
  return influxV1ErrorAnswer(HTTP_STATUS[error.kind], error.message);
}

export function influxV2Errors(error: AppError): Answer {
  const code = error.code === METHOD_NOT_ALLOWED ? 'method not allowed' : V2_CODE[error.kind];
  return influxV2ErrorAnswer(HTTP_STATUS[error.kind], { code, message: error.message });
}

export function influxV2ErrorAnswer(
  status: number,
  body: { readonly code: string; readonly message: string },
): Answer {
  const headers = { ...JSON_HEADERS, 'X-Platform-Error-Code': body.code };
  return { status, headers, body: JSON.stringify(body) };
}

export function influxV3Errors(error: AppError): Answer {
  return influxV3ErrorAnswer(HTTP_STATUS[error.kind], { error: error.message });
}

export function influxV3ErrorAnswer(
  status: number,
  body: { readonly error: string; readonly data?: unknown },
): Answer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(body) };
}
