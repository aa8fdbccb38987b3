// `POST /api/v1/write`, `/api/v1/push`: remote write 1.0 and 2.0, protobuf in block snappy; the
// media type says which. Wrong media types are 415 before the body is looked at; a body that cannot
// be read is 400, never 5xx, so that senders drop it instead of repeating it for ever. Answers to
// 2.0 count what was written, also beside an error. Source: Prometheus remote write specifications
// 1.0 and 2.0.
import { AppError } from '../../model/errors.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { RowDictionary, RowSink } from '../../model/rows.ts';
import type { WriteRequestResult } from '../../formats/remote-write/write-request-result.ts';
import type { Exchange } from '../http/exchange.ts';
import { writeOptions } from '../http/write-options.ts';
import { checkSnappyWrite, snappyBody } from './snappy-body.ts';

export interface WriteDependencies {
  readonly ingest: Ingest;
  /** Version 2.0: type and unit of a series become labels of it. */
  readonly typeAndUnitLabels: boolean;
}

const MEDIA_TYPE = 'application/x-protobuf';
const MESSAGES = {
  'prometheus.writerequest': 1,
  'io.prometheus.write.v2.request': 2,
} as const;
type Version = (typeof MESSAGES)[keyof typeof MESSAGES];

function unsupported(message: string): AppError {
  return new AppError('unsupported', 'remote-write-type', message);
}

/** Throws AppError unsupported for anything but a known message in snappy. */
function messageVersion(exchange: Exchange): Version {
  checkSnappyWrite(exchange);
  const type = exchange.header('content-type') ?? MEDIA_TYPE;
  const [media, ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  if (media !== MEDIA_TYPE)
    throw unsupported(`Content-Type must be ${MEDIA_TYPE}, not "${type.slice(0, 100)}"`);
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))?.slice(6);
  const message = proto?.replace(/^"(.*)"$/, '$1') ?? 'prometheus.writerequest';
  const version = Object.entries(MESSAGES).find(([name]) => name === message)?.[1];
  if (version === undefined)
    throw unsupported(`remote write message "${message.slice(0, 100)}" is not supported`);
  return version;
}

type ScanMessage = (
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
) => WriteRequestResult;

// Loaded by the first message of each kind: a second import of a loaded module costs 30 µs.
let version1: typeof import('../../formats/remote-write/write-request.ts') | undefined;
let version2: typeof import('../../formats/remote-write/request-v2.ts') | undefined;
let labelled: typeof import('../../formats/remote-write/type-and-unit.ts') | undefined;
let kernel: typeof import('../../formats/remote-write/write-kernel.ts') | undefined;

async function scanner(version: Version, typeAndUnitLabels: boolean): Promise<ScanMessage> {
  kernel ??= await import('../../formats/remote-write/write-kernel.ts');
  if (version === 1) {
    version1 ??= await import('../../formats/remote-write/write-request.ts');
    return version1.scanWriteRequest;
  }
  version2 ??= await import('../../formats/remote-write/request-v2.ts');
  const { scanRequestV2 } = version2;
  if (!typeAndUnitLabels) return scanRequestV2;
  labelled ??= await import('../../formats/remote-write/type-and-unit.ts');
  const { withTypeAndUnitLabels } = labelled;
  return (body, end, dictionary, sink) => {
    const message = withTypeAndUnitLabels(body.subarray(0, end));
    return scanRequestV2(message, message.length, dictionary, sink);
  };
}

/** Points outside of the principal's time are in no count of the scan but the sum. */
function setWritten(exchange: Exchange, scan: WriteRequestResult): void {
  const { sampleCount, histogramCount, exemplarCount, pointCount } = scan;
  const samples = Math.max(0, Math.min(sampleCount, pointCount - histogramCount));
  const counts = {
    Samples: samples,
    Histograms: Math.min(histogramCount, pointCount - samples),
    Exemplars: exemplarCount,
  };
  for (const [what, count] of Object.entries(counts))
    exchange.response.setHeader(`X-Prometheus-Remote-Write-${what}-Written`, count);
}

const NOTHING = { sampleCount: 0, histogramCount: 0, exemplarCount: 0, pointCount: 0 };

export async function remoteWrite(deps: WriteDependencies, exchange: Exchange): Promise<void> {
  const version = messageVersion(exchange);
  const options = writeOptions(exchange);
  const body = await snappyBody(exchange);
  const scanMessage = await scanner(version, deps.typeAndUnitLabels);
  const { scan, overLimit } = await deps.ingest.write(exchange.principal, {
    ...options,
    // One name for both versions: what the dictionary knows by one serves the other.
    protocol: 'remote-write',
    profileKey: '',
    sizeBytes: body.sizeBytes,
    // A further try decodes again: other bodies may have been where this one was.
    scan: (dictionary, sink) => {
      const message = body.decoded(kernel?.writeKernel());
      return scanMessage(message, message.length, dictionary, sink);
    },
    refuses: (result) => result.corrupt,
  });
  const isCorrupt = scan.corrupt !== undefined;
  if (version === 2) setWritten(exchange, isCorrupt ? { ...scan, ...NOTHING } : scan);
  if (isCorrupt) throw new AppError('invalid', 'remote-write-message', scan.corrupt);
  if (scan.errorCount === 0) return exchange.send({ status: 204 });
  if (overLimit !== undefined) throw overLimit;
  const [first] = scan.errors;
  const reason = first === undefined ? '' : `: series ${first.line}: ${first.reason}`;
  const message = `${scan.errorCount} of ${scan.rowCount} series were refused${reason}`;
  throw new AppError('invalid', 'remote-write-series', message);
}
