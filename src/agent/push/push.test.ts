// Pushed pages as families, and groups as rows of the catalog and back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { scanPrometheusText } from '../../formats/prometheus-text/exposition.ts';
import type { Histogram } from '../../model/histogram.ts';
import { decodeGroup, encodeGroup } from './group-rows.ts';
import { readPushedPage } from './pushed-page.ts';

function read(text: string, group: readonly string[] = ['job', 'x']) {
  const body = Buffer.from(text);
  return readPushedPage(body, { scan: scanPrometheusText, group, timeMs: 5 });
}

function check(text: string, expected: Record<string, readonly string[]>): void {
  const page = read(text);
  assert.ok(typeof page !== 'string', JSON.stringify(page));
  const found = page.families.map(({ family, type, series }) => [
    `${family} ${type}`,
    series.map(({ labels, value }) => `${labels.join(' ')} ${JSON.stringify(value)}`),
  ]);
  assert.deepEqual(Object.fromEntries(found), expected);
}

test('series belong to the family that the page describes, or to their own name', () => {
  check(
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 2\nh_count 1\nother_count 3\n# TYPE c counter\nc{job="own"} 4\n',
    {
      'h histogram': [
        '__name__ h_bucket job x le 1.0 1',
        '__name__ h_sum job x 2',
        '__name__ h_count job x 1',
      ],
      'other_count unknown': ['__name__ other_count job x 3'],
      'c counter': ['__name__ c job x 4'],
    },
  );
});

test('the metrics about a group cannot be pushed', () => {
  check('push_time_seconds 1\npush_failure_time_seconds 2\na 1\n', {
    'a unknown': ['__name__ a job x 1'],
  });
});

test('what may not be pushed has a reason; what cannot be read has one too', () => {
  for (const [text, reason] of [
    ['a 1 0\n', 'pushed metrics must not have timestamps'],
    [
      'a{b="1"} 1\na{b="1"} 1\n',
      'collected metric "a" was collected before with the same name and label values',
    ],
    [
      'a{job="1"} 1\na{job="2"} 1\n',
      'collected metric "a" was collected before with the same name and label values',
    ],
  ] as const) {
    const page = read(text);
    assert.equal(typeof page === 'string' ? page : page.reason, reason);
  }
  assert.equal(
    read('a 1\nb{ 2\nc{ 3\n'),
    'text format parsing error in line 2: expected a label name, and 1 more',
  );
});

const HISTOGRAM: Histogram = {
  isInteger: false,
  schema: 3,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 4.5,
  sum: Number.NaN,
  counterResetHint: 3,
  positiveSpans: [{ offset: -2, length: 2 }],
  positiveBuckets: Float64Array.of(1, Infinity),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
};

test('a group comes back from its rows as it was', () => {
  const value = fc.oneof(fc.double(), fc.constant(HISTOGRAM), fc.constant(-0));
  const labels = fc.constantFrom(['__name__', 'a', 'job', 'x'], ['__name__', 'ü"\n', 'job', 'x']);
  const series = fc.array(fc.record({ labels, value }, { noNullPrototype: true }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(series, fc.string(), (list, help) => {
      const family = { family: 'a', type: 'gauge', unit: '', help, timeMs: 1, series: list };
      const group = { labels: ['job', 'x'], pushTimeMs: 1, failureTimeMs: 0, families: [family] };
      assert.deepEqual(decodeGroup(encodeGroup(group)), group);
    }),
  );
});
