// The text format line by line, where import and scrape differ, and pages cut at every byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import type { ExpositionOptions } from './exposition.ts';
import { scanPrometheusText } from './exposition.ts';
import { KNOWN_COMMENT_BYTES_MAX, KNOWN_COMMENTS_MAX } from '../limits.ts';
import { KnownComments } from './known-comments.ts';

const NOW_US = 1_700_000_000_000_000;

function scan(text: string | Uint8Array, more: Partial<ExpositionOptions> = {}) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: NOW_US, mode: 'import', extraLabels: [], ...more } as const;
  return { recorder, result: scanPrometheusText(body, end, options, recorder, recorder) };
}

function check(text: string, expected: string[], more: Partial<ExpositionOptions> = {}): void {
  const { recorder, result } = scan(text, more);
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text().replaceAll(` @${NOW_US}`, ''), expected.join('\n'));
  assert.equal(result.pointCount, expected.length);
}

function refuse(line: string, reason: RegExp, more: Partial<ExpositionOptions> = {}): void {
  const { recorder, result } = scan(`a 1\n${line}\nb 2\n`, more);
  assert.equal(result.errorCount, 1, line);
  assert.equal(result.errors[0]!.line, 2);
  assert.match(result.errors[0]!.reason, reason);
  assert.deepEqual(
    recorder.rows.map((row) => row.series),
    ['__name__=a', '__name__=b'],
  );
}

test('samples with and without labels, timestamps and a last line break', () => {
  check('a 1\n  b{x="1",} -2.5 1395066363000\r\nc { y = "2" , z="\\"\\\\\\n" } +3e1\t-1\nd{} .5', [
    '__name__=a f64 1',
    '__name__=b,x=1 f64 -2.5 @1395066363000000',
    '__name__=c,y=2,z="\\\n f64 30 @-1000',
    '__name__=d f64 0.5',
  ]);
});

test('special values', () => {
  check('a NaN\nb nan\nc +Inf\nd -inf\ne Infinity\nf -0', [
    '__name__=a f64 "bits:7ff8000000000001"',
    '__name__=b f64 "bits:7ff8000000000001"',
    '__name__=c f64 Infinity',
    '__name__=d f64 -Infinity',
    '__name__=e f64 Infinity',
    '__name__=f f64 0',
  ]);
  assert.ok(Object.is(scan('f -0').recorder.rows[0]!.value, -0));
});

test('quoted UTF-8 names', () => {
  check('{"a.b"} 1\n{"ü\\"x",y="1"} 2\n{y="1","c d"} 3\ne{"q.r"="1"} 4', [
    '__name__=a.b f64 1',
    '__name__=ü"x,y=1 f64 2',
    '__name__=c d,y=1 f64 3',
    '__name__=e,q.r=1 f64 4',
  ]);
});

test('metadata arrives once per family, whatever the order of its lines', () => {
  const { recorder } = scan(
    [
      '# HELP a Help \\\\ with\\nbreak',
      '# TYPE a counter',
      'a 1',
      '#TYPE b gauge is a comment',
      '# just a comment',
      '# TYPE "c.d" untyped',
      '# HELP e',
      '# TYPE f gauge_histogram ',
    ].join('\n'),
  );
  assert.deepEqual(recorder.metadataRows, [
    { family: 'a', type: 'counter', unit: '', help: 'Help \\ with\nbreak' },
    { family: 'c.d', type: 'unknown', unit: '', help: '' },
    { family: 'e', type: 'unknown', unit: '', help: '' },
    { family: 'f', type: 'gaugehistogram', unit: '', help: '' },
  ]);
});

test('bounds of histograms and summaries are spelled as Prometheus spells them', () => {
  const text = [
    'a{le="1"} 1',
    '# TYPE h histogram',
    'h_bucket{le="1"} 1',
    'h_bucket{le="1e6"} 1',
    'h_bucket{le="+Inf"} 1',
    '# TYPE s summary',
    's{quantile="0.50"} 1',
    's{le="1"} 1',
    '# TYPE g gauge',
    'a{le="1"} 1',
  ];
  check(text.join('\n'), [
    '__name__=a,le=1 f64 1',
    '__name__=h_bucket,le=1.0 f64 1',
    '__name__=h_bucket,le=1e+06 f64 1',
    '__name__=h_bucket,le=+Inf f64 1',
    '__name__=s,quantile=0.5 f64 1',
    '__name__=s,le=1 f64 1',
    '__name__=a,le=1 f64 1',
  ]);
});

test('labels of the target move those of the page aside', () => {
  check(
    'up{job="inner",x="1"} 1',
    ['__name__=up,exported_job=inner,instance=i,job=outer,x=1 f64 1'],
    { extraLabels: ['job', 'outer', 'instance', 'i'] },
  );
});

test('a bad line is refused alone, with its number and reason', () => {
  refuse('c', /expected a value/);
  refuse('c{x="1"', /expected a comma or a closing brace/);
  refuse('c{x=1} 1', /expected a double-quoted value of label 'x'/);
  refuse("c{x='1'} 1", /expected a double-quoted value/);
  refuse('c{x} 1', /expected an equals sign behind label 'x'/);
  refuse('c{x="1} 1', /quoted text without an end/);
  refuse('c{x="1\\', /quoted text without an end/);
  refuse('c{1x="1"} 1', /expected a label name/);
  refuse('c{a:b="1"} 1', /expected a label name/);
  refuse('c{x="1",x="1"} 1', /label name 'x' is not unique/);
  refuse('c{__name__="x"} 1', /__name__ is reserved/);
  refuse('{x="1"} 1', /expected a metric name/);
  refuse('{"a","b"} 1', /metric name given twice/);
  refuse('1c 1', /unexpected character in the metric name/);
  refuse('c-d 1', /unexpected character in the metric name/);
  refuse('c one', /expected a float as value, got 'one'/);
  refuse('c 0x1p3', /expected a float/);
  refuse('c 1_000', /expected a float/);
  refuse('c 1e999', /expected a float/);
  refuse('c 1 1.5', /expected an integer as timestamp/);
  refuse('c 1 99999999999999999', /expected an integer as timestamp/);
  refuse('c 1 2 3', /unexpected text behind the sample/);
  refuse('# TYPE c sort', /invalid metric type 'sort'/);
});

test('the import is strict where the scraper is not', () => {
  const lines = 'c{x="\\d"} 1\n# HELP a one\n# HELP a two\nd 1\n# TYPE d gauge\n# TYPE d counter\n';
  assert.equal(scan(lines, { mode: 'scrape' }).result.errorCount, 0);
  assert.deepEqual(
    scan(lines).result.errors.map((error) => `${error.line}: ${error.reason}`),
    [
      '1: unknown escape sequence in quoted text',
      "3: second HELP line for metric 'a'",
      "5: TYPE of metric 'd' behind its samples",
      "6: TYPE of metric 'd' behind its samples",
    ],
  );
  assert.equal(
    scan('c{x="\\d"} 1', { mode: 'scrape' }).recorder.rows[0]!.series,
    '__name__=c,x=\\d',
  );
});

test('bytes that are no UTF-8 are refused', () => {
  const { result } = scan(Buffer.from('a{x="\xff"} 1\n# HELP a \xff\n', 'latin1'));
  assert.deepEqual(
    result.errors.map((error) => error.reason),
    ['quoted text is not valid UTF-8', 'help text is not valid UTF-8'],
  );
});

const PAGE =
  '# HELP a b\\n\n# TYPE a histogram\na_bucket{le="1",x="q\\"}"} 1.5e3 -12\n{"a.b" , y="z"} NaN\r\nc -Inf 7\n';

test('a page cut anywhere reads nothing behind its end', () => {
  const bytes = new TextEncoder().encode(PAGE);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const plain = scan(bytes.slice(0, cut));
    const recorder = new RowRecorder();
    const options = { defaultTimeUs: NOW_US, mode: 'import', extraLabels: [] } as const;
    const result = scanPrometheusText(bytes, cut, options, recorder, recorder);
    assert.deepEqual(result, plain.result, `cut at ${cut}`);
    assert.equal(recorder.text(), plain.recorder.text());
    assert.deepEqual(recorder.metadataRows, plain.recorder.metadataRows);
  }
});

test('any bytes are read without a throw and without a look behind the end', () => {
  const unit = fc.constantFrom(...'ab{}=", \n\r\t\\0123456789.eE+-#:_NIfHELPTYPE'.split(''));
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 80 }), (text) => {
      const bytes = new TextEncoder().encode(text);
      const recorder = new RowRecorder();
      const options = { defaultTimeUs: NOW_US, mode: 'scrape', extraLabels: [] } as const;
      const result = scanPrometheusText(bytes, bytes.length, options, recorder, recorder);
      const padded = scan(text, { mode: 'scrape' });
      assert.deepEqual(result, padded.result);
      assert.equal(recorder.text(), padded.recorder.text());
    }),
    { numRuns: 2000 },
  );
});

test('types become labels where that is asked for', () => {
  const page =
    'z 1\n# TYPE a counter\na{__type__="gauge",x="1"} 1\nb 2\n# TYPE c untyped\nc{__type__="gauge"} 3\n';
  check(
    page,
    [
      '__name__=z f64 1',
      '__name__=a,__type__=counter,x=1 f64 1',
      '__name__=b,__type__=counter f64 2',
      '__name__=c,__type__=gauge f64 3',
    ],
    { typeLabels: true },
  );
  check('# TYPE a counter\na{__type__="gauge"} 1\n', ['__name__=a,__type__=gauge f64 1']);
});

const commentedLine = fc.oneof(
  fc
    .record({
      name: fc.constantFrom('a', 'b', '"c.d"', 'a b', ''),
      help: fc.constantFrom('x', 'ü', ''),
    })
    .map(({ name, help }) => `# HELP ${name} ${help}`),
  fc
    .record({
      name: fc.constantFrom('a', 'b', '"c.d"'),
      type: fc.constantFrom('counter', 'gauge ', ' histogram', 'what', ''),
    })
    .map(({ name, type }) => `#  TYPE ${name} ${type}`),
  fc.constantFrom('# other', '#', '# HELPER a', `# HELP a ${'l'.repeat(KNOWN_COMMENT_BYTES_MAX)}`),
  fc.constantFrom('a 1', 'b{x="1"} 2', '{"c.d"} 3'),
);

test('comments that are known say what they say when they are read', () => {
  const page = fc.array(commentedLine, { maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(page, { minLength: 2, maxLength: 6 }),
      fc.boolean(),
      (pages, typeLabels) => {
        const knownComments = new KnownComments();
        for (const lines of [...pages, ...pages]) {
          const text = lines.join('\n');
          const plain = scan(text, { mode: 'scrape', typeLabels });
          const known = scan(text, { mode: 'scrape', typeLabels, knownComments });
          assert.deepEqual(known.result, plain.result);
          assert.equal(known.recorder.text(), plain.recorder.text());
          assert.deepEqual(known.recorder.metadataRows, plain.recorder.metadataRows);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('known comments are bounded, and are right behind the bound', () => {
  const knownComments = new KnownComments();
  for (let round = 0; round < 3; round++)
    for (let from = 0; from < 2 * KNOWN_COMMENTS_MAX; from += 1000) {
      const names = Array.from({ length: 1000 }, (_, i) => `m${from + i}`);
      const text = names.map((name) => `# HELP ${name} of ${name}\n`).join('');
      const { recorder } = scan(text, { mode: 'scrape', knownComments });
      assert.ok(knownComments.size <= KNOWN_COMMENTS_MAX);
      assert.deepEqual(
        recorder.metadataRows.map(({ help }) => help),
        names.map((name) => `of ${name}`),
      );
    }
});
