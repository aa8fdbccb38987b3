// Points: every kind and companion bit for bit, order, rewrites, kind changes, odd times.
import assert from 'node:assert/strict';
import { KIND, NUMERIC_KINDS } from '../../src/model/columns.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { checkRows, f64Bits, point, readRows, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import type { StorageCase } from './storage-case.ts';

const A = { __name__: 'a' };
const B = { __name__: 'b', host: 'ü☃𝒳' };

const INTEGER_HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 3,
  zeroThreshold: 2.938735877055719e-39,
  zeroCount: 2,
  count: 17,
  sum: -0.5,
  counterResetHint: 1,
  positiveSpans: [
    { offset: -3, length: 2 },
    { offset: 4, length: 1 },
  ],
  positiveBuckets: Float64Array.of(5, 2 ** 53 - 1, 0),
  negativeSpans: [{ offset: 0, length: 1 }],
  negativeBuckets: Float64Array.of(3),
  customValues: new Float64Array(0),
};

const FLOAT_HISTOGRAM: Histogram = {
  ...INTEGER_HISTOGRAM,
  isInteger: false,
  schema: -4,
  counterResetHint: 3,
  zeroCount: 0.25,
  count: 1e300,
  sum: Number.NaN,
  positiveBuckets: Float64Array.of(0.1, Number.POSITIVE_INFINITY, 5e-324),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
};

const CUSTOM_HISTOGRAM: Histogram = {
  ...INTEGER_HISTOGRAM,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  positiveSpans: [{ offset: 0, length: 3 }],
  customValues: Float64Array.of(-1, 0.1, 5),
};

function rowsOf(kind: Row['kind'], values: readonly Row['value'][]): Row[] {
  const series = { __name__: 'kinds', kind: String(kind) };
  return values.map((value, i) => ({ series, tUs: i * 1_000_000, kind, value }));
}

const F64_PATTERNS = [
  f64Bits(1.5),
  f64Bits(-0),
  f64Bits(0),
  f64Bits(Number.POSITIVE_INFINITY),
  f64Bits(Number.NEGATIVE_INFINITY),
  0x7ff0000000000002n, // the staleness marker of Prometheus, a signalling NaN
  0x7ff8000000000001n,
  0xfff8000000000000n,
  0xffffffffffffffffn,
  1n,
  f64Bits(Number.MAX_VALUE),
  f64Bits(0.1),
];

const ALL_KIND_ROWS: readonly Row[] = [
  ...rowsOf(KIND.f64, F64_PATTERNS),
  ...rowsOf(KIND.i64, [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]),
  ...rowsOf(KIND.u64, [0n, 2n ** 64n - 1n, 2n ** 63n, 1n]),
  ...rowsOf(KIND.boolean, [0, 1, 1, 0, 1, 0, 0, 1, 1]),
  ...rowsOf(KIND.string, ['', 'é', 'line\nbreak', '\0', '𝒳'.repeat(300)]),
  ...rowsOf(KIND.histogram, [INTEGER_HISTOGRAM, FLOAT_HISTOGRAM, CUSTOM_HISTOGRAM]),
];

const COMPANION_ROWS: readonly Row[] = [
  { ...point('a', 10, 1), subNs: 7 },
  { ...point('a', 10, 2), subNs: 0 },
  { ...point('a', 10, 3), subNs: 999, startUs: -5 },
  { ...point('a', 11, 4), position: [48.1, -4.5, Number.NaN] },
  { ...point('a', 12, 5), position: [-90, 180, 8848.86], startUs: 0 },
  { series: B, tUs: 1, kind: KIND.string, value: 'x', startUs: 1, position: [0, 0, 0], subNs: 1 },
  { series: B, tUs: 2, kind: KIND.boolean, value: 1 },
  { series: B, tUs: 3, kind: KIND.histogram, value: INTEGER_HISTOGRAM, startUs: 2, subNs: 3 },
];

const MANY = Array.from({ length: 20_000 }, (_, i) => point(A, i * 15_000_000, i * 0.25));

/** Integer counters, slow gauges, constants: shapes for which encoders have special modes. */
const SHAPES: readonly Row[] = Array.from({ length: 300 }, (_, i) => [
  point('constant', i * 1000, 42),
  point('counter', i * 1000, i * 17),
  point('reset', i * 1000 + (i % 7), (i % 50) * 3),
  point('negative-zero', i * 1000, i % 2 === 0 ? -0 : 0),
  point('huge', i * 1000, 2 ** 53 - i),
  point('beyond', i * 1000, 2 ** 60 + i * 2 ** 20),
  point('stale-tail', i * 1000, i < 299 ? i : Number.NaN),
]).flat();

export const pointCases: readonly StorageCase[] = [
  {
    name: 'every kind comes back bit for bit',
    steps: [(s) => writeRows(s, ALL_KIND_ROWS)],
    check: (s) => checkRows(s, ALL_KIND_ROWS),
  },
  {
    name: 'companions stay with their points; subNs is part of identity and order',
    steps: [(s) => writeRows(s, COMPANION_ROWS)],
    check: (s) => checkRows(s, COMPANION_ROWS),
  },
  {
    name: 'kinds change inside a series, each chunk has one kind',
    steps: [
      (s) => writeRows(s, [point(A, 1, 1), { series: A, tUs: 3, kind: KIND.string, value: 'x' }]),
      (s) => writeRows(s, [{ series: A, tUs: 2, kind: KIND.i64, value: 5n }, point(A, 4, 2)]),
    ],
    check: async (s) => {
      const rows = await readRows(s);
      assert.deepEqual(
        rows.map((row) => row.kind),
        [KIND.f64, KIND.i64, KIND.string, KIND.f64],
      );
      const numeric = await readRows(s, { kinds: NUMERIC_KINDS });
      assert.deepEqual(
        numeric.map((row) => row.tUs),
        [1, 2, 4],
      );
    },
  },
  {
    name: 'a rewrite with another kind hides the old value even where only its kind is asked for',
    steps: [
      (s) => writeRows(s, [point(A, 1, 1), point(A, 2, 2)]),
      (s) => writeRows(s, [{ series: A, tUs: 1, kind: KIND.string, value: 'x' }]),
    ],
    check: (s) => checkRows(s, [point(A, 2, 2)], { kinds: NUMERIC_KINDS }),
  },
  {
    name: 'inside a batch the later row wins, across kinds',
    steps: [
      (s) =>
        writeRows(s, [
          { series: A, tUs: 1, kind: KIND.string, value: 'early' },
          point(A, 1, 7),
          point(A, 2, 1),
          { series: A, tUs: 2, kind: KIND.string, value: 'late' },
          point(A, 3, 1),
          point(A, 3, 2),
        ]),
    ],
    check: (s) =>
      checkRows(s, [
        point(A, 1, 7),
        { series: A, tUs: 2, kind: KIND.string, value: 'late' },
        point(A, 3, 2),
      ]),
  },
  {
    name: 'across batches the later batch wins, companions included',
    steps: [
      (s) => writeRows(s, [{ ...point(A, 1, 1), startUs: 5, position: [1, 2, 3] }, point(A, 2, 1)]),
      (s) => writeRows(s, [point(A, 1, 2)]),
      (s) => writeRows(s, [{ ...point(A, 2, 3), startUs: 9 }]),
    ],
    check: (s) => checkRows(s, [point(A, 1, 2), { ...point(A, 2, 3), startUs: 9 }]),
  },
  {
    name: 'out of order, backfill to 1970 and before, far future',
    steps: [
      (s) => writeRows(s, [point(A, 1_700_000_000_000_000, 3), point(A, 0, 1)]),
      (s) => writeRows(s, [point(A, -86_400_000_000, 0), point(A, 8_000_000_000_000_000, 9)]),
      (s) => writeRows(s, [point(A, 1_000_000_000_000_000, 2)]),
    ],
    check: (s) =>
      checkRows(s, [
        point(A, -86_400_000_000, 0),
        point(A, 0, 1),
        point(A, 1_000_000_000_000_000, 2),
        point(A, 1_700_000_000_000_000, 3),
        point(A, 8_000_000_000_000_000, 9),
      ]),
  },
  {
    name: 'ranges are inclusive at both ends',
    steps: [
      (s) =>
        writeRows(
          s,
          [1, 2, 3, 4].map((t) => point(A, t, t)),
        ),
    ],
    check: (s) => checkRows(s, [point(A, 2, 2), point(A, 3, 3)], { startUs: 2, endUs: 3 }),
  },
  {
    name: 'more points than a block holds',
    steps: [
      (s) => writeRows(s, MANY.slice(0, 9000)),
      (s) => writeRows(s, [...MANY.slice(9000), point(A, 0, -1)]),
    ],
    check: async (s) => {
      await checkRows(s, [point(A, 0, -1), ...MANY.slice(1)]);
      const window = { startUs: 8190 * 15_000_000, endUs: 8195 * 15_000_000 };
      await checkRows(s, MANY.slice(8190, 8196), window);
    },
  },
  {
    name: 'shapes of values that encoders treat specially',
    steps: [(s) => writeRows(s, SHAPES)],
    check: (s) => checkRows(s, SHAPES),
  },
];
