// Batches: ids of writers, refusals that change nothing, durability classes, metadata, exemplars,
// attributes and splits.
import assert from 'node:assert/strict';
import { AppError } from '../../src/model/errors.ts';
import { NO_LABELS, labelsFromObject } from '../../src/model/labels.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { appendOptions, withContext } from './contexts.ts';
import { checkRows, point, writeRows } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const A = { __name__: 'a' };
const ALL_TIME = {
  matchers: [],
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
};
const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

async function rejectsWith(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof AppError && error.code === code);
}

async function checkDuplicate(s: Storage, batchId: Uint8Array): Promise<void> {
  const { applied } = await writeRows(s, [point(A, 99, 99)], { batchId });
  assert.equal(applied, false);
}

const batchIdCases: readonly StorageCase[] = [
  {
    name: 'a batch id is applied once, per tenant',
    steps: [
      async (s) => {
        const both = [1, 2].map((v) => writeRows(s, [point(A, 1, v)], { batchId: id(1) }));
        assert.deepEqual(
          (await Promise.all(both)).map((r) => r.applied),
          [true, false],
        );
      },
      (s) => checkDuplicate(s, id(1)),
      async (s) => {
        const principal = openPrincipal('other');
        const { applied } = await writeRows(s, [point(A, 5, 5)], { batchId: id(1), principal });
        assert.equal(applied, true);
      },
    ],
    check: async (s) => {
      await checkDuplicate(s, id(1));
      await checkRows(s, [point(A, 1, 1)]);
    },
  },
  {
    name: 'a batch id of another length is refused',
    steps: [
      async (s) => {
        const batchId = new Uint8Array(15);
        await rejectsWith(writeRows(s, [point(A, 1, 1)], { batchId }), 'bad-batch-id');
      },
    ],
    check: (s) => checkRows(s, []),
  },
  {
    name: 'async writes become readable and stay',
    steps: [
      (s) => writeRows(s, [point(A, 1, 1)], { durability: 'async' }),
      (s) => writeRows(s, [point(A, 2, 2)]),
    ],
    check: (s) => checkRows(s, [point(A, 1, 1), point(A, 2, 2)]),
  },
];

const refusalCases: readonly StorageCase[] = [
  {
    name: 'unknown refs and refs of another tenant are stale; nothing is stored',
    steps: [
      async (s) => {
        const foreign = s.resolve('other', labelsFromObject(A));
        for (const ref of [foreign, 4_000_000_000]) {
          const attribute = { ref, key: 'k', value: 'v' };
          const more = [point(A, 1, 1)];
          await rejectsWith(
            writeRows(s, more, {}, (builder) => builder.attribute(attribute)),
            'stale-ref',
          );
          await rejectsWith(
            writeRows(s, more, {}, (builder) => builder.f64(ref, 1, 0, 1)),
            'stale-ref',
          );
        }
      },
    ],
    check: (s) => checkRows(s, []),
  },
  {
    name: 'times that are no whole microseconds are refused',
    steps: [
      async (s) => {
        for (const tUs of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
          await rejectsWith(writeRows(s, [point(A, 1, 1), point(A, tUs, 1)]), 'bad-time');
      },
    ],
    check: (s) => checkRows(s, []),
  },
  {
    name: 'a series nobody wrote to is invisible, an empty batch is fine',
    steps: [
      async (s) => {
        s.resolve('default', labelsFromObject(A));
        s.resolve('empty', labelsFromObject(A));
        const { applied } = await s.append(
          { points: [], metadata: [], exemplars: [], attributes: [], splits: [] },
          appendOptions(),
        );
        assert.equal(applied, true);
      },
    ],
    check: async (s) => {
      assert.deepEqual(s.tenants(), []);
      const limit = { ...ALL_TIME, limit: 0 };
      assert.deepEqual(await withContext(s, (c) => s.series(c, limit)), []);
    },
  },
];

const sideCases: readonly StorageCase[] = [
  {
    name: 'metadata: the last write of a family wins, sorted, limited',
    steps: [
      (s) =>
        writeRows(s, [], {}, (b) => {
          b.metadata({ family: 'b', type: 'counter', unit: '', help: 'old' });
          b.metadata({ family: 'a', type: 'gauge', unit: 'bytes', help: 'ü' });
        }),
      (s) =>
        writeRows(s, [], {}, (b) => {
          b.metadata({ family: 'b', type: 'counter', unit: 's', help: 'new' });
        }),
    ],
    check: async (s) => {
      const a = { family: 'a', type: 'gauge', unit: 'bytes', help: 'ü' };
      const b = { family: 'b', type: 'counter', unit: 's', help: 'new' };
      const get = (family: string | undefined, limit = 0): Promise<unknown> =>
        withContext(s, (c) => s.metadata(c, { family, limit }));
      assert.deepEqual(await get(undefined), [a, b]);
      assert.deepEqual(await get('b'), [b]);
      assert.deepEqual(await get(undefined, 1), [a]);
      assert.deepEqual(await get('none'), []);
    },
  },
  {
    name: 'exemplars: identity is series, time and labels',
    steps: [
      (s) =>
        writeRows(s, [point(A, 1, 1)], {}, (b, ref) => {
          const labels = labelsFromObject({ trace: 'x' });
          b.exemplar({ ref: ref(A), labels, tUs: 2, subNs: 0, value: 1 });
          b.exemplar({ ref: ref(A), labels: NO_LABELS, tUs: 2, subNs: 0, value: -0 });
        }),
      (s) =>
        writeRows(s, [], {}, (b, ref) => {
          const labels = labelsFromObject({ trace: 'x' });
          b.exemplar({ ref: ref(A), labels, tUs: 2, subNs: 0, value: 5 });
          b.exemplar({ ref: ref(A), labels, tUs: 1, subNs: 999, value: 6 });
        }),
    ],
    check: async (s) => {
      const trace = ['trace', 'x'];
      const all = await withContext(s, (c) => s.exemplars(c, ALL_TIME));
      assert.deepEqual(all, [
        {
          labels: labelsFromObject(A),
          exemplars: [
            { labels: trace, tUs: 1, subNs: 999, value: 6 },
            { labels: [], tUs: 2, subNs: 0, value: -0 },
            { labels: trace, tUs: 2, subNs: 0, value: 5 },
          ],
        },
      ]);
      const some = await withContext(s, (c) => s.exemplars(c, { ...ALL_TIME, endUs: 1 }));
      assert.equal(some[0]?.exemplars.length, 1);
    },
  },
  {
    name: 'attributes: the last value of a key wins, an empty one removes it',
    steps: [
      (s) =>
        writeRows(s, [point(A, 1, 1)], {}, (b, ref) => {
          b.attribute({ ref: ref(A), key: 'k', value: 'old' });
          b.attribute({ ref: ref(A), key: 'gone', value: 'x' });
          b.attribute({ ref: ref(A), key: '__proto__', value: 'p' });
        }),
      (s) =>
        writeRows(s, [], {}, (b, ref) => {
          b.attribute({ ref: ref(A), key: 'k', value: 'new' });
          b.attribute({ ref: ref(A), key: 'gone', value: '' });
        }),
    ],
    check: async (s) => {
      const rows = await withContext(s, (c) => s.attributes(c, ALL_TIME));
      assert.deepEqual(
        rows.map((row) => [
          row.labels,
          Object.entries(row.attributes).toSorted((a, b) => (a[0] < b[0] ? -1 : 1)),
        ]),
        [
          [
            labelsFromObject(A),
            [
              ['__proto__', 'p'],
              ['k', 'new'],
            ],
          ],
        ],
      );
      const later = { ...ALL_TIME, startUs: 2 };
      assert.deepEqual(await withContext(s, (c) => s.attributes(c, later)), []);
    },
  },
  {
    name: 'splits: the first of a name stays',
    steps: [
      (s) =>
        writeRows(s, [], {}, (b) => b.split({ name: 'a_b_c', measurement: 'a_b', field: 'c' })),
      (s) =>
        writeRows(s, [], {}, (b) => {
          b.split({ name: 'a_b_c', measurement: 'a', field: 'b_c' });
          b.split({ name: 'a_a', measurement: 'a', field: 'a' });
        }),
    ],
    check: async (s) => {
      const first = { name: 'a_b_c', measurement: 'a_b', field: 'c' };
      assert.deepEqual(s.splitOf('default', 'a_b_c'), first);
      assert.equal(s.splitOf('other', 'a_b_c'), undefined);
      const other = { name: 'a_a', measurement: 'a', field: 'a' };
      assert.deepEqual(await withContext(s, (c) => s.splits(c)), [other, first]);
    },
  },
];

export const batchCases: readonly StorageCase[] = [...batchIdCases, ...refusalCases, ...sideCases];
