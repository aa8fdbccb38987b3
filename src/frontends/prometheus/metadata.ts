// `/api/v1/series`, `/labels`, `/label/<name>/values`, `/metadata`: what is there, without samples.
// Source: https://prometheus.io/docs/prometheus/latest/querying/api/ ("Querying metadata").
import { AppError } from '../../model/errors.ts';
import type { Metadata } from '../../model/columns.ts';
import { compareUtf8 } from '../../model/labels.ts';
import { mergePages } from '../../model/series-page.ts';
import type { SeriesPage } from '../../model/series-page.ts';
import type { ReadContext, SeriesSelector, StorageReader } from '../../model/storage.ts';
import { JSON_PIECE_LENGTH, JSON_SLICE_MS } from '../../query/limits.ts';
import { annotationsJson, inSlices, TRUNCATED } from '../../query/prometheus-json.ts';
import type { QueryService, RunningQuery } from '../../query/query-service.ts';
import { SeriesJson } from '../../query/series-json.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Exchange } from '../http/exchange.ts';
import { durationParam, limitParam, parseInteger, rangeParams, selectorParams } from './params.ts';

export interface MetadataDependencies {
  readonly queries: QueryService;
  readonly storage: StorageReader;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

const TEXTS_AT_ONCE = 512;

export const JSON_HEADERS = { 'Content-Type': 'application/json' };

/** `{"status":"success","data":[…]}` from encoded items. */
export function listJson(items: Iterable<string>): Generator<string> {
  return joinedJson('[', items, ']');
}

function* joinedJson(open: string, items: Iterable<string>, close: string): Generator<string> {
  let piece = `{"status":"success","data":${open}`;
  let comma = '';
  for (const item of items) {
    piece += comma + item;
    comma = ',';
    if (piece.length < JSON_PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}${close}}`;
}

/** The same of texts, many of which are printed in one call; one behind the limit is a warning. */
function* textsJson(texts: readonly string[], limit: number): Generator<string> {
  const isCut = limit > 0 && texts.length > limit;
  const count = isCut ? limit : texts.length;
  let piece = '{"status":"success","data":[';
  for (let i = 0; i < count; i += TEXTS_AT_ONCE) {
    if (i > 0) piece += ',';
    piece += JSON.stringify(texts.slice(i, Math.min(count, i + TEXTS_AT_ONCE))).slice(1, -1);
    if (piece.length < JSON_PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]${annotationsJson(isCut ? [TRUNCATED] : [], [])}}`;
}

/** Runs a read as a query of its own: deadline, budget, pin, cancellation. */
export async function read<T>(
  deps: MetadataDependencies,
  exchange: Exchange,
  params: URLSearchParams,
  what: string,
  run: (context: ReadContext, query: RunningQuery) => Promise<T>,
): Promise<T> {
  const timeoutUs = durationParam(params, 'timeout');
  const request = {
    principal: exchange.principal,
    language: what,
    text: params.getAll('match[]').join(' '),
    timeoutMs: timeoutUs === undefined ? undefined : timeoutUs / 1000,
    signal: exchange.signal,
  };
  return await deps.queries.run(request, (query) => run(query.context, query));
}

/** One selector for each `match[]`; without any, everything. */
async function selectorsOf(
  params: URLSearchParams,
  options: { readonly named: boolean },
): Promise<readonly (SeriesSelector & { limit: number })[]> {
  const limit = limitParam(params);
  const range = rangeParams(params);
  const selectors = await selectorParams(params, options);
  // One more than asked for, to know whether something was cut off.
  const probe = limit === 0 ? 0 : limit + 1;
  const all = selectors.length === 0 ? [[]] : selectors;
  return all.map((matchers) => ({ ...range, matchers, limit: probe }));
}

/** The pages as one answer; pauses between them where a slice of time is used up. */
async function* seriesAnswer(
  pages: AsyncIterable<SeriesPage>,
  limit: number,
  { clock, scheduler }: MetadataDependencies,
): AsyncGenerator<Uint8Array, void, void> {
  const json = new SeriesJson();
  json.raw('{"status":"success","data":[');
  let left = limit === 0 ? Infinity : limit;
  let isCut = false;
  let startedMs = clock.monotonicMs();
  for await (const page of pages) {
    let row = 0;
    for (; row < page.count && left > 0; row++, left--) {
      json.add(page, row);
      if (json.isFull) yield json.take();
    }
    isCut ||= row < page.count;
    if (clock.monotonicMs() - startedMs < JSON_SLICE_MS) continue;
    await scheduler.yieldTurn();
    startedMs = clock.monotonicMs();
  }
  json.raw(`]${annotationsJson(isCut ? [TRUNCATED] : [], [])}}`);
  yield json.take();
}

export async function series(deps: MetadataDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  if (!params.has('match[]'))
    throw new AppError('invalid', 'parameter', 'no match[] parameter provided');
  const selectors = await selectorsOf(params, { named: true });
  const limit = limitParam(params);
  await read(deps, exchange, params, 'series', async (context) => {
    const streams = selectors.map((selector) => deps.storage.seriesPages(context, selector));
    const pages = streams.length === 1 ? streams[0]! : mergePages(streams, limit && limit + 1);
    const answer = seriesAnswer(pages, limit, deps);
    await exchange.sendStream(200, JSON_HEADERS, answer, { signal: context.signal });
  });
}

async function names(
  deps: MetadataDependencies,
  exchange: Exchange,
  params: URLSearchParams,
  find: (
    context: ReadContext,
    selector: SeriesSelector & { limit: number },
  ) => Promise<readonly string[]>,
): Promise<void> {
  const selectors = await selectorsOf(params, { named: false });
  const limit = limitParam(params);
  const foundBy = async (context: ReadContext): Promise<readonly string[]> => {
    if (selectors.length === 1) return await find(context, selectors[0]!);
    const union = new Set<string>();
    for (const selector of selectors)
      for (const name of await find(context, selector)) union.add(name);
    return [...union].toSorted(compareUtf8);
  };
  // Names are held until they are sent.
  await read(deps, exchange, params, 'labels', async (context) => {
    const pieces = inSlices(textsJson(await foundBy(context), limit), deps);
    await exchange.sendStream(200, JSON_HEADERS, pieces, { signal: context.signal });
  });
}

export async function labels(deps: MetadataDependencies, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  await names(deps, exchange, params, (context, selector) =>
    deps.storage.labelNames(context, selector),
  );
}

/**
 * `U__` names carry UTF-8 in the old alphabet: `_2e_` is U+002E, `__` is `_`; five digits at most,
 * as in Prometheus. A name that breaks a rule means itself.
 */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith('U__')) return name;
  const text = name.slice(3);
  if (!/^(?:[^_]|__|_[0-9a-fA-F]{1,5}_)*$/su.test(text)) return name;
  let isValid = true;
  const plain = text.replaceAll(/__|_([0-9a-fA-F]+)_/g, (_, hex: string | undefined) => {
    if (hex === undefined) return '_';
    const code = Number.parseInt(hex, 16);
    isValid &&= (code & ~0x7ff) !== 0xd800;
    return String.fromCodePoint(code);
  });
  return isValid ? plain : name;
}

export async function labelValues(deps: MetadataDependencies, exchange: Exchange): Promise<void> {
  const raw = exchange.params.get('name') ?? '';
  const name = unescapeLabelName(raw);
  if (name === '' || !name.isWellFormed() || name.includes('\uFFFD'))
    throw new AppError('invalid', 'label-name', `invalid label name: ${JSON.stringify(name)}`);
  await names(deps, exchange, exchange.search, (context, selector) =>
    deps.storage.labelValues(context, name, selector),
  );
}

/** A limit of metadata; undefined: none. Zero is a limit, a negative number is none. */
function metadataLimit(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name) ?? '';
  if (text === '') return undefined;
  const limit = parseInteger(text);
  if (limit === undefined) throw new AppError('invalid', 'parameter', `${name} must be a number`);
  return limit < 0 ? undefined : limit;
}

export async function metadata(deps: MetadataDependencies, exchange: Exchange): Promise<void> {
  const params = exchange.search;
  const limit = metadataLimit(params, 'limit');
  // A family has one entry here, so that this limit never cuts; 0 means none, as in Prometheus.
  metadataLimit(params, 'limit_per_metric');
  const family = params.get('metric') ?? '';
  const request = { family: family === '' ? undefined : family, limit: limit ?? 0 };
  const rows =
    limit === 0
      ? []
      : await read(deps, exchange, params, 'metadata', (context) =>
          deps.storage.metadata(context, request),
        );
  await exchange.sendStream(
    200,
    JSON_HEADERS,
    inSlices(joinedJson('{', metadataJson(rows), '}'), deps),
  );
}

function* metadataJson(rows: readonly Metadata[]): Generator<string> {
  for (const { family, type, help, unit } of rows)
    yield `${JSON.stringify(family)}:[${JSON.stringify({ type, help, unit })}]`;
}
