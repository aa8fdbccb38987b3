// OpenMetrics line by line, where pushes and scrapes differ, pages cut at every byte, and random
// bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import type { ExpositionOptions } from '../prometheus-text/exposition.ts';
import { withCustomBuckets } from '../prometheus-text/classic-groups.ts';
import { scanOpenMetrics } from './openmetrics.ts';

const NOW_US = 1_700_000_000_000_000;

function scan(text: string | Uint8Array, more: Partial<ExpositionOptions> = {}) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: NOW_US, mode: 'import', extraLabels: [], ...more } as const;
  return { recorder, result: scanOpenMetrics(body, end, options, recorder, recorder) };
}

function check(text: string, expected: string[], more: Partial<ExpositionOptions> = {}): void {
  const { recorder, result } = scan(text, more);
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text().replaceAll(` @${NOW_US}`, ''), expected.join('\n'));
  assert.equal(result.pointCount, expected.length);
}

function refuse(text: string, line: number, reason: RegExp): void {
  const { result } = scan(text);
  assert.equal(result.errorCount, 1, JSON.stringify(result.errors));
  assert.equal(result.errors[0]!.line, line);
  assert.match(result.errors[0]!.reason, reason);
}

test('samples, times in seconds, names in quotes', () => {
  check('a 1\n{"b.c",d="e f"} NaN 1.000001\ng{h="#"} +Inf -2\n# EOF', [
    '__name__=a f64 1',
    '__name__=b.c,d=e f f64 "bits:7ff8000000000001" @1000001',
    '__name__=g,h=# f64 Infinity @-2000000',
  ]);
});

test('a time that no point can have is the last one before it', () => {
  check('a 1 1e30\nb 1 -1e30\n# EOF\n', [
    '__name__=a f64 1 @9007199254740991',
    '__name__=b f64 1 @-9007199254740991',
  ]);
});

test('metadata: type, unit and help of a family are one row', () => {
  const page =
    '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds x\\ny\n# EOF\n';
  assert.deepEqual(scan(page).recorder.metadataRows, [
    { family: 'a_seconds', type: 'counter', unit: 'seconds', help: 'x\ny' },
  ]);
});

test('types and units as labels; bounds are spelled as Prometheus spells them', () => {
  const page =
    '# TYPE a_s histogram\n# UNIT a_s s\na_s_bucket{le="1"} 1\na_s_bucket{le="+Inf"} 1\n# EOF\n';
  check(
    page,
    [
      '__name__=a_s_bucket,__type__=histogram,__unit__=s,job=x,le=1.0 f64 1',
      '__name__=a_s_bucket,__type__=histogram,__unit__=s,job=x,le=+Inf f64 1',
    ],
    { typeLabels: true, extraLabels: ['job', 'x'] },
  );
});

test('exemplars have their own time, or that of the sample', () => {
  const { recorder } = scan(
    '# TYPE a counter\na_total 1 5 # {id="x y"} 0.5 4.5\na_total{b="c"} 1 # {} 2\n# EOF\n',
  );
  assert.deepEqual(
    recorder.exemplars.map(({ labels, value, tUs }) => [labels, value, tUs]),
    [
      [['id', 'x y'], 0.5, 4_500_000],
      [[], 2, NOW_US],
    ],
  );
});

test('native histograms are read; counts that do not add up make one of floats', () => {
  const text = (count: number) =>
    `# TYPE n histogram\nn {count:${count},sum:1.5,schema:0,zero_threshold:0.001,zero_count:4,` +
    'positive_spans:[0:2,1:1],positive_deltas:[2,1,-3],negative_spans:[],negative_deltas:[]}\n# EOF\n';
  for (const [count, isInteger] of [
    [9, true],
    [24, false],
  ] as const) {
    const { recorder, result } = scan(text(count));
    assert.deepEqual(result.errors, []);
    const histogram = recorder.rows[0]!.value as { isInteger: boolean; positiveBuckets: unknown };
    assert.equal(histogram.isInteger, isInteger);
    assert.deepEqual(histogram.positiveBuckets, Float64Array.of(2, 3, 0));
  }
  refuse('# TYPE n histogram\nn {count:24\n# EOF\n', 2, /expected a native histogram/);
});

test('refused alone: the lines around it are kept', () => {
  const { recorder, result } = scan('a 1\nb{c="d" e="f"} 2\ng 3\n# EOF\n');
  assert.deepEqual(
    result.errors.map(({ line, reason }) => [line, reason]),
    [[2, 'expected a comma or a closing brace']],
  );
  assert.deepEqual(
    recorder.rows.map(({ series }) => series),
    ['__name__=a', '__name__=g'],
  );
});

test('a page that is cut off, goes on behind its end, or has a blank line', () => {
  refuse('a 1\n', 2, /does not end with # EOF/);
  refuse('a 1\n# EOF\nb 2\n', 3, /text behind # EOF/);
  refuse('a 1\n\n# EOF\n', 2, /a blank line/);
});

test('blanks in the braces: behind a comma, and nowhere else', () => {
  for (const mode of ['import', 'scrape'] as const)
    for (const [line, isTaken] of [
      ['a{b="1", c="2"} 1', true],
      ['a{b= "1"} 1', false],
      ['a{b ="1"} 1', false],
      ['a{ b="1"} 1', false],
      ['a{b="1" } 1', false],
      ['a{b="1" ,c="2"} 1', false],
      ['{"a" ,b="1"} 1', false],
      ['a{"b" ="1"} 1', false],
    ] as const) {
      const { errors } = scan(`${line}\n# EOF\n`, { mode }).result;
      assert.equal(errors.length, isTaken ? 0 : 1, line);
    }
});

test('what a push may not break and a scrape may', () => {
  const pages = [
    ['# TYPE a counter\na_total -1\n# EOF\n', 2, /_total below zero/],
    ['# TYPE a histogram\na_bucket{le="1"} 1\n# EOF\n', 4, /the bucket le="\+Inf" is missing/],
    ['# TYPE a gauge\na{b="1"} 1\na{b="2"} 1\na{b="1"} 1\n# EOF\n', 4, /stand apart/],
    ['# TYPE a gauge\na 1 2\na 1 1\n# EOF\n', 3, /times of one set of labels fall/],
    ['# TYPE a gauge\na 1 # {b="c"} 1\n# EOF\n', 2, /have exemplars/],
    ['a{b="c",} 1\n# EOF\n', 1, /comma behind the last label/],
  ] as const;
  for (const [page, line, reason] of pages) {
    refuse(page, line, reason);
    assert.deepEqual(scan(page, { mode: 'scrape' }).result.errors, [], page);
  }
});

test('classic histograms become custom buckets, with start time and exemplars', () => {
  const page =
    '# TYPE h histogram\nh_bucket{a="b",le="1"} 2 # {id="x"} 0.5\nh_bucket{a="b",le="2"} 2\n' +
    'h_bucket{a="b",le="+Inf"} 5\nh_count{a="b"} 5\nh_sum{a="b"} 9.5\nh_created{a="b"} 3\n' +
    '# TYPE g gauge\ng 1\n# EOF\n';
  const { body, end } = withCanary(page);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: NOW_US, mode: 'import', extraLabels: [] } as const;
  const result = withCustomBuckets(recorder, recorder, (dictionary, sink) =>
    scanOpenMetrics(body, end, options, dictionary, sink),
  );
  assert.deepEqual(result.errors, []);
  assert.equal(result.pointCount, 2);
  assert.deepEqual(
    recorder.rows.map(({ series }) => series),
    ['__name__=g', '__name__=h,a=b'],
  );
  const [points] = recorder.pointSets;
  assert.deepEqual(points!.startUs, Float64Array.of(3_000_000));
  const histogram = points!.values[0] as unknown as Record<string, unknown>;
  assert.deepEqual(histogram['customValues'], Float64Array.of(1, 2));
  assert.deepEqual(histogram['positiveBuckets'], Float64Array.of(2, 3));
  assert.deepEqual(histogram['positiveSpans'], [
    { offset: 0, length: 1 },
    { offset: 1, length: 1 },
  ]);
  assert.deepEqual(
    recorder.exemplars.map(({ ref, labels }) => [recorder.seriesOf(ref), labels]),
    [['__name__=h,a=b', ['id', 'x']]],
  );
});

const PAGE =
  '# HELP a x\n# TYPE a counter\na_total{b="c\\n"} 1 2 # {d="e"} 3 4\n{"f.g",h="i"} 5\n# EOF\n';

test('a page cut at any byte is refused and gives a prefix of its rows', () => {
  const bytes = Buffer.from(PAGE);
  const whole = scan(bytes).recorder.text();
  for (let end = 0; end < bytes.length - 1; end++) {
    const { recorder, result } = scan(bytes.subarray(0, end));
    assert.ok(result.errorCount > 0, String(end));
    // A cut number is another number, but of the same series.
    const series = recorder.rows.map((row) => row.series);
    assert.ok(
      series.every((one) => whole.includes(`${one} `)),
      String(end),
    );
  }
});

test('random bytes never throw, and every sample line is a row or an error', () => {
  const words =
    '# TYPE a |histogram|counter\n|a|_bucket|{le="1"}|{"b.c"}| 1| # {|}| {count:1|,sum:|"|\\|\n|# EOF\n|NaN|-| |ü|_total';
  const piece = fc.constantFrom(...words.split('|'));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, isImport) => {
      const mode = isImport ? 'import' : 'scrape';
      const { recorder, result } = scan(pieces.join(''), { mode });
      assert.equal(result.pointCount, recorder.rows.length);
      assert.ok(result.rowCount - result.pointCount <= result.errorCount);
    }),
  );
});
