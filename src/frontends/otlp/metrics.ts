// `POST /v1/metrics`: OTLP/HTTP metrics in protobuf or JSON. Good data points of a message are
// kept; those that are refused are counted in the partial success. What cannot be read is 400, so
// that clients drop it; what may succeed later is 429 or 503 with `Retry-After`.
// Source: OTLP specification 1.x, "OTLP/HTTP".
import { AppError } from '../../model/errors.ts';
import type { DeltaLedger } from '../../ingest/delta-sums.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { OtlpForm } from '../../formats/otlp/answers.ts';
import { exportResponse, OTLP_MEDIA_TYPE } from '../../formats/otlp/answers.ts';
import type { DeltaSums } from '../../formats/otlp/deltas.ts';
import type { OtlpOptions, OtlpResult } from '../../formats/otlp/metrics.ts';
import { OTLP_JSON_BYTES_MAX } from '../../formats/limits.ts';
import type { Exchange } from '../http/exchange.ts';
import { writeOptions } from '../http/write-options.ts';
import { lazy } from '../../stdx/lazy.ts';
import { otlpForm } from './errors.ts';

const loadMetrics = lazy(() => import('../../formats/otlp/metrics.ts'));
const loadDeltas = lazy(() => import('../../formats/otlp/deltas.ts'));
const loadJson = lazy(() => import('../../formats/otlp/json.ts'));

export interface OtlpDependencies {
  readonly ingest: Ingest;
  readonly otlp: OtlpOptions;
}

/** Of the process; loaded by the first message of delta temporality. */
export type Ledger = () => Promise<DeltaLedger>;

function formOf(exchange: Exchange): OtlpForm {
  const type = exchange.header('content-type');
  const form = otlpForm(type);
  if (form !== undefined) return form;
  const shown = type === undefined ? 'none' : JSON.stringify(type.slice(0, 100));
  const known = Object.values(OTLP_MEDIA_TYPE).join(' or ');
  throw new AppError('unsupported', 'otlp-type', `Content-Type must be ${known}, not ${shown}`);
}

/** The message in protobuf, whatever its form. */
async function messageOf(exchange: Exchange, form: OtlpForm): Promise<Uint8Array> {
  const body = await exchange.body();
  if (form === 'protobuf') return body;
  if (body.length > OTLP_JSON_BYTES_MAX)
    throw new AppError(
      'tooLarge',
      'otlp-json-size',
      `a message in JSON may have ${OTLP_JSON_BYTES_MAX} bytes, this one has ${body.length}`,
    );
  // Texts and objects of the parsed message.
  exchange.hold(body.length * 2);
  const { messageOfJson, OtlpJsonError } = await loadJson();
  try {
    const message = messageOfJson(body);
    exchange.hold(message.length);
    return message;
  } catch (error) {
    if (!(error instanceof OtlpJsonError)) throw error;
    throw new AppError('invalid', 'otlp-json', error.message, { cause: error });
  }
}

export async function otlpMetrics(
  deps: OtlpDependencies,
  ledger: Ledger,
  exchange: Exchange,
): Promise<void> {
  const form = formOf(exchange);
  const options = writeOptions(exchange);
  const message = await messageOf(exchange, form);
  const [{ scanMetrics }, { hasDeltas }] = await Promise.all([loadMetrics(), loadDeltas()]);
  const write = async (open: () => DeltaSums | undefined): Promise<OtlpResult> => {
    const { scan, overLimit } = await deps.ingest.write(exchange.principal, {
      ...options,
      protocol: 'otlp',
      profileKey: '',
      sizeBytes: message.length,
      scan: (dictionary, sink) =>
        scanMetrics(message, message.length, deps.otlp, { dictionary, sink }, open()),
      refuses: (result) => result.corrupt,
    });
    if (scan.corrupt !== undefined) throw new AppError('invalid', 'otlp-message', scan.corrupt);
    if (overLimit !== undefined) throw overLimit;
    return scan;
  };
  const result = hasDeltas(message, message.length)
    ? await (await ledger()).write(exchange.principal.tenant, write)
    : await write(() => undefined);
  exchange.send({
    status: 200,
    headers: { 'Content-Type': OTLP_MEDIA_TYPE[form] },
    body: exportResponse(result, form),
  });
}
