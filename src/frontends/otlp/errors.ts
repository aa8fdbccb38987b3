// Errors as OTLP/HTTP words them: google.rpc.Status in the form of the request.
import type { IncomingMessage } from 'node:http';
import { OTLP_MEDIA_TYPE, statusBody } from '../../formats/otlp/answers.ts';
import type { OtlpForm } from '../../formats/otlp/answers.ts';
import { HTTP_STATUS } from '../../model/errors.ts';
import type { AppError } from '../../model/errors.ts';
import type { Answer } from '../http/answer.ts';

/** The form that a Content-Type names, undefined where it is none of OTLP's. */
export function otlpForm(contentType: string | undefined): OtlpForm | undefined {
  const media = contentType?.split(';', 1)[0]!.trim().toLowerCase();
  if (media === OTLP_MEDIA_TYPE.protobuf) return 'protobuf';
  return media === OTLP_MEDIA_TYPE.json ? 'json' : undefined;
}

export function otlpErrors({ kind, message }: AppError, request: IncomingMessage): Answer {
  const form = otlpForm(request.headers['content-type']) ?? 'json';
  return {
    status: HTTP_STATUS[kind],
    headers: { 'Content-Type': OTLP_MEDIA_TYPE[form] },
    body: statusBody(kind, message, form),
  };
}
