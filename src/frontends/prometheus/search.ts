// `/api/v1/search/metric_names`, `/search/label_names`, `/search/label_values`: names and values
// that fit a few letters, best first where asked, as lines of JSON: batches of results, then a line
// that says how it ended. Source: Prometheus web/api/v1/search.go and its OpenAPI document.
import { compareUtf8, METRIC_NAME } from '../../model/labels.ts';
import type { Metadata } from '../../model/columns.ts';
import type { ReadContext, SeriesSelector } from '../../model/storage.ts';
import { inSlices } from '../../query/prometheus-json.ts';
import { nowUs } from '../../stdx/clock.ts';
import { eachInTurns, mapInTurns, sortInTurns } from '../../stdx/turns.ts';
import { Slices } from '../../windows/leaf-slices.ts';
import type { Exchange } from '../http/exchange.ts';
import { read } from './metadata.ts';
import type { MetadataDependencies } from './metadata.ts';
import { orderedTimes, parseInteger, parseTime, selectorParams } from './params.ts';
import { scoreOf } from './search-scores.ts';
import type { SearchTerms } from './search-scores.ts';
import { badParameter } from './status.ts';

const TERMS_MAX = 32;
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
const BATCH_DEFAULT = 100;
const HOUR_US = 3_600_000_000;
const NDJSON = { 'Content-Type': 'application/x-ndjson; charset=utf-8' };
const ALGORITHMS = ['subsequence', 'jarowinkler'] as const;

interface SearchRequest {
  readonly startUs: number;
  readonly endUs: number;
  /** At least one. */
  readonly selectors: readonly SeriesSelector['matchers'][];
  readonly search: SearchTerms;
  readonly order: 'value' | 'value-down' | 'score';
  readonly withScore: boolean;
  readonly limit: number;
  readonly batchSize: number;
}

export type SearchKind = 'metric_names' | 'label_names' | 'label_values';

interface Found {
  readonly value: string;
  readonly score: number;
}

function timeOr(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name) ?? '';
  if (text === '') return fallback;
  const tUs = parseTime(text);
  if (tUs !== undefined) return tUs;
  const reason = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
  throw badParameter(`invalid time value for '${name}': ${reason}`);
}

function booleanOr(params: URLSearchParams, name: string, fallback: boolean): boolean {
  const text = params.get(name) ?? '';
  if (text === '') return fallback;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw badParameter(`invalid ${name} ${JSON.stringify(text)}: must be boolean`);
}

function positiveOr(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name) ?? '';
  if (text === '') return fallback;
  const value = parseInteger(text);
  if (value === undefined || value <= 0)
    throw badParameter(`invalid ${name} ${JSON.stringify(text)}: must be a positive integer`);
  return value;
}

function searchTerms(params: URLSearchParams): SearchTerms {
  const terms = params.getAll('search[]');
  if (terms.length > TERMS_MAX)
    throw badParameter(`too many search[] terms: got ${terms.length}, maximum is ${TERMS_MAX}`);
  const text = params.get('fuzz_threshold') ?? '';
  const percent = text === '' ? 0 : parseInteger(text);
  if (percent === undefined || percent < 0 || percent > 100)
    throw badParameter(`invalid fuzz_threshold ${JSON.stringify(text)}: must be 0-100`);
  const wanted = params.get('fuzz_alg') ?? '';
  const algorithm = ALGORITHMS.find((name) => name === (wanted || ALGORITHMS[0]));
  if (algorithm === undefined)
    throw badParameter(
      `unsupported fuzz_alg ${JSON.stringify(wanted)}: must be one of [${ALGORITHMS.join(' ')}]`,
    );
  const isCaseSensitive = booleanOr(params, 'case_sensitive', true);
  return { terms, algorithm, threshold: percent / 100, isCaseSensitive };
}

function orderOf(
  params: URLSearchParams,
  search: SearchTerms,
  kind: SearchKind,
): SearchRequest['order'] {
  const by = params.get('sort_by') ?? '';
  const direction = params.get('sort_dir') ?? '';
  if (direction !== '' && by === '')
    throw badParameter('sort_dir is only valid when sort_by is set');
  if (direction !== '' && by === 'score')
    throw badParameter('sort_dir is not supported for sort_by=score');
  if (!['', 'asc', 'dsc'].includes(direction))
    throw badParameter(`invalid sort_dir ${JSON.stringify(direction)}: must be "asc" or "dsc"`);
  if (by === 'score' && search.terms.length === 0)
    throw badParameter('sort_by=score requires search[] to be set');
  if (!['', 'alpha', 'score'].includes(by))
    throw badParameter(
      `invalid sort_by ${JSON.stringify(by)} for ${kind}: must be "alpha" or "score"`,
    );
  if (by === 'score') return 'score';
  return direction === 'dsc' ? 'value-down' : 'value';
}

async function searchRequest(
  params: URLSearchParams,
  nowAtUs: number,
  kind: SearchKind,
): Promise<SearchRequest> {
  const startUs = timeOr(params, 'start', nowAtUs - HOUR_US);
  const endUs = timeOr(params, 'end', nowAtUs);
  orderedTimes(startUs, endUs);
  const selectors = await selectorParams(params, { named: false });
  const search = searchTerms(params);
  const withScore = booleanOr(params, 'include_score', false);
  const order = orderOf(params, search, kind);
  const limit = positiveOr(params, 'limit', LIMIT_DEFAULT);
  if (limit > LIMIT_MAX)
    throw badParameter(`limit ${limit} exceeds the configured maximum (${LIMIT_MAX})`);
  const batchSize = positiveOr(params, 'batch_size', BATCH_DEFAULT);
  const all = selectors.length === 0 ? [[]] : selectors;
  return { startUs, endUs, selectors: all, search, order, withScore, limit, batchSize };
}

function compareFound(order: SearchRequest['order']): (a: Found, b: Found) => number {
  if (order === 'score') return (a, b) => b.score - a.score || compareUtf8(a.value, b.value);
  if (order === 'value-down') return (a, b) => compareUtf8(b.value, a.value);
  return (a, b) => compareUtf8(a.value, b.value);
}

/** Everything that fits, in the order asked for. */
async function find(
  deps: MetadataDependencies,
  context: ReadContext,
  request: SearchRequest,
  label: string | undefined,
): Promise<readonly Found[]> {
  const { startUs, endUs } = request;
  const score = scoreOf(request.search);
  const union = new Map<string, number>();
  const slices = new Slices(deps.clock, deps.scheduler);
  for (const matchers of request.selectors) {
    const selector = { matchers, startUs, endUs, limit: 0 };
    const texts =
      label === undefined
        ? await deps.storage.labelNames(context, selector)
        : await deps.storage.labelValues(context, label, selector);
    await eachInTurns(slices, texts, (text) => {
      if (union.has(text)) return;
      context.signal.throwIfAborted();
      const fit = score(text);
      if (fit !== undefined) union.set(text, fit);
    });
  }
  const found = await mapInTurns(slices, union, ([value, fit]) => ({ value, score: fit }));
  return await sortInTurns(slices, found, compareFound(request.order));
}

/** Lines of JSON: results in batches (one at least), then how it ended. */
function* searchLines(
  found: readonly Found[],
  request: SearchRequest,
  resultOf: (value: string, score: number | undefined) => object,
): Generator<string> {
  const shown = found.slice(0, request.limit);
  for (let at = 0; at === 0 || at < shown.length; at += request.batchSize) {
    const results = shown
      .slice(at, at + request.batchSize)
      .map(({ value, score }) => resultOf(value, request.withScore ? score : undefined));
    yield `${JSON.stringify({ results })}\n`;
  }
  const trailer = { status: 'success', has_more: found.length > request.limit };
  yield `${JSON.stringify(trailer)}\n`;
}

function withoutEmpty(row: Metadata | undefined): object {
  const { type, help, unit } = row ?? { type: '', help: '', unit: '' };
  return Object.fromEntries(Object.entries({ type, help, unit }).filter(([, text]) => text !== ''));
}

export async function searchNames(
  deps: MetadataDependencies,
  exchange: Exchange,
  kind: SearchKind,
): Promise<void> {
  const params = await exchange.form();
  const request = await searchRequest(params, nowUs(deps.clock), kind);
  const withMetadata = kind === 'metric_names' && booleanOr(params, 'include_metadata', false);
  const named = params.get('label') ?? '';
  if (kind === 'label_values' && named === '')
    throw badParameter('missing required parameter "label"');
  const label = { metric_names: METRIC_NAME, label_names: undefined, label_values: named }[kind];
  const { found, rows } = await read(deps, exchange, params, 'search', async (context) => ({
    found: await find(deps, context, request, label),
    rows: withMetadata ? await deps.storage.metadata(context, { family: undefined, limit: 0 }) : [],
  }));
  const byFamily = new Map(rows.map((row) => [row.family, row]));
  const field = kind === 'label_values' ? 'value' : 'name';
  const resultOf = (text: string, score: number | undefined): object => ({
    [field]: text,
    ...(score === undefined ? {} : { score }),
    ...(withMetadata ? withoutEmpty(byFamily.get(text)) : {}),
  });
  await exchange.sendStream(200, NDJSON, inSlices(searchLines(found, request, resultOf), deps));
}
