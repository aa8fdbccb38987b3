// `/api/v1/export?match[]=…&start=…&end=…`: one JSON object a line, a series after the other, read
// and sent in step with the client. `exact=1` carries every kind, microseconds, `subNs` and
// companions; without it the lines are VictoriaMetrics' (milliseconds, numbers only).
// `/api/v1/export/csv?format=…&match[]=…`: a row per sample. `extra_label=NAME=VALUE` is a forced
// matcher of both.
import { AppError } from '../../model/errors.ts';
import type { KindMask } from '../../model/columns.ts';
import { ALL_KINDS, NUMERIC_KINDS } from '../../model/columns.ts';
import { matcher, matchesAll } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { SelectedSeries, StorageReader } from '../../model/storage.ts';
import { EXPORT_TIMEOUT_MS } from '../../query/limits.ts';
import { countSeries } from '../../query/query-service.ts';
import type { QueryService, RunningQuery } from '../../query/query-service.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels } from '../http/write-options.ts';
import { invalidParameter, parseInteger } from '../prometheus/params.ts';
import { selectorParams, switchParam, T_US_MAX, timeParam } from '../prometheus/params.ts';

export interface ExportDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
}

interface ExportRequest {
  readonly selectors: readonly (readonly Matcher[])[];
  readonly startUs: number;
  readonly endUs: number;
  readonly kinds: KindMask;
}

/** Of JSON lines and CSV. */
interface SeriesEncoder {
  add(series: SelectedSeries): Iterable<Uint8Array>;
  finish(): Iterable<Uint8Array>;
}

const JSON_HEADERS = { 'Content-Type': 'application/stream+json; charset=utf-8' };
const CSV_HEADERS = { 'Content-Type': 'text/csv; charset=utf-8' };

async function exportRequest(params: URLSearchParams, kinds: KindMask): Promise<ExportRequest> {
  const given = await selectorParams(params);
  if (given.length === 0)
    throw new AppError('invalid', 'parameter', 'no match[] parameter provided');
  const forced: Matcher[] = [];
  const labels = extraLabels(params);
  for (let i = 0; i < labels.length; i += 2) forced.push(matcher(labels[i]!, '=', labels[i + 1]!));
  const selectors = given.map((matchers) => [...matchers, ...forced]);
  const startUs = exportTime(params, 'start', -T_US_MAX);
  return { startUs, endUs: exportTime(params, 'end', T_US_MAX), selectors, kinds };
}

/** From where on numbers are nanoseconds, microseconds, milliseconds: as seconds, beyond 2255. */
const UNITS_US: readonly (readonly [number, number])[] = [
  [1e17, 1e-3],
  [1e14, 1],
  [1e11, 1e3],
];

/** A time as everywhere; large numbers are of a finer unit, as VictoriaMetrics takes them. */
function exportTime(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name) ?? '';
  const number = /^-?\d+$/.test(text) ? Number(text) : 0;
  for (const [from, unitUs] of UNITS_US)
    if (Math.abs(number) >= from) {
      const tUs = Math.floor(number * unitUs);
      return Math.max(-T_US_MAX, Math.min(T_US_MAX, tUs));
    }
  return timeParam(params, name, fallback);
}

/** Samples on a line at most; undefined: as many as a line may have. */
function rowsPerLine(params: URLSearchParams): number | undefined {
  const name = 'max_rows_per_line';
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const count = parseInteger(text);
  if (count === undefined || count < 0) throw invalidParameter(name, 'expected a whole number');
  return count === 0 ? undefined : count;
}

/** A series that several selectors name comes with the first of them. */
async function* pieces(
  storage: StorageReader,
  { context, countRead }: RunningQuery,
  request: ExportRequest,
  encoder: SeriesEncoder,
): AsyncGenerator<Uint8Array> {
  const { startUs, endUs, kinds, selectors } = request;
  for (const [i, matchers] of selectors.entries()) {
    const before = selectors.slice(0, i);
    const selected = storage.select(context, { matchers, startUs, endUs, kinds });
    for await (const series of selected) {
      context.signal.throwIfAborted();
      countSeries(countRead, series);
      if (before.some((earlier) => matchesAll(earlier, series.labels))) continue;
      yield* encoder.add(series);
    }
  }
  yield* encoder.finish();
}

interface Export {
  readonly params: URLSearchParams;
  readonly request: ExportRequest;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoder: SeriesEncoder;
}

async function send(deps: ExportDependencies, exchange: Exchange, what: Export): Promise<void> {
  const { params, request, headers, encoder } = what;
  const query = {
    principal: exchange.principal,
    language: 'export',
    text: params.getAll('match[]').join(' '),
    timeoutMs: undefined,
    longestMs: EXPORT_TIMEOUT_MS,
    lane: 'heavy',
    readsAnySeries: true,
    signal: exchange.signal,
  } as const;
  await deps.queries.run(query, (running) => {
    const sent = pieces(deps.storage, running, request, encoder);
    return exchange.sendStream(200, headers, sent, { signal: running.context.signal });
  });
}

export async function exportJsonLines(deps: ExportDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  const isExact = switchParam(params, 'exact');
  const request = await exportRequest(params, isExact ? ALL_KINDS : NUMERIC_KINDS);
  const { JsonLinesEncoder } = await import('../../formats/json-lines/encode.ts');
  const form = isExact ? 'exact' : 'victoriametrics';
  const encoder = new JsonLinesEncoder(form, rowsPerLine(params));
  await send(deps, exchange, { params, request, headers: JSON_HEADERS, encoder });
}

export async function exportCsv(deps: ExportDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  const { CsvEncoder, parseCells } = await import('../../formats/csv/encode.ts');
  const cells = parseCells(params.get('format') ?? '');
  if (typeof cells === 'string')
    throw new AppError('invalid', 'csv-format', `cannot read format: ${cells}`);
  const request = await exportRequest(params, NUMERIC_KINDS);
  const encoder = new CsvEncoder(cells);
  await send(deps, exchange, { params, request, headers: CSV_HEADERS, encoder });
}
