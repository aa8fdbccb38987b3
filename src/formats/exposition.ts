// Which of Prometheus' exposition formats a Content-Type names, and the scanner of each. Used by
// pushes and by scrapes. Source: Prometheus docs "Exposition formats", "Content negotiation".
import { AppError } from '../model/errors.ts';
import type { RowDictionary, RowSink, ScanResult } from '../model/rows.ts';
import type { ExpositionOptions } from './prometheus-text/exposition.ts';
import { lazy } from '../stdx/lazy.ts';

const loadProtobuf = lazy(() => import('./prometheus-protobuf/families.ts'));
const loadOpenMetrics = lazy(() => import('./openmetrics/openmetrics.ts'));
const loadText = lazy(() => import('./prometheus-text/exposition.ts'));
const loadClassicGroups = lazy(() => import('./prometheus-text/classic-groups.ts'));

export type ExpositionFormat = 'prometheus-text' | 'openmetrics' | 'prometheus-protobuf';

export interface ExpositionResult extends ScanResult {
  /** Set where nothing of the body may be stored. */
  readonly corrupt?: string | undefined;
}

export type ExpositionScan = (
  body: Uint8Array,
  end: number,
  options: ExpositionOptions,
  dictionary: RowDictionary,
  sink: RowSink,
) => ExpositionResult;

const PROTOBUF = 'application/vnd.google.protobuf';
const OPENMETRICS = 'application/openmetrics-text';
const FORM = 'application/x-www-form-urlencoded';
/** Versions that a scanner reads; text with another one is another format. */
const VERSIONS: Readonly<Record<string, RegExp>> = {
  [OPENMETRICS]: /^(?:0\.0\.1|1\.\d+\.\d+)$/,
  'text/plain': /^(?:0\.0\.\d+|1\.\d+\.\d+)$/,
};

function unsupported(contentType: string, why: string): AppError {
  return new AppError(
    'unsupported',
    'content-type',
    `Content-Type "${contentType.slice(0, 200)}" is not read here: ${why}; known are text/plain, ` +
      `${OPENMETRICS} and ${PROTOBUF};proto=io.prometheus.client.MetricFamily;encoding=delimited`,
  );
}

/**
 * The format; throws AppError unsupported. Text is what is sent without a type, and with the ones
 * that clients put there unasked (curl's form type, `application/octet-stream`).
 */
export function expositionFormat(contentType: string | undefined): ExpositionFormat {
  if (contentType === undefined || contentType.trim() === '') return 'prometheus-text';
  const [type, ...parts] = contentType.split(';').map((part) => part.trim());
  const parameters = new Map(
    parts.map((part) => {
      const [name, value = ''] = part.split('=');
      return [name!.trim().toLowerCase(), value.trim().replaceAll('"', '')];
    }),
  );
  const media = type!.toLowerCase();
  if (media === PROTOBUF) {
    const proto = parameters.get('proto') ?? '';
    if (proto !== '' && proto !== 'io.prometheus.client.MetricFamily')
      throw unsupported(contentType, `its message is ${proto}`);
    const encoding = parameters.get('encoding') ?? '';
    if (encoding !== 'delimited') throw unsupported(contentType, 'its encoding is not delimited');
    return 'prometheus-protobuf';
  }
  const version = parameters.get('version');
  const versions = VERSIONS[media];
  if (version !== undefined && versions !== undefined && !versions.test(version))
    throw unsupported(contentType, `of version ${version}`);
  if (media === OPENMETRICS) return 'openmetrics';
  const isText =
    media.startsWith('text/') || media === FORM || media === 'application/octet-stream';
  if (isText) return 'prometheus-text';
  throw unsupported(contentType, 'it is another format');
}

/** Of a scrape: what no scanner is known for is read as text. */
export function scrapedFormat(contentType: string | undefined): ExpositionFormat {
  try {
    return expositionFormat(contentType);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return 'prometheus-text';
  }
}

/** Scanners are loaded by the first body of their format. */
export async function expositionScan(format: ExpositionFormat): Promise<ExpositionScan> {
  if (format === 'prometheus-protobuf') return (await loadProtobuf()).scanMetricFamilies;
  const [scan, { withCustomBuckets }] = await Promise.all([
    format === 'openmetrics'
      ? loadOpenMetrics().then((room) => room.scanOpenMetrics)
      : loadText().then((room) => room.scanPrometheusText),
    loadClassicGroups(),
  ]);
  return (body, end, options, dictionary, sink) =>
    options.customBuckets === true
      ? withCustomBuckets(dictionary, sink, (own, ownSink) =>
          scan(body, end, options, own, ownSink),
        )
      : scan(body, end, options, dictionary, sink);
}
