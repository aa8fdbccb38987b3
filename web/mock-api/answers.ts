/**
 * The mock's answers to the HTTP API. Sentinel metric names make every state of the console
 * reachable: mock_error, mock_limit, mock_failed, mock_slow, mock_huge, mock_hostile,
 * mock_warnings, mock_empty, mock_gaps.
 */
import { HOST_NAMES, seriesFor, type MockSeries } from './series.ts';

/** What the store holds: host metrics, only what a client wrote, or nothing. */
export type MockStore = 'host' | 'written' | 'empty';

export interface MockState {
  store: MockStore;
  /** Time of the first sample in seconds; queries before it find nothing. */
  bornSec: number;
}

export interface MockAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The answer is held back this long, unless the client goes away. */
  readonly delayMs?: number;
}

const SLOW_MS = 3500;

export function answer(path: string, params: URLSearchParams, state: MockState): MockAnswer {
  switch (path) {
    case 'query':
    case 'query_range':
      return answerQuery(path, params, state);
    case 'label/__name__/values':
      return ok(storedNames(state));
    case 'labels':
      return ok(['__name__', 'instance', 'job', 'mode']);
    case 'metadata':
      return ok(metadata(params.get('metric') ?? ''));
    case 'status/buildinfo':
      return ok({ version: '3.5.0', revision: 'orrery-0.1.0' });
    case 'parse_query':
      return ok({ type: 'vectorSelector' });
    default:
      return failed(404, 'not_found', `no such call: ${path}`);
  }
}

function storedNames(state: MockState): readonly string[] {
  if (state.store === 'empty') return [];
  return state.store === 'written' ? ['room_temperature'] : HOST_NAMES;
}

function metadata(metric: string): Record<string, unknown> {
  if (!metric.startsWith('node_memory')) return {};
  return { [metric]: [{ type: 'gauge', unit: '', help: `Memory information field ${metric}.` }] };
}

function answerQuery(path: string, params: URLSearchParams, state: MockState): MockAnswer {
  const expr = params.get('query') ?? '';
  const sentinel = answerSentinel(expr);
  if (sentinel !== undefined) return sentinel;
  const series = state.store === 'empty' ? [] : seriesFor(expr);
  const data = path === 'query' ? instant(series, params, state) : range(series, params, state);
  const body = { status: 'success', data, ...remarks(expr) };
  return { status: 200, body, ...(expr.includes('mock_slow') ? { delayMs: SLOW_MS } : {}) };
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
  const result = series.flatMap(({ metric, at }) => {
    const values: [number, string][] = [];
    for (let sec = startSec; sec <= endSec + 1e-6; sec += stepSec) {
      const value = sec < state.bornSec ? undefined : at(sec);
      if (value !== undefined) values.push([Math.round(sec * 1000) / 1000, String(value)]);
    }
    return values.length === 0 ? [] : [{ metric, values }];
  });
  return { resultType: 'matrix', result };
}

function instant(
  series: readonly MockSeries[],
  params: URLSearchParams,
  state: MockState,
): unknown {
  const sec = Number(params.get('time'));
  const result = series.flatMap(({ metric, at }) => {
    const value = sec < state.bornSec ? undefined : at(sec);
    return value === undefined ? [] : [{ metric, value: [sec, String(value)] }];
  });
  return { resultType: 'vector', result };
}

function ok(data: unknown): MockAnswer {
  return { status: 200, body: { status: 'success', data } };
}

function failed(status: number, errorType: string, error: string): MockAnswer {
  return { status, body: { status: 'error', errorType, error } };
}
