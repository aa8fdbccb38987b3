// `POST /api/v1/write`: Prometheus remote write 1.0, protobuf in block-format snappy. Wrong media
// types are 415 before the body is looked at; a body that cannot be read is 400, never 5xx, so that
// senders drop it instead of repeating it for ever. Source: Prometheus remote write specification
// 1.0.
import { AppError } from '../../model/errors.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { Exchange } from '../http/exchange.ts';
import { contentCoding } from '../http/body.ts';
import { writeOptions } from '../http/write-options.ts';

export interface WriteDependencies {
  readonly ingest: Ingest;
}

const MEDIA_TYPE = 'application/x-protobuf';
const MESSAGE_V1 = 'prometheus.WriteRequest';

function unsupported(message: string): AppError {
  return new AppError('unsupported', 'remote-write-type', message);
}

/** Throws AppError unsupported for anything but a 1.0 message in snappy. */
function checkMediaType(exchange: Exchange): void {
  const type = exchange.header('content-type') ?? MEDIA_TYPE;
  const [media, ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  if (media !== MEDIA_TYPE)
    throw unsupported(`Content-Type must be ${MEDIA_TYPE}, not "${type.slice(0, 100)}"`);
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))?.slice(6);
  if (proto !== undefined && proto !== MESSAGE_V1.toLowerCase())
    throw unsupported(`remote write message "${proto.slice(0, 100)}" is not supported`);
  const coding = contentCoding(exchange.request);
  if (coding !== 'snappy' && coding !== 'identity')
    throw unsupported(`Content-Encoding must be snappy, not "${coding.slice(0, 64)}"`);
}

async function decoded(exchange: Exchange): Promise<Uint8Array> {
  const limitBytes = exchange.bodyLimitBytes;
  const raw = await exchange.rawBody();
  const { decodeSnappy, SnappyError, snappyDecodedLength } = await import('../../codec/snappy.ts');
  try {
    exchange.hold(Math.min(snappyDecodedLength(raw), limitBytes));
    return decodeSnappy(raw, limitBytes);
  } catch (error) {
    if (!(error instanceof SnappyError)) throw error;
    const kind = error.problem === 'too-large' ? 'tooLarge' : 'invalid';
    throw new AppError(kind, 'remote-write-snappy', error.message, { cause: error });
  }
}

export async function remoteWrite(deps: WriteDependencies, exchange: Exchange): Promise<void> {
  checkMediaType(exchange);
  const options = writeOptions(exchange);
  const body = await decoded(exchange);
  const { scanWriteRequest } = await import('../../formats/remote-write/write-request.ts');
  const { scan } = await deps.ingest.write(exchange.principal, {
    ...options,
    protocol: 'remote-write',
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanWriteRequest(body, body.length, dictionary, sink),
    refuses: (result) => result.corrupt !== undefined,
  });
  if (scan.corrupt !== undefined)
    throw new AppError('invalid', 'remote-write-message', scan.corrupt);
  if (scan.errorCount === 0) return exchange.send({ status: 204 });
  const [first] = scan.errors;
  const reason = first === undefined ? '' : `: series ${first.line}: ${first.reason}`;
  const message = `${scan.errorCount} of ${scan.rowCount} series were refused${reason}`;
  throw new AppError('invalid', 'remote-write-series', message);
}
