/**
 * What a view shows, as the query string of its address: any view is a link. Defaults are left out;
 * unknown or broken values fall back to the default, so that an edited link still opens.
 */
import { QUERIES_MAX } from './limits.ts';
import { parseTime, type TimeRange, type Zone } from './time.ts';

export type RefreshSec = 0 | 5 | 15 | 60;
export const REFRESH_CHOICES: readonly RefreshSec[] = [0, 5, 15, 60];

export type ExploreTab = 'graph' | 'table' | 'json' | 'explain';
export const EXPLORE_TABS: readonly ExploreTab[] = ['graph', 'table', 'json', 'explain'];

export interface ViewTime {
  readonly range: TimeRange;
  readonly refreshSec: RefreshSec;
  readonly zone: Zone;
}

export interface AskedQuery {
  readonly expr: string;
  /** Kept in its place and not asked. */
  readonly isOff: boolean;
}

/** Which series are drawn, by the hashes of their label sets. */
export interface SeriesPick {
  readonly kind: 'all' | 'only' | 'hide';
  readonly ids: readonly string[];
}

export interface ExploreState {
  /** In the order of their letters; none of them is empty. */
  readonly queries: readonly AskedQuery[];
  readonly tab: ExploreTab;
  readonly isStacked: boolean;
  readonly hasExemplars: boolean;
  readonly pick: SeriesPick;
  readonly time: ViewTime;
}

export interface HomeState {
  /** The host shown, by its `instance` label; undefined leaves the choice to the page. */
  readonly instance: string | undefined;
  readonly time: ViewTime;
}

export const EXPLORE_TIME: ViewTime = {
  range: { from: 'now-1h', to: 'now' },
  refreshSec: 0,
  zone: 'local',
};

export const ALL_SERIES: SeriesPick = { kind: 'all', ids: [] };

export const EXPLORE_START: ExploreState = {
  queries: [],
  tab: 'graph',
  isStacked: false,
  hasExemplars: false,
  pick: ALL_SERIES,
  time: EXPLORE_TIME,
};

/** Address of Explore with one query. */
export function linkToExplore(expr: string, zone: Zone = 'local'): string {
  const time = { ...EXPLORE_TIME, zone };
  return formatExplore({ ...EXPLORE_START, queries: [{ expr, isOff: false }], time });
}

export const HOME_TIME: ViewTime = {
  range: { from: 'now-5m', to: 'now' },
  refreshSec: 5,
  zone: 'local',
};

function parseViewTime(search: string, defaults: ViewTime): ViewTime {
  const params = new URLSearchParams(search);
  const from = params.get('from') ?? defaults.range.from;
  const to = params.get('to') ?? 'now';
  const isGood = [from, to].every((end) => parseTime(end, 'utc').kind !== 'invalid');
  const refresh = Number(params.get('refresh') ?? Number.NaN);
  return {
    range: isGood ? { from, to } : defaults.range,
    refreshSec: REFRESH_CHOICES.find((choice) => choice === refresh) ?? defaults.refreshSec,
    zone: params.get('tz') === 'utc' ? 'utc' : 'local',
  };
}

export function parseExplore(search: string): ExploreState {
  const params = new URLSearchParams(search);
  const off = new Set((params.get('off') ?? '').split('.').map(Number));
  const queries = params
    .getAll('expr')
    .slice(0, QUERIES_MAX)
    .map((expr, index) => ({ expr, isOff: off.has(index + 1) }))
    .filter(({ expr }) => expr.trim() !== '');
  return {
    queries,
    tab: EXPLORE_TABS.find((tab) => tab === params.get('tab')) ?? 'graph',
    isStacked: params.get('stack') === '1',
    hasExemplars: params.get('exemplars') === '1',
    pick: parsePick(params),
    time: parseViewTime(search, EXPLORE_TIME),
  };
}

function parsePick(params: URLSearchParams): SeriesPick {
  for (const kind of ['only', 'hide'] as const) {
    const ids = (params.get(kind) ?? '').split('.').filter((id) => /^[0-9a-z]+$/.test(id));
    if (ids.length > 0) return { kind, ids };
  }
  return ALL_SERIES;
}

export function parseHome(search: string): HomeState {
  const instance = new URLSearchParams(search).get('instance') ?? undefined;
  return { instance, time: parseViewTime(search, HOME_TIME) };
}

export function formatHome(state: HomeState): string {
  const params = new URLSearchParams();
  if (state.instance !== undefined) params.set('instance', state.instance);
  for (const [key, value] of formatViewTime(state.time, HOME_TIME)) params.set(key, value);
  return formatSearch(params);
}

function formatViewTime(time: ViewTime, defaults: ViewTime): URLSearchParams {
  const params = new URLSearchParams();
  if (time.range.from !== defaults.range.from || time.range.to !== defaults.range.to) {
    params.set('from', time.range.from);
    params.set('to', time.range.to);
  }
  if (time.refreshSec !== defaults.refreshSec) params.set('refresh', String(time.refreshSec));
  if (time.zone !== defaults.zone) params.set('tz', time.zone);
  return params;
}

export function formatExplore(state: ExploreState): string {
  const { queries, tab, pick } = state;
  const params = new URLSearchParams();
  for (const { expr } of queries) params.append('expr', expr);
  const off = queries.flatMap(({ isOff }, index) => (isOff ? [index + 1] : []));
  if (off.length > 0) params.set('off', off.join('.'));
  if (tab !== 'graph') params.set('tab', tab);
  if (state.isStacked) params.set('stack', '1');
  if (state.hasExemplars) params.set('exemplars', '1');
  if (pick.kind !== 'all') params.set(pick.kind, pick.ids.join('.'));
  for (const [key, value] of formatViewTime(state.time, EXPLORE_TIME)) params.set(key, value);
  return formatSearch(params);
}

export interface MetricsState {
  /** Part of the names that are listed. */
  readonly filter: string;
  /** The metric that is open. */
  readonly metric: string | undefined;
  readonly sort: 'name' | 'series';
  readonly zone: Zone;
}

export function parseMetrics(search: string): MetricsState {
  const params = new URLSearchParams(search);
  return {
    filter: params.get('filter') ?? '',
    metric: params.get('metric') ?? undefined,
    sort: params.get('sort') === 'series' ? 'series' : 'name',
    zone: params.get('tz') === 'utc' ? 'utc' : 'local',
  };
}

export function formatMetrics({ filter, metric, sort, zone }: MetricsState): string {
  const params = new URLSearchParams();
  if (filter !== '') params.set('filter', filter);
  if (metric !== undefined) params.set('metric', metric);
  if (sort === 'series') params.set('sort', sort);
  if (zone === 'utc') params.set('tz', zone);
  return formatSearch(params);
}

/** A query string with readable times: a colon needs no escape there. */
function formatSearch(params: URLSearchParams): string {
  const text = params.toString().replaceAll('%3A', ':');
  return text === '' ? '' : `?${text}`;
}
