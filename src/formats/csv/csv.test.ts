// CSV as people send it: columns, headers, quotes, empty cells, times; each bad row alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { parseColumns } from './columns.ts';
import type { HeaderMode } from './scan.ts';
import { scanCsv } from './scan.ts';

function scan(format: string, text: string | Uint8Array, header: HeaderMode = 'auto') {
  const columns = parseColumns(format);
  assert.ok(typeof columns !== 'string', JSON.stringify(columns));
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { columns, defaultTimeUs: 7_000_000, header };
  const result = scanCsv(body, end, options, recorder, recorder);
  return { recorder, result };
}

function check(format: string, text: string, rows: readonly string[], header?: HeaderMode): void {
  const { recorder, result } = scan(format, text, header);
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text(), rows.join('\n'));
  assert.equal(result.pointCount, rows.length);
}

function checkErrors(format: string, text: string, errors: readonly string[], kept = 0): void {
  const { result } = scan(format, text);
  const found = result.errors.map(({ line, column, reason }) => `${line}:${column} ${reason}`);
  assert.deepEqual(found, errors);
  assert.equal(result.errorCount, errors.length);
  assert.equal(result.pointCount, kept);
}

test('columns: order, several metrics, labels, no time', () => {
  check('2:metric:bar,1:metric:foo,3:label:l', '1,2,x\n3,4,y\r\n', [
    '__name__=foo,l=x f64 1 @7000000',
    '__name__=bar,l=x f64 2 @7000000',
    '__name__=foo,l=y f64 3 @7000000',
    '__name__=bar,l=y f64 4 @7000000',
  ]);
});

test('empty cells: no point, no label; rows without values are rows', () => {
  const { recorder, result } = scan('1:metric:a,2:metric:b,3:label:l', '1,,\n,,x\n ,2,y\n');
  assert.equal(recorder.text(), '__name__=a f64 1 @7000000\n__name__=b,l=y f64 2 @7000000');
  assert.equal(result.rowCount, 3);
});

test('quotes: commas, doubled quotes, line breaks, blanks around, quotes inside plain cells', () => {
  const text = '"1","a,""b"""\n 2 , "c\nd" \n3,e"f\n"4",""\n5,a""b\n6,"a""b"\n';
  check('1:metric:m,2:label:l', text, [
    '__name__=m,l=a,"b" f64 1 @7000000',
    '__name__=m,l=c\nd f64 2 @7000000',
    '__name__=m,l=e"f f64 3 @7000000',
    '__name__=m f64 4 @7000000',
    '__name__=m,l=a""b f64 5 @7000000',
    '__name__=m,l=a"b f64 6 @7000000',
  ]);
});

test('headers: told by their words, or by the parameter; a byte order mark', () => {
  check('1:time:unix_s,2:metric:m', '\ufeffwhen,what\n1,2\n', ['__name__=m f64 2 @1000000']);
  check('1:metric:m', '1\n2\n', ['__name__=m f64 2 @7000000'], 'yes');
  checkErrors('1:metric:m', '1\nm\n', ['2:0 the value "m" of column 1 is no number'], 1);
  // One number makes it data.
  checkErrors('1:time:unix_s,2:metric:m', 'x,2\n', ['1:0 the time "x" cannot be read']);
  const { result } = scan('1:metric:m', 'm\n1\n', 'no');
  assert.deepEqual([result.errorCount, result.pointCount], [1, 1]);
});

test('each bad row is refused alone, with its line and position', () => {
  const text =
    '1,a,1\n2,b\n3,c,x\n"4,d,4\n5,"e"e,5\n6,"two\nlines",later\n7,f,\n9,"g\nh",9\nx,i,9\n8,j,8';
  checkErrors(
    '1:metric:m,2:label:l,3:time:unix_s',
    text,
    [
      '2:4 the row has 2 cells, and column 3 is asked for',
      '3:4 the time "x" cannot be read',
      '4:10 text behind a quoted cell',
      '5:5 text behind a quoted cell',
      '6:14 the time "later" cannot be read',
      '8:4 the time "" cannot be read',
      '11:0 the value "x" of column 1 is no number',
    ],
    3,
  );
  checkErrors('1:metric:m', '1\n"2\n3\n', ['2:0 a quoted cell that does not end'], 2);
});

test('values: decimals, words; labels that are no UTF-8', () => {
  check('1:metric:m', '1e3\n-0\nNaN\n+Inf\n-infinity\n0.1\n', [
    '__name__=m f64 1000 @7000000',
    '__name__=m f64 0 @7000000',
    '__name__=m f64 "bits:7ff8000000000000" @7000000',
    '__name__=m f64 Infinity @7000000',
    '__name__=m f64 -Infinity @7000000',
    '__name__=m f64 0.1 @7000000',
  ]);
  const { recorder } = scan('1:metric:m', '-0');
  assert.ok(Object.is(recorder.rows[0]!.value, -0));
  const { result } = scan('1:metric:m,2:label:l', Uint8Array.of(49, 44, 0xff, 10));
  assert.deepEqual(
    result.errors.map(({ column, reason }) => `${column} ${reason}`),
    ["2 the label 'l' is not valid UTF-8"],
  );
});

test('times: every unit, signs, decimals, RFC 3339, layouts', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['unix_s', '1700000000', '1700000000000000'],
    ['unix_s', '1700000000.123456789', '1700000000123456+789ns'],
    ['unix_ms', '-1.5', '-1500'],
    ['unix_us', '1242173840706000', '1242173840706000'],
    ['unix_us', '0.001', '0+1ns'],
    ['unix_ns', '-1', '-1+999ns'],
    ['unix_ns', '1700000000123456789', '1700000000123456+789ns'],
    ['rfc3339', '2022-12-25T16:57:12+01:00', '1671983832000000'],
    ['rfc3339', '1700-01-01T00:00:00.5Z', '-8520335999500000'],
    ['rfc3339', '2024-02-29T23:59:59.123456789-23:59', '1709337539123456+789ns'],
    ['custom:2006-01-02 15:04:05.999Z', '2015-08-10 20:04:40.123Z', '1439237080123000'],
    ['custom:2006-01-02 15:04:05.999Z', '2015-08-10 20:04:40Z', '1439237080000000'],
    ['custom:02/Jan/2006:15:04:05 -0700', '10/Oct/2000:13:55:36 -0700', '971211336000000'],
    ['custom:Monday January _2 3:04PM MST 06', 'Friday May  3 12:30pm UTC 69', '-20950200000000'],
    ['custom:2006-002', '2024-366', '1735603200000000'],
    ['custom:20060102150405', '20240229000000.25', '1709164800250000'],
  ];
  for (const [format, cell, expected] of cases)
    check(`1:metric:m,2:time:${format}`, `5,${cell}`, [`__name__=m f64 5 @${expected}`]);
});

test('times that do not exist, or are too far away', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['unix_s', '12345678901234567'],
    ['unix_s', '1.'],
    ['unix_s', '1e3'],
    ['unix_s', '-'],
    ['unix_ns', '9223372036854775807000'],
    ['rfc3339', '2023-02-29T00:00:00Z'],
    ['rfc3339', '2023-02-28T24:00:00Z'],
    ['rfc3339', '2023-02-28T00:00:00'],
    ['rfc3339', '2300-01-01T00:00:00Z'],
    ['rfc3339', '0001-01-01T00:00:00Z'],
    ['custom:2006-01-02 3PM', '2023-01-01 13PM'],
    ['custom:2006-002', '2023-366'],
    ['custom:2006 Jan 2 -0700', '2023 Jan 2 +9900'],
  ];
  for (const [format, cell] of cases)
    assert.equal(scan(`1:metric:m,2:time:${format}`, `5,${cell}`).result.errorCount, 1, cell);
});

test('a format that cannot be says why', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /is not COL:metric:NAME/],
    ['0:metric:m', /is not COL:metric:NAME/],
    ['1:label:l', /no metric column/],
    ['1:metric:m,1:label:l', /column 1 is named twice/],
    ['1:metric:m,2:metric:m', /the same metric/],
    ['1:metric:m,2:label:l,3:label:l', /the same label/],
    ['1:metric:m,2:time:unix_s,3:time:unix_s', /two columns are the time/],
    ['1:metric:m,2:time:noon', /unknown time format "noon"/],
    ['1:metric:m,2:time:custom:15:04', /has no year/],
    ['1:metric:m,2:time:custom:2006 06 2006', /says something twice/],
    ['65537:metric:m', /beyond 65536/],
    ['1:metric:m,2:metric:n,3:label:__name__', /names one metric/],
    ['1:metric:', /has no name/],
  ];
  for (const [format, reason] of cases) {
    const problem = parseColumns(format);
    assert.ok(typeof problem === 'string', format);
    assert.match(problem, reason);
  }
});

test('a column may name the metric of each row', () => {
  check('1:label:__name__,2:metric:other', 'a,1\n,2\n', [
    '__name__=a f64 1 @7000000',
    '__name__=other f64 2 @7000000',
  ]);
});

test('a series that is refused refuses its row', () => {
  const columns = parseColumns('1:metric:m,2:label:l');
  assert.ok(typeof columns !== 'string');
  const { body, end } = withCanary('1,bad\n2,good\n3,bad\n');
  const recorder = new RowRecorder();
  recorder.refused.add('__name__=m,l=bad');
  const options = { columns, defaultTimeUs: 0, header: 'auto' } as const;
  const result = scanCsv(body, end, options, recorder, recorder);
  assert.deepEqual(
    result.errors.map(({ line, reason }) => `${line} ${reason}`),
    ['1 refused by the test', '3 refused by the test'],
  );
  assert.equal(recorder.text(), '__name__=m,l=good f64 2 @0');
});
