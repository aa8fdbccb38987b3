// What a server of OTLP/HTTP says, in the form of the request.
//
//   ExportMetricsServiceResponse = 1: {1: int64 rejected_data_points, 2: string error_message}
//   google.rpc.Status            = 1: int32 code, 2: string message
//
// Source: OTLP specification, "OTLP/HTTP Response".
import { ProtobufWriter } from '../../codec/protobuf-writer.ts';
import type { ErrorKind } from '../../model/errors.ts';
import type { OtlpResult } from './metrics.ts';

export type OtlpForm = 'protobuf' | 'json';

export const OTLP_MEDIA_TYPE: Readonly<Record<OtlpForm, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** Numbers of google.rpc.Code. */
const RPC_CODE: Readonly<Record<ErrorKind, number>> = {
  invalid: 3,
  unauthenticated: 16,
  forbidden: 7,
  notFound: 5,
  conflict: 10,
  tooLarge: 3,
  unsupported: 3,
  limited: 8,
  unavailable: 14,
  timeout: 4,
  canceled: 1,
  corrupt: 15,
  internal: 13,
};

/** Text of a partial success; '' where everything was taken. */
function partialMessage({ errorCount, rowCount, errors, warning }: OtlpResult): string {
  if (errorCount === 0) return warning;
  const [first] = errors;
  const reason = first === undefined ? '' : `: ${first.reason}`;
  return `${errorCount} of ${rowCount} data points were refused${reason}`;
}

/** The body of a success, partial or not. */
export function exportResponse(result: OtlpResult, form: OtlpForm): string | Uint8Array {
  const errorMessage = partialMessage(result);
  const { errorCount } = result;
  if (form === 'json')
    return errorMessage === ''
      ? '{}'
      : JSON.stringify({
          partialSuccess: {
            ...(errorCount === 0 ? {} : { rejectedDataPoints: String(errorCount) }),
            errorMessage,
          },
        });
  const writer = new ProtobufWriter();
  if (errorMessage === '') return writer.bytes();
  writer.message(1, (partial) => {
    if (errorCount > 0) partial.uint(1, errorCount);
    partial.string(2, errorMessage);
  });
  return writer.bytes();
}

/** The body of an error. */
export function statusBody(kind: ErrorKind, text: string, form: OtlpForm): string | Uint8Array {
  const code = RPC_CODE[kind];
  if (form === 'json') return JSON.stringify({ code, message: text });
  const writer = new ProtobufWriter();
  writer.uint(1, code);
  writer.string(2, text);
  return writer.bytes();
}
