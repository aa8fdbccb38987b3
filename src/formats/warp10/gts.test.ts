// Warp 10's input format: kinds, times, positions, continuations, escapes, the real server's
// reasons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { matchesAll } from '../../model/matcher.ts';
import { labelsFromObject } from '../../model/labels.ts';
import type { GtsOptions } from './gts.ts';
import { scanGts, scanMeta } from './gts.ts';
import { encodePercent } from './percent.ts';
import { parseSelector, SelectorError } from './selector.ts';
import { printAttributes, printSeries } from './series-text.ts';

const NOW_US = 1_700_000_000_000_000;

function scan(text: string, options: Partial<GtsOptions> = {}) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const all = { timeUnit: 'us', nowUs: NOW_US, nowSubNs: 0, ...options } as const;
  const result = scanGts(body, end, all, recorder, recorder);
  return { recorder, result };
}

function rows(text: string, options: Partial<GtsOptions> = {}): string {
  const { recorder, result } = scan(text, options);
  assert.deepEqual(result.errors, []);
  assert.equal(result.pointCount, recorder.rows.length);
  return recorder.text();
}

function reasons(text: string): string[] {
  return scan(text).result.errors.map(({ line, reason }) => `${line}: ${reason}`);
}

test('kinds of values keep what was sent', () => {
  const values: readonly (readonly [string, string])[] = [
    ['1', 'i64 1'],
    ['-0', 'i64 0'],
    ['+42', 'i64 42'],
    ['9223372036854775807', 'i64 9223372036854775807'],
    ['-9223372036854775808', 'i64 -9223372036854775808'],
    ['1.0', 'f64 1'],
    ['-0.0', 'f64 0'],
    ['1e-9', 'f64 1e-9'],
    ['0.1234567890123456789', 'f64 0.12345678901234568'],
    ['.5', 'f64 0.5'],
    ['NaN', 'f64 "bits:7ff8000000000000"'],
    ['-Infinity', 'f64 -Infinity'],
    ['T', 'boolean true'],
    ['false', 'boolean false'],
    ["'a%20b%27%2B+'", `string "a b'++"`],
    ['"x y"', 'string "x y"'],
    ["''", 'string ""'],
  ];
  for (const [value, expected] of values) {
    const text = rows(`5// c{} ${value}`).replaceAll('-0 @', '0 @');
    assert.equal(text, `__name__=c ${expected} @5`, value);
  }
  assert.ok(Object.is(scan('5// c{} -0.0').recorder.rows[0]!.value, -0));
});

test('times: absolute, now, relative to it, in three units', () => {
  assert.equal(rows('// c{} 1'), `__name__=c i64 1 @${NOW_US}`);
  assert.equal(rows('T-10// c{} 1'), `__name__=c i64 1 @${NOW_US - 10}`);
  assert.equal(
    rows('T+10// c{} 1\nT5// c{} 1'),
    `__name__=c i64 1 @${NOW_US + 10}\n__name__=c i64 1 @${NOW_US + 5}`,
  );
  assert.equal(rows('-5// c{} 1'), '__name__=c i64 1 @-5');
  assert.equal(
    rows('1700000000123// c{} 1', { timeUnit: 'ms' }),
    '__name__=c i64 1 @1700000000123000',
  );
  const ns = { timeUnit: 'ns', nowSubNs: 900 } as const;
  assert.equal(rows('1700000000123456789// c{} 1', ns), '__name__=c i64 1 @1700000000123456+789ns');
  assert.equal(rows('T150// c{} 1', ns), `__name__=c i64 1 @${NOW_US + 1}+50ns`);
});

test('class and labels are percent-encoded; the rest of the line is loose', () => {
  const text = '1//   io.warp10.%7Btest%7D%C3%A9{a=b%2Cc, d%3D = e+f ,,empty=}   7  \r\n';
  assert.equal(rows(text), '__name__=io.warp10.{test}é,a=b,c,d= = e+f i64 7 @1');
  assert.equal(rows('\n  \n# comment {\n\t2// c{} 1\n#'), '__name__=c i64 1 @2');
});

test('lines go on with the series of the line before', () => {
  const text = '1// c{a=b} 1\n=2// 2\n# x\n=3//  3\n4// 4\n5// d{} 5\n=6// 6';
  assert.equal(
    rows(text),
    [1, 2, 3, 4].map((n) => `__name__=c,a=b i64 ${n} @${n}`).join('\n') +
      '\n__name__=d i64 5 @5\n__name__=d i64 6 @6',
  );
});

test('a bad line never lends another series to those that go on with it', () => {
  const { recorder, result } = scan(
    '1// good{} 1\n2// bad{x 1\n=3// 3\n4// 4\n5// late{} x\n=6// 6',
  );
  assert.equal(recorder.text(), '__name__=good i64 1 @1\n__name__=late i64 6 @6');
  assert.deepEqual(
    result.errors.map(({ line }) => line),
    [2, 3, 4, 5],
  );
});

test('positions and elevations, in runs of one kind', () => {
  const { recorder } = scan(
    "1/48.5:-4.25/1500 c{} 1\n=2/0:0/ 2\n=3//-7 3\n=4// 4\n=5/1:2/ 5.5\n=6/1:2/ T\n=7/1:2/ 'x'",
  );
  const places = recorder.pointSets.flatMap((set) =>
    Array.from({ length: set.count }, (_, i) => [
      set.kind,
      set.tUs[i],
      set.position?.latitude[i],
      set.position?.longitude[i],
      set.position?.elevation[i],
    ]),
  );
  const { NaN: none } = Number;
  // The recorder keeps the run's own arrays: of each kind only the last run is what it was.
  assert.deepEqual(places.slice(-1), [[4, 7, 1, 2, none]]);
  assert.equal(recorder.rows.length, 7);
  assert.deepEqual(
    recorder.rows.map(({ tUs }) => tUs),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const alone = scan('3//-7 c{} 3').recorder.pointSets[0]!.position!;
  assert.deepEqual([alone.latitude[0], alone.elevation[0]], [none, -0.007]);
});

test('attributes of lines and of /meta', () => {
  const { recorder } = scan('1// c{a=b}{unit=%C2%B0C,x=} 1\n=2// 2');
  const shown = recorder.attributes.map(({ ref, key, value }) => [
    recorder.seriesOf(ref),
    key,
    value,
  ]);
  assert.deepEqual(shown, [
    ['__name__=c,a=b', 'unit', '°C'],
    ['__name__=c,a=b', 'x', ''],
  ]);
  const { body, end } = withCanary('# note\nc{a=b}{k=v}\n\nd{}{}\nbad{}\nx{}{a=b}}\n{}{a=b}\n');
  const meta = new RowRecorder();
  const result = scanMeta(body, end, meta, meta);
  assert.deepEqual(
    meta.attributes.map(({ key, value }) => [key, value]),
    [['k', 'v']],
  );
  assert.deepEqual(
    result.errors.map(({ line }) => line),
    [5, 6, 7],
  );
  assert.equal(result.rowCount, 5);
});

test('reasons and places are those of the real server', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['=1// 1', "index 0 in '=1// 1' (Invalid continuation.)"],
    ['1', "index 0 in '1' (Missing timestamp separator.)"],
    ['x// c{} 1', "index 0 in 'x// c{} 1' (Invalid timestamp.)"],
    [
      '99999999999999999999// c{} 1',
      "index 0 in '99999999999999999999// c{} 1' (Invalid timestamp.)",
    ],
    ['1/', "index 2 in '1/' (Missing location/elevation separator.)"],
    ['1/a:b/ c{} 1', "index 2 in '1/a:b/ c{} 1' (Invalid location: 'a:b'.)"],
    ['1/91:0/ c{} 1', "index 2 in '1/91:0/ c{} 1' (Invalid location: '91:0'.)"],
    ['1//x c{} 1', "index 3 in '1//x c{} 1' (Invalid elevation: 'x'.)"],
    ['1//', "index 3 in '1//' (Missing GTS name, labels and value.)"],
    ['1// 5', "index 4 in '1// 5' (Missing or invalid GTS name and labels.)"],
    ['1// {} 5', "index 4 in '1// {} 5' (Missing or invalid GTS name and labels.)"],
    ['1// c{a=b 5', "index 10 in '1// c{a=b 5' (Missing end of labels '}'.)"],
    ['1// c{a} 5', "index 4 in '1// c{a} 5' (Invalid label definition.)"],
    ['1// c{a~b} 5', "index 4 in '1// c{a~b} 5' (Invalid label definition.)"],
    ['1// c{a=%ff} 5', "index 4 in '1// c{a=%ff} 5' (Invalid label definition.)"],
    [
      '1// c{__name__=x} 5',
      "index 4 in '1// c{__name__=x} 5' (Label __name__ is reserved for the class.)",
    ],
    ['1// c{}', "index 6 in '1// c{}' (Missing value.)"],
    ['1// c{}{a 5', "index 10 in '1// c{}{a 5' (Missing end of attributes '}'.)"],
    ['1// c{} 1x', "index 8 in '1// c{} 1x' (Cannot parse value.)"],
    ["1// c{} 'x", "index 8 in '1// c{} 'x' (Cannot parse value.)"],
    ["1// c{} '", "index 8 in '1// c{} '' (Cannot parse value.)"],
    [
      '1// c{} 9223372036854775808',
      "index 8 in '1// c{} 9223372036854775808' (Cannot parse value.)",
    ],
    [
      '1// c{} [1 2]',
      "index 8 in '1// c{} [1 2]' (Values that are lists, bytes, places or encoded are not stored.)",
    ],
  ];
  for (const [line, reason] of cases)
    assert.deepEqual(reasons(line), [`1: Parse error at ${reason}`]);
});

test('selectors', () => {
  const series = labelsFromObject({ __name__: 'io.test{', a: 'x,y' });
  const matches = (text: string) => matchesAll(parseSelector(text), series);
  for (const text of [
    'io.test%7B{a=x%2Cy}',
    '~io.*{}',
    '=io.test%7B{}',
    '~.*{a~x.*}',
    '~.*{a=~x.*}',
  ])
    assert.ok(matches(text), text);
  for (const text of ['io{}', '~io{}', '~.*{a=x}', '~.*{b~.%2B}']) assert.ok(!matches(text), text);
  for (const text of ['io.test', '{a=b}', 'x{a}', 'x{%zz=1}'])
    assert.throws(() => parseSelector(text), SelectorError);
});

test('what is printed is read back', () => {
  const labels = labelsFromObject({ __name__: 'a b{}=~%,é', 'k=1': 'v,2', plain: '+' });
  const text = printSeries(labels);
  assert.equal(text, 'a%20b%7B%7D%3D%7E%25%2Cé{k%3D1=v%2C2,plain=+}');
  assert.equal(
    scan(`1// ${text} 1`).recorder.rows[0]!.series,
    '__name__=a b{}=~%,é,k=1=v,2,plain=+',
  );
  assert.equal(printAttributes({ a: 'x}' }), '{a=x%7D}');
  assert.equal(encodePercent('\n'), '%0A');
});
