// `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0, protobuf in block-format snappy; the
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
import { checkSnappy, snappyBody } from './snappy-body.ts';

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
  checkSnappy(exchange);
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

async function scanner(version: Version, typeAndUnitLabels: boolean): Promise<ScanMessage> {
  if (version === 1)
    return (await import('../../formats/remote-write/write-request.ts')).scanWriteRequest;
  const { scanRequestV2 } = await import('../../formats/remote-write/request-v2.ts');
  if (!typeAndUnitLabels) return scanRequestV2;
  const { withTypeAndUnitLabels } = await import('../../formats/remote-write/type-and-unit.ts');
  return (body, end, dictionary, sink) => {
    const labelled = withTypeAndUnitLabels(body.subarray(0, end));
    return scanRequestV2(labelled, labelled.length, dictionary, sink);
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
  const { scan } = await deps.ingest.write(exchange.principal, {
    ...options,
    // One name for both versions: what the dictionary knows by one serves the other.
    protocol: 'remote-write',
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanMessage(body, body.length, dictionary, sink),
    refuses: (result) => result.corrupt,
  });
  const isCorrupt = scan.corrupt !== undefined;
  if (version === 2) setWritten(exchange, isCorrupt ? { ...scan, ...NOTHING } : scan);
  if (isCorrupt) throw new AppError('invalid', 'remote-write-message', scan.corrupt);
  if (scan.errorCount === 0) return exchange.send({ status: 204 });
  const [first] = scan.errors;
  const reason = first === undefined ? '' : `: series ${first.line}: ${first.reason}`;
  const message = `${scan.errorCount} of ${scan.rowCount} series were refused${reason}`;
  throw new AppError('invalid', 'remote-write-series', message);
}
