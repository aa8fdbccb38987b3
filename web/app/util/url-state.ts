/**
 * What a view shows, as the query string of its address: any view is a link. Defaults are left out;
 * unknown or broken values fall back to the default, so that an edited link still opens.
 */
import { parseTime, type TimeRange, type Zone } from './time.ts';

export type RefreshSec = 0 | 5 | 15 | 60;
export const REFRESH_CHOICES: readonly RefreshSec[] = [0, 5, 15, 60];

export type ExploreTab = 'graph' | 'table';

export interface ViewTime {
  readonly range: TimeRange;
  readonly refreshSec: RefreshSec;
  readonly zone: Zone;
}

export interface ExploreState {
  readonly expr: string;
  readonly tab: ExploreTab;
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
  return {
    expr: params.get('expr') ?? '',
    tab: params.get('tab') === 'table' ? 'table' : 'graph',
    time: parseViewTime(search, EXPLORE_TIME),
  };
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
  const params = new URLSearchParams();
  if (state.expr !== '') params.set('expr', state.expr);
  if (state.tab !== 'graph') params.set('tab', state.tab);
  for (const [key, value] of formatViewTime(state.time, EXPLORE_TIME)) params.set(key, value);
  return formatSearch(params);
}

/** A query string with readable times: a colon needs no escape there. */
function formatSearch(params: URLSearchParams): string {
  const text = params.toString().replaceAll('%3A', ':');
  return text === '' ? '' : `?${text}`;
}
