/**
 * The mock's answers to the HTTP API. Sentinel metric names make every state of the console
 * reachable: mock_error, mock_limit, mock_failed, mock_slow, mock_huge, mock_hostile,
 * mock_warnings, mock_empty, mock_gaps, mock_histogram, mock_exemplars.
 */
import { failed, type MockAnswer, type MockState } from './mock-answer.ts';
import { labelAnswer, metadata, seriesAnswer, tsdbStatus } from './names.ts';
import { parsedQuery } from './own.ts';
import { HOST_NAMES, seriesFor, type MockSeries } from './series.ts';

const SLOW_MS = 5000;

export function answer(path: string, params: URLSearchParams, state: MockState): MockAnswer {
  const values = /^label\/(.+)\/values$/.exec(path)?.[1];
  if (values !== undefined) return ok(labelAnswer(values, params, storedNames(state)));
  switch (path) {
    case 'query':
    case 'query_range':
      return answerQuery(path, params, state);
    case 'query_exemplars':
      return ok(exemplars(params));
    case 'labels':
      return ok(['__name__', 'instance', 'job', 'mode']);
    case 'series':
      return ok(seriesAnswer(params));
    case 'metadata':
      return ok(metadata(params.get('metric') ?? undefined, storedNames(state)));
    case 'status/buildinfo':
      return ok({ version: '3.5.0', revision: 'orrery-0.1.0' });
    case 'status/tsdb':
      return ok(tsdbStatus(storedNames(state), Number(params.get('limit') ?? 10)));
    case 'status/flags':
      return ok({ 'http-port': '4332', 'query-timeout': '2m', 'query-concurrency': '16' });
    case 'parse_query':
      return ok(parsedQuery(params.get('query') ?? ''));
    case 'format_query':
      return ok((params.get('query') ?? '').replaceAll(/\s*\(\s*/g, '(\n  '));
    default:
      return failed(404, 'not_found', `no such call: ${path}`);
  }
}

function storedNames(state: MockState): readonly string[] {
  if (state.store === 'empty') return [];
  return state.store === 'written' ? ['room_temperature'] : HOST_NAMES;
}

function answerQuery(path: string, params: URLSearchParams, state: MockState): MockAnswer {
  const expr = params.get('query') ?? '';
  const sentinel = answerSentinel(expr);
  if (sentinel !== undefined) return sentinel;
  const series = state.store === 'empty' ? [] : seriesFor(expr);
  const data = path === 'query' ? instant(series, params, state) : range(series, params, state);
  const body = { status: 'success', data, ...remarks(expr) };
  const headers = { 'x-orrery-query-id': '5f0c9a7be1d2c3b4', 'x-orrery-samples-read': '3600' };
  return {
    status: 200,
    body,
    ...(expr.includes('mock_slow') ? { delayMs: SLOW_MS } : {}),
    ...(state.hasGuards ? { headers } : {}),
  };
}

function answerSentinel(expr: string): MockAnswer | undefined {
  if (expr.includes('mock_limit')) {
    const words =
      'limit samples_per_query is 50000000, the query needs 812345678; most by job="node"';
    return failed(422, 'limited', words);
  }
  if (expr.includes('mock_failed')) return failed(500, 'internal', 'block 17: checksum differs');
  const opened = expr.split('(').length - expr.split(')').length;
  if (expr.includes('mock_error') || opened !== 0) {
    const column = expr.includes('mock_error') ? expr.indexOf('mock_error') + 1 : expr.length + 1;
    const words = `invalid parameter "query": 1:${column}: parse error: unexpected identifier`;
    return failed(400, 'bad_data', words);
  }
  return undefined;
}

function remarks(expr: string): Record<string, readonly string[]> {
  if (!expr.includes('mock_warnings')) return {};
  return {
    warnings: ['PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)'],
    infos: ['PromQL info: metric might not be a counter, name does not end in _total (1:6)'],
  };
}

function range(series: readonly MockSeries[], params: URLSearchParams, state: MockState): unknown {
  const startSec = Number(params.get('start'));
  const endSec = Number(params.get('end'));
  const stepSec = Number(params.get('step'));
  const result = series.flatMap(({ metric, at, histogramAt }): readonly unknown[] => {
    const values: [number, string][] = [];
    if (histogramAt !== undefined) {
      return [
        {
          metric,
          histograms: steps(startSec, endSec, stepSec).map((sec) => [sec, histogramAt(sec)]),
        },
      ];
    }
    for (let sec = startSec; sec <= endSec + 1e-6; sec += stepSec) {
      const value = sec < state.bornSec ? undefined : at(sec);
      if (value !== undefined) values.push([Math.round(sec * 1000) / 1000, String(value)]);
    }
    return values.length === 0 ? [] : [{ metric, values }];
  });
  return { resultType: 'matrix', result };
}

function steps(startSec: number, endSec: number, stepSec: number): readonly number[] {
  const count = Math.floor((endSec - startSec) / stepSec + 1e-6) + 1;
  return Array.from({ length: count }, (_, index) => startSec + index * stepSec);
}

function exemplars(params: URLSearchParams): readonly unknown[] {
  if (!(params.get('query') ?? '').includes('mock_exemplars')) return [];
  const startSec = Number(params.get('start'));
  const spanSec = Number(params.get('end')) - startSec;
  const at = [0.2, 0.21, 0.55, 0.8].map((share, index) => ({
    labels: { trace_id: `4bf92f3577b34da6a3ce929d0e0e473${index}`, span_id: '00f067aa0ba902b7' },
    value: String([0.9, 1.4, 40, 1.1][index]),
    timestamp: startSec + share * spanSec,
  }));
  return [{ seriesLabels: { __name__: 'mock_exemplars', job: 'shop' }, exemplars: at }];
}

function instant(
  series: readonly MockSeries[],
  params: URLSearchParams,
  state: MockState,
): unknown {
  const sec = Number(params.get('time'));
  const result = series.flatMap(({ metric, at, histogramAt }): readonly unknown[] => {
    if (histogramAt !== undefined) return [{ metric, histogram: [sec, histogramAt(sec)] }];
    const value = sec < state.bornSec ? undefined : at(sec);
    return value === undefined ? [] : [{ metric, value: [sec, String(value)] }];
  });
  return { resultType: 'vector', result };
}

function ok(data: unknown): MockAnswer {
  return { status: 200, body: { status: 'success', data } };
}
