/** Every view survives the trip through its address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EXPLORE_TIME,
  formatExplore,
  formatHome,
  HOME_TIME,
  parseExplore,
  parseHome,
  type ExploreState,
  type HomeState,
} from './url-state.ts';

const STATES: readonly ExploreState[] = [
  { expr: '', tab: 'graph', time: EXPLORE_TIME },
  {
    expr: 'sum by (job) (rate(x{a=~"b|c&d=1", e="ü+ %"}[5m])) > bool 0 # why?',
    tab: 'table',
    time: {
      range: { from: '2009-05-02T00:56:00Z', to: '2009-06-02T00:00:00Z' },
      refreshSec: 15,
      zone: 'utc',
    },
  },
  { expr: 'up', tab: 'graph', time: { ...EXPLORE_TIME, range: { from: 'now-2d', to: 'now-1d' } } },
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
  assert.equal(formatExplore({ expr: 'up', tab: 'graph', time: EXPLORE_TIME }), '?expr=up');
});

test('broken values fall back', () => {
  const state = parseExplore('?expr=up&from=yesterday&refresh=7&tab=pie&tz=mars');
  assert.deepEqual(state, { expr: 'up', tab: 'graph', time: EXPLORE_TIME });
});
