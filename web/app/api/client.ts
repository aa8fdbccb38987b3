/**
 * The console's only way to the server: a thin typed client of the public HTTP API, same origin.
 * What it can do, curl can do. Paths are relative to the page, so a prefix works.
 */
import { kindOf } from '../util/error-words.ts';
import { GET_URL_CHARS_MAX } from '../util/limits.ts';
import { ApiError } from './api-error.ts';
import type {
  Answer,
  BuildInfo,
  InstantQuery,
  InstantResult,
  MetricMetadata,
  RangeQuery,
  RangeResult,
} from './types.ts';

interface Envelope {
  readonly status?: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export async function queryRange(
  query: RangeQuery,
  signal?: AbortSignal,
): Promise<Answer<RangeResult>> {
  const params = new URLSearchParams({
    query: query.expr,
    start: String(query.startSec),
    end: String(query.endSec),
    step: String(query.stepSec),
    lookback_delta: `${query.lookbackSec}s`,
  });
  return call<RangeResult>('query_range', params, signal);
}

export async function queryInstant(
  query: InstantQuery,
  signal?: AbortSignal,
): Promise<Answer<InstantResult>> {
  const params = new URLSearchParams({
    query: query.expr,
    time: String(query.timeSec),
    lookback_delta: `${query.lookbackSec}s`,
  });
  return call<InstantResult>('query', params, signal);
}

/** All metric names of the store; empty when nothing was ever written. */
export async function metricNamesStored(signal?: AbortSignal): Promise<readonly string[]> {
  const answer = await call<readonly string[]>(
    'label/__name__/values',
    new URLSearchParams(),
    signal,
  );
  return answer.data;
}

/** Type, unit and help of one metric; undefined when its writer sent none. */
export async function metadataOf(
  metric: string,
  signal?: AbortSignal,
): Promise<MetricMetadata | undefined> {
  const params = new URLSearchParams({ metric });
  const answer = await call<Record<string, readonly MetricMetadata[]>>('metadata', params, signal);
  return Object.hasOwn(answer.data, metric) ? answer.data[metric]?.[0] : undefined;
}

export async function buildInfo(signal?: AbortSignal): Promise<BuildInfo> {
  const answer = await call<BuildInfo>('status/buildinfo', new URLSearchParams(), signal);
  return answer.data;
}

async function call<T>(
  path: string,
  params: URLSearchParams,
  signal: AbortSignal | undefined,
): Promise<Answer<T>> {
  const response = await send(path, params, signal);
  const envelope = await readEnvelope(response, signal);
  if (!response.ok || envelope.status !== 'success') {
    const message = envelope.error ?? `HTTP ${response.status} ${response.statusText}`.trim();
    throw new ApiError(kindOf(envelope.errorType, response.status), response.status, message);
  }
  return {
    data: envelope.data as T,
    warnings: envelope.warnings ?? [],
    infos: envelope.infos ?? [],
  };
}

async function send(
  path: string,
  params: URLSearchParams,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  const text = params.toString();
  const isLong = text.length > GET_URL_CHARS_MAX;
  if (!isLong) url.search = text;
  try {
    return await fetch(url, {
      method: isLong ? 'POST' : 'GET',
      ...(isLong ? { body: params } : {}),
      ...(signal === undefined ? {} : { signal }),
      headers: { accept: 'application/json' },
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError('network', 0, `No answer from ${url.origin}.`, error);
  }
}

async function readEnvelope(
  response: Response,
  signal: AbortSignal | undefined,
): Promise<Envelope> {
  try {
    return (await response.json()) as Envelope;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    // A proxy's own page, or a body cut short: the status still tells the most.
    if (!response.ok) return {};
    throw new ApiError('malformed', response.status, 'The body is not JSON.', error);
  }
}
