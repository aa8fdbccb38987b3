// `POST /api/v1/import/prometheus`: a page of Prometheus' exposition formats as one write; `POST
// /api/v1/import`: JSON lines as one write; `POST /api/v1/import/csv`: rows of CSV as one write.
// The good lines of a bad body are kept, and the answer is 400 with both counts and the first bad
// lines. `timestamp` (milliseconds) stands in for lines without a time; `extra_label=NAME=VALUE`
// is a forced label.
import { AppError } from '../../model/errors.ts';
import type { CsvOptions, HeaderMode } from '../../formats/csv/scan.ts';
import type { RowError, ScanResult } from '../../model/rows.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import { switchParam } from '../prometheus/params.ts';
import { expositionFormat, expositionScan } from '../../formats/exposition.ts';
import { lazy } from '../../stdx/lazy.ts';

const loadJsonLines = lazy(() => import('../../formats/json-lines/decode.ts'));
const loadCsvColumns = lazy(() => import('../../formats/csv/columns.ts'));
const loadCsvScan = lazy(() => import('../../formats/csv/scan.ts'));

export interface ImportDependencies {
  readonly ingest: Ingest;
  readonly clock: Clock;
  /** Of exposition text: the type of a metric becomes a label of its series. */
  readonly typeAndUnitLabels: boolean;
}

function defaultTimeUs(clock: Clock, params: URLSearchParams): number {
  const text = params.get('timestamp');
  if (text === null || text === '') return nowUs(clock);
  const tUs = Number(text) * 1000;
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(tUs))
    throw new AppError('invalid', 'timestamp', 'timestamp must be whole milliseconds');
  return tUs;
}

/** What no one line is to blame for has none. */
function lineText({ line, column, reason }: RowError): string {
  if (line === 0) return reason;
  return `line ${line}: ${reason}${column < 0 ? '' : ` (byte ${column + 1})`}`;
}

/** `POST /api/v1/import`: the JSON lines that `/api/v1/export` writes, in both forms. */
export async function importJsonLines(deps: ImportDependencies, exchange: Exchange): Promise<void> {
  const options = writeOptions(exchange);
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const body = await exchange.body();
  const { scanJsonLines } = await loadJsonLines();
  const written = await deps.ingest.write(principal, {
    ...options,
    protocol: 'json-lines',
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanJsonLines(body, body.length, dictionary, sink),
  });
  if (written.scan.errorCount > 0) throw written.overLimit ?? badRows(written.scan);
  exchange.send({ status: 204 });
}

const HEADER_MODES: ReadonlyMap<string, HeaderMode> = new Map([
  ['', 'auto'],
  ['auto', 'auto'],
  ['1', 'yes'],
  ['true', 'yes'],
  ['0', 'no'],
  ['false', 'no'],
]);

async function csvOptions(clock: Clock, params: URLSearchParams): Promise<CsvOptions> {
  const { parseColumns } = await loadCsvColumns();
  const columns = parseColumns(params.get('format') ?? '');
  if (typeof columns === 'string')
    throw new AppError('invalid', 'csv-format', `cannot read format: ${columns}`);
  const header = HEADER_MODES.get(params.get('header') ?? '');
  if (header === undefined)
    throw new AppError('invalid', 'csv-header', 'header must be 0, 1 or auto');
  return { columns, header, defaultTimeUs: defaultTimeUs(clock, params) };
}

/** `POST /api/v1/import/csv?format=…`, as VictoriaMetrics; docs/protocols/csv.md. */
export async function importCsv(deps: ImportDependencies, exchange: Exchange): Promise<void> {
  const options = writeOptions(exchange);
  const scanOptions = await csvOptions(deps.clock, exchange.search);
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const body = await exchange.body();
  const { columnsKey } = await loadCsvColumns();
  const { scanCsv } = await loadCsvScan();
  const written = await deps.ingest.write(principal, {
    ...options,
    protocol: 'csv',
    profileKey: columnsKey(scanOptions.columns),
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanCsv(body, body.length, scanOptions, dictionary, sink),
  });
  if (written.scan.errorCount > 0) throw written.overLimit ?? badRows(written.scan);
  exchange.send({ status: 204 });
}

/** What was kept, what was refused, and the first refused lines. */
function badRows({ errors, errorCount, pointCount }: ScanResult): AppError {
  const more = errorCount - errors.length;
  const lines = [...errors.map(lineText), ...(more > 0 ? [`… and ${more} more`] : [])];
  const head = `refused lines: ${errorCount}, kept samples: ${pointCount}`;
  return new AppError('invalid', 'bad-lines', `${head}\n${lines.join('\n')}`);
}

export async function importPrometheus(
  deps: ImportDependencies,
  exchange: Exchange,
): Promise<void> {
  const options = writeOptions(exchange);
  const format = expositionFormat(exchange.header('content-type'));
  const { search } = exchange;
  const scanOptions = {
    defaultTimeUs: defaultTimeUs(deps.clock, search),
    mode: 'import',
    extraLabels: [],
    typeLabels: deps.typeAndUnitLabels,
    customBuckets: switchParam(search, 'classic_to_custom'),
  } as const;
  const principal = withForcedLabels(exchange.principal, extraLabels(search));
  const body = await exchange.body();
  const scan = await expositionScan(format);
  const written = await deps.ingest.write(principal, {
    ...options,
    protocol: format,
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, sink) => scan(body, body.length, scanOptions, dictionary, sink),
    refuses: (result) => result.corrupt !== undefined,
  });
  const { scan: result } = written;
  if (result.corrupt !== undefined) throw new AppError('invalid', 'bad-body', result.corrupt);
  if (result.errorCount > 0) throw written.overLimit ?? badRows(result);
  exchange.send({ status: 204 });
}
