// Matchers, label names and values, series lists, cardinality.
import assert from 'node:assert/strict';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { MatchType } from '../../src/model/matcher.ts';
import { pagesLabels } from '../../src/model/series-page.ts';
import type { Storage } from '../../src/model/storage.ts';
import { withContext } from './contexts.ts';
import { point, readRows, writeRows } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const FLEET = [
  { __name__: 'cpu', host: 'a1', dc: 'gra' },
  { __name__: 'cpu', host: 'a2', dc: 'rbx' },
  { __name__: 'cpu', host: 'b1' },
  { __name__: 'mem', host: 'a1', dc: 'gra' },
  { __name__: 'up.𝒳', 'key with space': 'é', host: '￿' },
];
/** Series i has its only point at time i. */
const ROWS = FLEET.map((labels, i) => point(labels, i, i));
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

async function checkMatch(
  storage: Storage,
  matchers: readonly (readonly [string, MatchType, string])[],
  expected: readonly number[],
): Promise<void> {
  const rows = await readRows(storage, { matchers: matchers.map((m) => matcher(...m)) });
  const found = rows.map((row) => row.tUs).toSorted((a, b) => a - b);
  assert.deepEqual(found, expected, JSON.stringify(matchers));
}

async function checkMatchers(s: Storage): Promise<void> {
  await checkMatch(s, [], [0, 1, 2, 3, 4]);
  await checkMatch(s, [['__name__', '=', 'cpu']], [0, 1, 2]);
  await checkMatch(s, [['__name__', '=', 'none']], []);
  await checkMatch(s, [['dc', '=', '']], [2, 4]);
  await checkMatch(s, [['dc', '!=', '']], [0, 1, 3]);
  await checkMatch(s, [['dc', '!=', 'gra']], [1, 2, 4]);
  await checkMatch(s, [['host', '=~', 'a.*']], [0, 1, 3]);
  await checkMatch(s, [['host', '=~', 'a']], []);
  await checkMatch(s, [['host', '=~', 'a1|b1']], [0, 2, 3]);
  await checkMatch(s, [['host', '!~', 'a.+']], [2, 4]);
  await checkMatch(s, [['dc', '=~', '.*']], [0, 1, 2, 3, 4]);
  await checkMatch(s, [['dc', '=~', '.+']], [0, 1, 3]);
  await checkMatch(s, [['dc', '=~', '|gra']], [0, 2, 3, 4]);
  await checkMatch(s, [['dc', '!~', '|gra']], [1]);
  await checkMatch(s, [['absent', '!=', 'x']], [0, 1, 2, 3, 4]);
  await checkMatch(s, [['key with space', '=', 'é']], [4]);
  await checkMatch(
    s,
    [
      ['__name__', '=', 'cpu'],
      ['host', '=~', 'a.'],
      ['dc', '!=', 'rbx'],
    ],
    [0],
  );
}

async function checkNames(s: Storage): Promise<void> {
  const names = (selector: object = {}): Promise<readonly string[]> =>
    withContext(s, (c) => s.labelNames(c, { matchers: [], ...EVER, limit: 0, ...selector }));
  assert.deepEqual(await names(), ['__name__', 'dc', 'host', 'key with space']);
  assert.deepEqual(await names({ limit: 2 }), ['__name__', 'dc']);
  assert.deepEqual(await names({ startUs: 2, endUs: 2 }), ['__name__', 'host']);
  assert.deepEqual(await names({ startUs: 5 }), []);
  const up = [matcher('__name__', '=~', 'up.*')];
  assert.deepEqual(await names({ matchers: up }), ['__name__', 'host', 'key with space']);
}

async function checkValues(s: Storage): Promise<void> {
  const values = (label: string, selector: object = {}): Promise<readonly string[]> =>
    withContext(s, (c) =>
      s.labelValues(c, label, { matchers: [], ...EVER, limit: 0, ...selector }),
    );
  assert.deepEqual(await values('host'), ['a1', 'a2', 'b1', '￿']);
  assert.deepEqual(await values('host', { limit: 1 }), ['a1']);
  assert.deepEqual(await values('host', { startUs: 1, endUs: 3 }), ['a1', 'a2', 'b1']);
  assert.deepEqual(await values('host', { matchers: [matcher('dc', '=', 'rbx')] }), ['a2']);
  assert.deepEqual(await values('absent'), []);
  assert.deepEqual(await values('__name__'), ['cpu', 'mem', 'up.𝒳']);
}

async function checkSeries(s: Storage): Promise<void> {
  const series = (selector: object = {}): Promise<readonly (readonly string[])[]> =>
    withContext(s, async (c) => {
      const asked = { matchers: [], ...EVER, limit: 0, ...selector };
      const found = await s.series(c, asked);
      assert.deepEqual(await pagesLabels(s.seriesPages(c, asked)), found);
      return found;
    });
  const sorted = FLEET.map((labels) => labelsFromObject(labels));
  assert.equal((await series()).length, 5);
  assert.deepEqual(await series({ startUs: 3, endUs: 3 }), [sorted[3]]);
  const cpu = [matcher('__name__', '=', 'cpu')];
  assert.deepEqual(await series({ matchers: cpu, limit: 1 }), [sorted[0]]);
}

async function checkCardinality(s: Storage): Promise<void> {
  const get = (limit: number, range: object = {}): Promise<unknown> =>
    withContext(s, (c) => s.cardinality(c, { matchers: [], ...EVER, limit, ...range }));
  assert.deepEqual(await get(2), {
    seriesCount: 5,
    byMetricName: [
      { name: 'cpu', count: 3 },
      { name: 'mem', count: 1 },
    ],
    byLabelName: [
      { name: '__name__', count: 5 },
      { name: 'host', count: 5 },
    ],
    valuesByLabelName: [
      { name: 'host', count: 4 },
      { name: '__name__', count: 3 },
    ],
    valueBytesByLabelName: [
      { name: '__name__', count: 13 },
      { name: 'host', count: 9 },
    ],
    byLabelPair: [
      { name: '__name__=cpu', count: 3 },
      { name: 'dc=gra', count: 2 },
    ],
    labelPairCount: 10,
  });
  assert.deepEqual(await get(1, { startUs: 2, endUs: 2 }), {
    seriesCount: 1,
    byMetricName: [{ name: 'cpu', count: 1 }],
    byLabelName: [{ name: '__name__', count: 1 }],
    valuesByLabelName: [{ name: '__name__', count: 1 }],
    valueBytesByLabelName: [{ name: '__name__', count: 3 }],
    byLabelPair: [{ name: '__name__=cpu', count: 1 }],
    labelPairCount: 2,
  });
}

export const nameCases: readonly StorageCase[] = [
  {
    name: 'matchers, label names and values, series, cardinality',
    steps: [
      (s) => writeRows(s, ROWS.slice(0, 2)),
      (s) => writeRows(s, ROWS.slice(2, 4)),
      (s) => writeRows(s, [...ROWS.slice(4), ROWS[0]!]),
    ],
    check: async (s) => {
      await checkMatchers(s);
      await checkNames(s);
      await checkValues(s);
      await checkSeries(s);
      await checkCardinality(s);
    },
  },
  {
    name: 'series come sorted by labels in UTF-8 order',
    steps: [
      (s) =>
        writeRows(
          s,
          ['𝒳', '￿', 'b', 'a', 'é'].map((name, i) => point({ __name__: name, z: '1' }, i, i)),
        ),
      (s) => writeRows(s, [point({ __name__: 'a' }, 1, 1), point({ a: 'x', z: '1' }, 1, 1)]),
    ],
    check: async (s) => {
      const rows = await readRows(s);
      assert.deepEqual(
        rows.map((row) => row.series),
        [
          '__name__="a"',
          '__name__="a",z="1"',
          '__name__="b",z="1"',
          '__name__="é",z="1"',
          '__name__="￿",z="1"',
          '__name__="𝒳",z="1"',
          'a="x",z="1"',
        ],
      );
    },
  },
];
