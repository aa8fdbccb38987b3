// Tenants see only themselves; forced matchers and time ranges narrow every read.
import assert from 'node:assert/strict';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { withContext } from './contexts.ts';
import { checkRows, point, writeRows } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const one = { __name__: 'm', app: 'one' };
const two = { __name__: 'm', app: 'two' };
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const NARROW: Principal = {
  ...openPrincipal('red'),
  forcedMatchers: [matcher('app', '=', 'one')],
  minTUs: 2,
  maxTUs: 3,
};

async function checkNarrowed(s: Storage): Promise<void> {
  const all = { matchers: [], ...EVER, limit: 0 };
  await withContext(
    s,
    async (c) => {
      assert.deepEqual(await s.labelValues(c, 'app', all), ['one']);
      assert.deepEqual(await s.labelNames(c, all), ['__name__', 'app']);
      assert.deepEqual(await s.series(c, all), [labelsFromObject(one)]);
      assert.equal((await s.cardinality(c, all)).seriesCount, 1);
      assert.equal((await s.series(c, { ...all, startUs: 4 })).length, 0);
      const [exemplars] = await s.exemplars(c, all);
      assert.deepEqual(
        exemplars?.exemplars.map((e) => e.tUs),
        [2],
      );
      const attributes = await s.attributes(c, all);
      assert.deepEqual(
        attributes.map((row) => row.labels),
        [labelsFromObject(one)],
      );
    },
    NARROW,
  );
}

export const isolationCases: readonly StorageCase[] = [
  {
    name: 'equal series of two tenants do not meet',
    steps: [
      (s) => writeRows(s, [point(one, 1, 1)], { principal: openPrincipal('red') }),
      (s) => writeRows(s, [point(one, 1, 2)], { principal: openPrincipal('blue') }),
      (s) =>
        writeRows(s, [], { principal: openPrincipal('blue') }, (b) =>
          b.metadata({ family: 'm', type: 'gauge', unit: '', help: 'blue' }),
        ),
    ],
    check: async (s) => {
      await checkRows(s, [point(one, 1, 1)], { principal: openPrincipal('red') });
      await checkRows(s, [point(one, 1, 2)], { principal: openPrincipal('blue') });
      await checkRows(s, [], { principal: openPrincipal('green') });
      assert.deepEqual(s.tenants(), ['blue', 'red']);
      const red = openPrincipal('red');
      const all = { family: undefined, limit: 0 };
      assert.deepEqual(await withContext(s, (c) => s.metadata(c, all), red), []);
    },
  },
  {
    name: 'forced matchers and the time range narrow every kind of read',
    steps: [
      (s) =>
        writeRows(
          s,
          [1, 2, 3, 4].flatMap((t) => [point(one, t, t), point(two, t, -t)]),
          { principal: openPrincipal('red') },
          (b, ref) => {
            for (const labels of [one, two])
              for (const tUs of [1, 2])
                b.exemplar({ ref: ref(labels), labels: ['t', 'x'], tUs, subNs: 0, value: 1 });
            b.attribute({ ref: ref(one), key: 'k', value: 'v' });
            b.attribute({ ref: ref(two), key: 'k', value: 'v' });
          },
        ),
      async (s) => {
        await assert.rejects(writeRows(s, [point(one, 9, 9)], { principal: NARROW }), {
          code: 'time-range',
        });
      },
    ],
    check: async (s) => {
      await checkRows(s, [point(one, 2, 2), point(one, 3, 3)], { principal: NARROW });
      await checkRows(s, [point(one, 3, 3)], { principal: NARROW, startUs: 3, endUs: 9 });
      await checkNarrowed(s);
    },
  },
];
