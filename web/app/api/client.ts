/**
 * The console's only way to the server: a thin typed client of the public HTTP API, same origin.
 * What it can do, curl can do. Paths are relative to the page, so a prefix works.
 */
import { kindOf } from '../util/error-words.ts';
import { GET_URL_CHARS_MAX } from '../util/limits.ts';
import { ApiError } from './api-error.ts';
import { decode } from './decoder.ts';
import { noteRefused, requestHeaders } from './session.ts';
import type {
  Answer,
  BuildInfo,
  DryRun,
  ExemplarSeries,
  Explained,
  InstantQuery,
  InstantResult,
  LiveQuery,
  MetricMetadata,
  ParsedNode,
  QueryCost,
  RangeAnswer,
  RangeQuery,
  RefusedRows,
  RelabelDebug,
  RelabelRules,
  StorageStatus,
  TsdbStatus,
} from './types.ts';

const PROMETHEUS = 'api/v1';
const OWN = 'orrery/v1';
const UNAUTHENTICATED = 401;

interface Envelope {
  readonly status?: string;
  readonly data?: unknown;
  readonly errorType?: string;
  /** A sentence from Prometheus' paths, an object from our own. */
  readonly error?: string | { readonly message?: string };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

function rangeParams({ expr, grid, lookbackSec }: RangeQuery): URLSearchParams {
  return new URLSearchParams({
    query: expr,
    start: String(grid.startSec),
    end: String(grid.endSec),
    step: String(grid.stepSec),
    lookback_delta: `${lookbackSec}s`,
  });
}

function instantParams(query: InstantQuery): URLSearchParams {
  return new URLSearchParams({
    query: query.expr,
    time: String(query.timeSec),
    lookback_delta: `${query.lookbackSec}s`,
  });
}

/** Of more series than `seriesMax` the first come as columns; all are counted. */
export async function queryRange(
  query: RangeQuery,
  seriesMax: number,
  signal?: AbortSignal,
): Promise<RangeAnswer> {
  const response = await send(`${PROMETHEUS}/query_range`, rangeParams(query), signal);
  if (!response.ok) throw await failureOf(response, signal);
  const range = await readBody(response, signal, async () =>
    decode(await response.arrayBuffer(), query.grid, seriesMax),
  );
  const samplesRead = response.headers.get('x-orrery-samples-read');
  return { ...range, samplesRead: samplesRead === null ? undefined : Number(samplesRead) };
}

/** The answer of a range query as the server sent it. */
export async function rawRange(query: RangeQuery, signal?: AbortSignal): Promise<string> {
  const response = await send(`${PROMETHEUS}/query_range`, rangeParams(query), signal);
  if (!response.ok) throw await failureOf(response, signal);
  return readBody(response, signal, async () => response.text());
}

/** Address of a range query, for a command line. */
export function rangeUrl(query: RangeQuery): string {
  const url = new URL(`${PROMETHEUS}/query_range`, document.baseURI);
  url.search = rangeParams(query).toString();
  return url.href;
}

export async function queryInstant(
  query: InstantQuery,
  signal?: AbortSignal,
): Promise<Answer<InstantResult>> {
  return call<InstantResult>('query', instantParams(query), signal);
}

export async function queryExemplars(
  query: RangeQuery,
  signal?: AbortSignal,
): Promise<readonly ExemplarSeries[]> {
  const params = rangeParams(query);
  const answer = await call<readonly ExemplarSeries[]>('query_exemplars', params, signal);
  return answer.data;
}

export async function parseQuery(expr: string, signal?: AbortSignal): Promise<ParsedNode> {
  const answer = await call<ParsedNode>(
    'parse_query',
    new URLSearchParams({ query: expr }),
    signal,
  );
  return answer.data;
}

export async function formatQuery(expr: string, signal?: AbortSignal): Promise<string> {
  const answer = await call<string>('format_query', new URLSearchParams({ query: expr }), signal);
  return answer.data;
}

/** What a query would read, from the index alone. */
export async function estimate(query: RangeQuery, signal?: AbortSignal): Promise<QueryCost> {
  return callOwn<QueryCost>('queries/estimate', rangeParams(query), signal);
}

/** Runs the query and tells what each of its parts did. */
export async function explain(query: RangeQuery, signal?: AbortSignal): Promise<Explained> {
  return callOwn<Explained>('queries/explain', rangeParams(query), signal);
}

export async function liveQueries(signal?: AbortSignal): Promise<readonly LiveQuery[]> {
  const answer = await callOwn<{ queries: readonly LiveQuery[] }>(
    'queries',
    new URLSearchParams(),
    signal,
  );
  return answer.queries;
}

/** False where the query ended before. */
export async function cancelQuery(id: string): Promise<boolean> {
  const url = new URL(`${OWN}/queries/${encodeURIComponent(id)}`, document.baseURI);
  const response = await request(url, { method: 'DELETE' }, undefined);
  if (response.status === 404) return false;
  if (!response.ok) throw await failureOf(response, undefined);
  return true;
}

export async function storageStatus(signal?: AbortSignal): Promise<StorageStatus> {
  return callOwn<StorageStatus>('storage', new URLSearchParams(), signal);
}

/**
 * Rows that were refused: counts since the start, and the last ones. Of a tenant, which only admins
 * of all may name; undefined: of the reader's own.
 */
export async function refusedRows(
  tenant: string | undefined,
  signal?: AbortSignal,
): Promise<RefusedRows> {
  const place = tenant === undefined ? '' : `tenants/${encodeURIComponent(tenant)}/`;
  return callOwn<RefusedRows>(`${place}refused-lines`, new URLSearchParams(), signal);
}

/** The tenant's relabelling rules, or the default's. */
export async function relabelRules(signal?: AbortSignal): Promise<RelabelRules> {
  return callOwn<RelabelRules>('relabel', new URLSearchParams(), signal);
}

/** Labels through rules, step by step. */
export async function debugRelabel(
  config: string,
  labels: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<RelabelDebug> {
  const body = JSON.stringify({ config, labels });
  return sendOwn<RelabelDebug>('relabel/debug', { method: 'POST', body }, signal);
}

/** Puts rules in force for the tenant. */
export async function putRelabelRules(config: string): Promise<RelabelRules> {
  return sendOwn<RelabelRules>('relabel', { method: 'PUT', body: config }, undefined);
}

/** A write as a dry run; `params` are the protocol's own. */
export async function explainWrite(
  protocol: string,
  { body, params }: { readonly body: string; readonly params: string },
  signal?: AbortSignal,
): Promise<DryRun> {
  const search = new URLSearchParams(params);
  search.set('protocol', protocol);
  // The type goes with the body: texts are plain, JSON says so.
  const type = protocol === 'otlp' ? 'application/json' : 'text/plain';
  const init = { method: 'POST', body: new Blob([body], { type }) };
  return sendOwn<DryRun>(`ingest/explain?${search}`, init, signal);
}

/** Flags in force, by name. */
export async function serverFlags(signal?: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const params = new URLSearchParams();
  return (await call<Record<string, string>>('status/flags', params, signal)).data;
}

/** Series of the tenant by metric and by label; `limit` rows of each. */
export async function tsdbStatus(limit: number, signal?: AbortSignal): Promise<TsdbStatus> {
  const params = new URLSearchParams({ limit: String(limit) });
  return (await call<TsdbStatus>('status/tsdb', params, signal)).data;
}

export async function seriesOf(
  selector: string,
  limit: number,
  signal?: AbortSignal,
): Promise<Answer<readonly Readonly<Record<string, string>>[]>> {
  return call('series', new URLSearchParams({ 'match[]': selector, limit: String(limit) }), signal);
}

/** Type, unit and help of all metrics that have them. */
export async function allMetadata(
  signal?: AbortSignal,
): Promise<Readonly<Record<string, readonly MetricMetadata[]>>> {
  const params = new URLSearchParams();
  return (await call<Record<string, readonly MetricMetadata[]>>('metadata', params, signal)).data;
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
  const response = await send(`${PROMETHEUS}/${path}`, params, signal);
  if (!response.ok) throw await failureOf(response, signal);
  // No content: an expression without selectors has no exemplars.
  if (response.status === 204) return { data: [] as T, warnings: [], infos: [] };
  const envelope = await readBody(response, signal, async () => readEnvelope(response));
  const { data, warnings = [], infos = [] } = envelope;
  return { data: data as T, warnings, infos };
}

async function callOwn<T>(
  path: string,
  params: URLSearchParams,
  signal: AbortSignal | undefined,
): Promise<T> {
  const response = await send(`${OWN}/${path}`, params, signal);
  if (!response.ok) throw await failureOf(response, signal);
  return readBody(response, signal, async () => (await response.json()) as T);
}

/** A call of our own API; `signal` undefined where nobody would end it. */
export async function sendOwn<T>(
  path: string,
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<T> {
  const response = await request(new URL(`${OWN}/${path}`, document.baseURI), init, signal);
  if (!response.ok) throw await failureOf(response, signal);
  return readBody(response, signal, async () => (await response.json()) as T);
}

async function send(
  path: string,
  params: URLSearchParams,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const url = new URL(path, document.baseURI);
  const text = params.toString();
  const isLong = text.length > GET_URL_CHARS_MAX;
  if (!isLong) url.search = text;
  return request(url, isLong ? { method: 'POST', body: params } : {}, signal);
}

/**
 * Servers with guards name each query they run. Where none was named yet, cost is not
 * asked for: the answer would be 404, and browsers write that down as an error.
 */
let hasGuards = false;

export function canEstimate(): boolean {
  return hasGuards;
}

async function request(
  url: URL,
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    const response = await fetch(url, {
      ...init,
      ...(signal === undefined ? {} : { signal }),
      headers: requestHeaders(),
    });
    if (response.status === UNAUTHENTICATED) noteRefused();
    hasGuards ||= response.headers.has('x-orrery-query-id');
    return response;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError('network', 0, `No answer from ${url.origin}.`, error);
  }
}

async function readEnvelope(response: Response): Promise<Envelope> {
  return (await response.json()) as Envelope;
}

/** Reads the body of an answer that is good so far. */
async function readBody<T>(
  response: Response,
  signal: AbortSignal | undefined,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError('malformed', response.status, 'The body is not JSON.', error);
  }
}

async function failureOf(response: Response, signal: AbortSignal | undefined): Promise<ApiError> {
  let envelope: Envelope = {};
  try {
    envelope = await readEnvelope(response);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    // A proxy's own page, or a body cut short: the status still tells the most.
    console.info('The error has no JSON:', error);
  }
  const { error, errorType } = envelope;
  const sentence = typeof error === 'object' ? error.message : error;
  const message = sentence ?? `HTTP ${response.status} ${response.statusText}`.trim();
  return new ApiError(kindOf(errorType, response.status), response.status, message);
}
