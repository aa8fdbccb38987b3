// `/api/v1/export?match[]=…&start=…&end=…`: one JSON object a line, a series after the other, read
// and sent in step with the client. `exact=1` carries every kind, microseconds, `subNs` and
// companions; without it the lines are VictoriaMetrics' (milliseconds, numbers only).
// `extra_label=NAME=VALUE` is a forced matcher.
import { AppError } from '../../model/errors.ts';
import { ALL_KINDS, NUMERIC_KINDS } from '../../model/columns.ts';
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { ReadContext, StorageReader } from '../../model/storage.ts';
import { EXPORT_TIMEOUT_MS } from '../../query/limits.ts';
import type { QueryService } from '../../query/query-service.ts';
import type { Exchange } from '../http/exchange.ts';
import { extraLabels } from '../http/write-options.ts';
import { rangeParams, selectorParams } from '../prometheus/params.ts';

export interface ExportDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
}

interface ExportRequest {
  readonly selectors: readonly (readonly Matcher[])[];
  readonly startUs: number;
  readonly endUs: number;
  readonly isExact: boolean;
}

const HEADERS = { 'Content-Type': 'application/stream+json; charset=utf-8' };

async function exportRequest(params: URLSearchParams): Promise<ExportRequest> {
  const given = await selectorParams(params);
  if (given.length === 0)
    throw new AppError('invalid', 'parameter', 'no match[] parameter provided');
  const forced: Matcher[] = [];
  const labels = extraLabels(params);
  for (let i = 0; i < labels.length; i += 2) forced.push(matcher(labels[i]!, '=', labels[i + 1]!));
  const selectors = given.map((matchers) => [...matchers, ...forced]);
  const isExact = ['1', 'true'].includes(params.get('exact') ?? '');
  return { ...rangeParams(params), selectors, isExact };
}

/** A series that several selectors name comes once for each of them. */
async function* lines(
  storage: StorageReader,
  context: ReadContext,
  request: ExportRequest,
): AsyncGenerator<Uint8Array> {
  const { JsonLinesEncoder } = await import('../../formats/json-lines/encode.ts');
  const { startUs, endUs, isExact } = request;
  const encoder = new JsonLinesEncoder(isExact ? 'exact' : 'victoriametrics');
  const kinds = isExact ? ALL_KINDS : NUMERIC_KINDS;
  for (const matchers of request.selectors) {
    const selected = storage.select(context, { matchers, startUs, endUs, kinds });
    for await (const series of selected) {
      context.signal.throwIfAborted();
      yield* encoder.add(series);
    }
  }
  yield* encoder.finish();
}

export async function exportSeries(deps: ExportDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  const request = await exportRequest(params);
  const query = {
    principal: exchange.principal,
    language: 'export',
    text: params.getAll('match[]').join(' '),
    timeoutMs: undefined,
    longestMs: EXPORT_TIMEOUT_MS,
    lane: 'heavy',
    signal: exchange.signal,
  } as const;
  await deps.queries.run(query, ({ context }) => {
    const pieces = lines(deps.storage, context, request);
    return exchange.sendStream(200, HEADERS, pieces, context.signal);
  });
}
