// Deletes: they hide what lies below them, at once and for ever, and nothing else.
import assert from 'node:assert/strict';
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { KIND } from '../../src/model/columns.ts';
import { labelsFromObject, NO_LABELS } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import type { DeleteResult, ReadContext, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { appendOptions, withContext } from './contexts.ts';
import { checkRows, point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const series = (i: number): Record<string, string> => ({ __name__: 'm', i: String(i) });
const GRID: readonly Row[] = [0, 1, 2].flatMap((i) =>
  [1, 2, 3, 4].map((t) => point(series(i), t, i * 10 + t)),
);
const named = (i: number): Matcher[] => [matcher('i', '=', String(i))];
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

function remove(
  storage: Storage,
  matchers: readonly Matcher[],
  range: { startUs: number; endUs: number } = EVER,
  options: { dryRun?: boolean; principal?: Principal } = {},
): Promise<DeleteResult> {
  const principal = options.principal ?? openPrincipal('default');
  return storage.delete(
    { matchers, ...range, dryRun: options.dryRun ?? false },
    appendOptions({ principal }),
  );
}

/** A point, and everything that has no time, with the word in it. */
async function writeTimeless(storage: Storage, tenant: string, word: string): Promise<void> {
  await writeRows(
    storage,
    [point(series(1), 10, 1)],
    { principal: openPrincipal(tenant) },
    (builder, ref) => {
      builder.metadata({ family: word, type: 'gauge', unit: '', help: word });
      builder.split({ name: word, measurement: word, field: word });
      builder.attribute({ ref: ref(series(1)), key: word, value: `${word} attribute` });
    },
  );
}

function timeless(storage: Storage, tenant: string): Promise<string[]> {
  const read = async (context: ReadContext): Promise<string[]> => {
    const metadata = await storage.metadata(context, { family: undefined, limit: 0 });
    const splits = await storage.splits(context);
    const attributes = await storage.attributes(context, { matchers: [], ...EVER });
    return [
      ...metadata.map(({ family }) => family),
      ...splits.map(({ name }) => name),
      ...attributes.flatMap((one) => Object.values(one.attributes)),
    ];
  };
  return withContext(storage, read, openPrincipal(tenant));
}

export const deleteCases: readonly StorageCase[] = [
  {
    name: 'an exemplar without a sample beside it stays deleted',
    steps: [
      async (s) => {
        const builder = new BatchBuilder();
        const ref = s.resolve('default', labelsFromObject(series(1)));
        builder.exemplar({ ref, labels: NO_LABELS, tUs: 5, subNs: 0, value: 1 });
        await s.append(builder.finish(), appendOptions());
      },
      (s) => remove(s, named(1), { startUs: 5, endUs: 5 }),
    ],
    check: async (s) =>
      assert.deepEqual(await withContext(s, (c) => s.exemplars(c, { matchers: [], ...EVER })), []),
  },
  {
    name: 'one of everything takes metadata, attributes and splits, of its tenant and below it',
    steps: [
      (s) => writeTimeless(s, 'red', 'old'),
      (s) => writeTimeless(s, 'blue', 'other'),
      async (s) => {
        // A selector, a range or a restriction is not everything.
        const red = openPrincipal('red');
        await remove(s, named(7), EVER, { principal: red });
        await remove(s, [], { startUs: 0, endUs: Infinity }, { principal: red });
        await remove(s, [], EVER, { principal: { ...red, maxTUs: 5 } });
        await remove(s, [], EVER, { principal: red, dryRun: true });
        assert.deepEqual(await timeless(s, 'red'), ['old', 'old']);
      },
      (s) => remove(s, [], EVER, { principal: openPrincipal('red') }),
      async (s) => {
        assert.deepEqual(await timeless(s, 'red'), []);
        assert.equal(s.splitOf('red', 'old'), undefined);
        assert.deepEqual(s.splitOf('blue', 'other'), {
          name: 'other',
          measurement: 'other',
          field: 'other',
        });
      },
      (s) => writeTimeless(s, 'red', 'new'),
    ],
    check: async (s) => {
      assert.deepEqual(await timeless(s, 'red'), ['new', 'new', 'new attribute']);
      assert.deepEqual(await timeless(s, 'blue'), ['other', 'other', 'other attribute']);
    },
  },
  {
    name: 'one of everything: its tenant is listed no more, until it is written again',
    steps: [
      (s) => writeRows(s, GRID, { principal: openPrincipal('red') }),
      (s) => writeRows(s, GRID, { principal: openPrincipal('blue') }),
      (s) => remove(s, [], EVER, { principal: openPrincipal('red') }),
      async (s) => {
        assert.deepEqual(s.tenants(), ['blue']);
        await s.cleanTombstones();
        assert.deepEqual(s.tenants(), ['blue']);
      },
      (s) => writeRows(s, [point(series(5), 5, 5)], { principal: openPrincipal('green') }),
      async (s) => assert.deepEqual(s.tenants(), ['blue', 'green']),
      (s) => writeRows(s, [point(series(6), 6, 6)], { principal: openPrincipal('red') }),
      async (s) => assert.deepEqual(s.tenants(), ['blue', 'green', 'red']),
      (s) => remove(s, [], EVER, { principal: openPrincipal('green') }),
    ],
    check: async (s) => {
      assert.deepEqual(s.tenants(), ['blue', 'red']);
      await checkRows(s, [point(series(6), 6, 6)], { principal: openPrincipal('red') });
    },
  },
  {
    name: 'by selector and range, visible at once, counted',
    steps: [
      (s) => writeRows(s, GRID),
      async (s) => {
        const counts = await remove(s, named(1), { startUs: 2, endUs: 3 });
        assert.deepEqual(counts, { seriesCount: 1, pointCount: 2 });
        const again = await remove(s, named(1), { startUs: 2, endUs: 3 });
        assert.deepEqual(again, { seriesCount: 0, pointCount: 0 });
        await checkRows(s, [point(series(1), 1, 11), point(series(1), 4, 14)], {
          matchers: named(1),
        });
      },
    ],
    check: (s) =>
      checkRows(
        s,
        GRID.filter((row) => row.series['i'] !== '1' || row.tUs < 2 || row.tUs > 3),
      ),
  },
  {
    name: 'a dry run counts and changes nothing',
    steps: [
      (s) => writeRows(s, GRID),
      async (s) => {
        const counts = await remove(s, [], { startUs: 4, endUs: 9 }, { dryRun: true });
        assert.deepEqual(counts, { seriesCount: 3, pointCount: 3 });
      },
    ],
    check: (s) => checkRows(s, GRID),
  },
  {
    name: 'a rewrite after the delete survives, one before does not',
    steps: [
      (s) => writeRows(s, GRID),
      (s) => writeRows(s, [point(series(0), 2, 99)]),
      (s) => remove(s, named(0)),
      (s) => writeRows(s, [point(series(0), 2, 100)]),
      (s) => writeRows(s, [point(series(0), 9, 101)]),
    ],
    check: (s) =>
      checkRows(s, [
        point(series(0), 2, 100),
        point(series(0), 9, 101),
        ...GRID.filter((row) => row.series['i'] !== '0'),
      ]),
  },
  {
    name: 'a delete never resurrects the value under a rewrite',
    steps: [
      (s) => writeRows(s, [point(series(0), 1, 1)]),
      (s) => writeRows(s, [{ series: series(0), tUs: 1, kind: KIND.string, value: 'new' }]),
      (s) => remove(s, named(0), { startUs: 1, endUs: 1 }),
    ],
    check: (s) => checkRows(s, []),
  },
  {
    name: 'deletes and rewrites alternate',
    steps: [1, 2, 3, 4].flatMap((round) => [
      (s: Storage) => writeRows(s, [point(series(0), 1, round), point(series(0), round, round)]),
      (s: Storage) => remove(s, named(0), { startUs: 1, endUs: 1 }),
    ]),
    check: (s) =>
      checkRows(
        s,
        [2, 3, 4].map((t) => point(series(0), t, t)),
      ),
  },
  {
    name: 'another tenant and forbidden series and times are not touched',
    steps: [
      (s) => writeRows(s, GRID),
      (s) => remove(s, [], EVER, { principal: openPrincipal('other') }),
      (s) => {
        const principal = { ...openPrincipal('default'), forcedMatchers: named(2), minTUs: 4 };
        return remove(s, [], EVER, { principal });
      },
    ],
    check: (s) =>
      checkRows(
        s,
        GRID.filter((row) => row.series['i'] !== '2' || row.tUs < 4),
      ),
  },
  {
    name: 'labels and exemplars go with the points',
    steps: [
      (s) =>
        writeRows(s, GRID, {}, (b, ref) => {
          for (const tUs of [1, 2])
            b.exemplar({ ref: ref(series(0)), labels: NO_LABELS, tUs, subNs: 0, value: 1 });
        }),
      (s) => remove(s, named(0), { startUs: 2, endUs: 9 }),
      (s) => remove(s, named(1)),
    ],
    check: async (s) => {
      const all = { ...EVER, matchers: [], limit: 0 };
      const values = await withContext(s, (c) => s.labelValues(c, 'i', all));
      assert.deepEqual(values, ['0', '2']);
      const late = await withContext(s, (c) => s.labelValues(c, 'i', { ...all, startUs: 2 }));
      assert.deepEqual(late, ['2']);
      const exemplars = await withContext(s, (c) => s.exemplars(c, all));
      assert.deepEqual(exemplars, [
        {
          labels: labelsFromObject(series(0)),
          exemplars: [{ labels: [], tUs: 1, subNs: 0, value: 1 }],
        },
      ]);
    },
  },
  {
    name: 'regular expressions and negations select what is deleted',
    steps: [
      (s) => writeRows(s, GRID),
      (s) => remove(s, [matcher('i', '!~', '[12]'), matcher('absent', '=', '')]),
    ],
    check: (s) =>
      checkRows(
        s,
        GRID.filter((row) => row.series['i'] !== '0'),
      ),
  },
];
