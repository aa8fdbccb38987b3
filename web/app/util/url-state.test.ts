/** Every view survives the trip through its address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EXPLORE_START,
  EXPLORE_TIME,
  formatExplore,
  formatHome,
  formatMetrics,
  HOME_TIME,
  linkToExplore,
  parseExplore,
  parseHome,
  parseMetrics,
  type ExploreState,
  type HomeState,
  type MetricsState,
} from './url-state.ts';

const query = (expr: string) => ({ expr, isOff: false });

const STATES: readonly ExploreState[] = [
  EXPLORE_START,
  {
    ...EXPLORE_START,
    queries: [query('sum by (job) (rate(x{a=~"b|c&d=1", e="ü+ %"}[5m])) > bool 0 # why?')],
    tab: 'table',
    time: {
      range: { from: '2009-05-02T00:56:00Z', to: '2009-06-02T00:00:00Z' },
      refreshSec: 15,
      zone: 'utc',
    },
  },
  {
    ...EXPLORE_START,
    queries: [query('up'), { expr: 'up', isOff: true }, query('a.b & c')],
    isStacked: true,
    hasExemplars: true,
    pick: { kind: 'hide', ids: ['1x', 'zz9'] },
    time: { ...EXPLORE_TIME, range: { from: 'now-2d', to: 'now-1d' } },
  },
  { ...EXPLORE_START, queries: [query('up')], tab: 'json', pick: { kind: 'only', ids: ['0'] } },
];

test('a state written into an address reads back', () => {
  for (const state of STATES) assert.deepEqual(parseExplore(formatExplore(state)), state);
});

test('Home, with its host, reads back too', () => {
  const states: readonly HomeState[] = [
    { instance: undefined, time: HOME_TIME },
    { instance: 'a&b="c":9100', time: { ...HOME_TIME, refreshSec: 0 } },
  ];
  for (const state of states) assert.deepEqual(parseHome(formatHome(state)), state);
});

test('defaults leave the address short', () => {
  assert.equal(linkToExplore('up'), '?expr=up');
});

test('the metric browser reads back too', () => {
  const states: readonly MetricsState[] = [
    { filter: '', metric: undefined, sort: 'name', zone: 'local' },
    { filter: 'a&b', metric: 'sys.cpu "x"', sort: 'series', zone: 'utc' },
  ];
  for (const state of states) assert.deepEqual(parseMetrics(formatMetrics(state)), state);
});

test('broken values fall back', () => {
  const broken =
    '?expr=up&expr=&off=x.9&from=yesterday&refresh=7&tab=pie&tz=mars&only=.%3C.&stack=2';
  assert.deepEqual(parseExplore(broken), { ...EXPLORE_START, queries: [query('up')] });
});
