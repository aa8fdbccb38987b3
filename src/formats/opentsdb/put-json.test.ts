// Bodies of `/api/put`: what OpenTSDB takes, what it refuses point by point, and what it refuses
// as a whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { scanPutJson } from './put-json.ts';
import type { PutResult } from './put-json.ts';

function scan(text: string | Uint8Array, recorder = new RowRecorder()) {
  const { body, end } = withCanary(text);
  const result: PutResult = scanPutJson(body, end, { wantsProblems: true }, recorder, recorder);
  return { recorder, result };
}

/** A body in, rows out; nothing may be refused. */
function check(text: string, ...expected: string[]): void {
  const { recorder, result } = scan(text);
  assert.equal(result.malformed, '', text);
  assert.deepEqual(result.errors, [], text);
  assert.equal(recorder.text(), expected.map((row) => `__name__=${row}`).join('\n'), text);
  assert.equal(result.pointCount, expected.length);
}

const point = (fields: Record<string, unknown>): string =>
  JSON.stringify({ metric: 'm', timestamp: 5, value: 1, tags: { a: 'b' }, ...fields });

/** A point that must be refused for `reason` between two good ones, and how it is shown. */
function refuse(text: string, reason: string, shown?: unknown): void {
  const { recorder, result } = scan(`[${point({})},${text},${point({ timestamp: 6 })}]`);
  assert.equal(result.malformed, '');
  assert.deepEqual(
    result.problems.map(({ error }) => error),
    [reason],
  );
  assert.deepEqual([result.errors[0]?.reason, result.errors[0]?.line], [reason, 2]);
  assert.deepEqual([result.rowCount, result.pointCount, result.errorCount], [3, 2, 1]);
  assert.equal(recorder.rows.length, 2);
  if (shown !== undefined) assert.deepEqual(result.problems[0]!.datapoint, shown);
}

test('one point, an array, any order of fields, any blanks, fields nobody knows', () => {
  check(point({}), 'm,a=b f64 1 @5000000');
  check(
    ` [ ${point({})} ,\n\t{"tags":{"x.y-z/w":"µ"},"value":"2.5","tsuid":null,"more":[{"a":[1,"]}"]}],` +
      `"timestamp":1365465600123,"metric":"sys.cpu/nice_é"} ] \r\n`,
    'm,a=b f64 1 @5000000',
    'sys.cpu/nice_é,x.y-z/w=µ f64 2.5 @1365465600123000',
  );
  check(
    '{"\\u006detric":"m\\u002ea","timestamp":5,"value":"\\u0031","tags":{"\\u0061":"\\u0062"}}',
    'm.a,a=b f64 1 @5000000',
  );
  check(`{"metric":"x",${point({}).slice(1)}`, 'm,a=b f64 1 @5000000');
  check('[]');
});

test('without tags', () => {
  check('{"metric":"m","timestamp":5,"value":1}', 'm f64 1 @5000000');
  check(point({ tags: null }), 'm f64 1 @5000000');
  check(point({ tags: {} }), 'm f64 1 @5000000');
});

test('values: numbers and texts, exact; integers that no double holds stay integers', () => {
  const raw = (value: string): string => point({}).replace('"value":1', `"value":${value}`);
  for (const [value, shown] of [
    ['0.1234567890123456789', 'f64 0.12345678901234568'],
    ['1e-9', 'f64 1e-9'],
    ['"1E3"', 'f64 1000'],
    ['"+5"', 'f64 5'],
    ['-0', 'f64 0'],
    ['9007199254740992', 'f64 9007199254740992'],
    ['9007199254740993', 'i64 9007199254740993'],
    ['"-9223372036854775807"', 'i64 -9223372036854775807'],
    ['-9223372036854775808', 'f64 -9223372036854776000'],
    ['1700000000000000000', 'f64 1700000000000000000'],
    ['9007199254740993.0', 'f64 9007199254740992'],
  ])
    check(raw(value!), `m,a=b ${shown} @5000000`);
  for (const value of ['"x"', 'true', '"NaN"', 'NaN', '"1x"', '9223372036854775808', '"0x10"'])
    refuse(raw(value), 'Unable to parse value to a number');
  refuse(raw('1e400'), 'value is NaN or Infinite: Infinity');
  refuse(raw('""'), 'Empty value');
  refuse(raw('null'), 'Empty value');
});

test('times: seconds below 2^32, milliseconds above, texts, fractions cut', () => {
  const raw = (time: string): string => point({}).replace(':5', `:${time}`);
  for (const [time, tUs] of [
    ['1', 1_000_000],
    ['4294967295', 4_294_967_295_000_000],
    ['4294967296', 4_294_967_296_000],
    ['9999999999999', 9_999_999_999_999_000],
    ['"1789"', 1_789_000_000],
    ['17.89', 17_000_000],
    ['1.5e9', 1_500_000_000_000_000],
  ] as const)
    check(raw(time), `m,a=b f64 1 @${tUs}`);
  for (const time of ['0', '-5', '0.5', 'null', '""']) refuse(raw(time), 'Invalid timestamp');
  refuse(raw('10000000000000'), 'bad timestamp=10000000000000');
});

test('a refused point is shown as OpenTSDB understood it', () => {
  const shown = { metric: '', timestamp: 5, value: '1', tags: { a: 'b' } };
  refuse(point({ metric: '' }), 'Metric name was empty', shown);
  refuse('{"timestamp":5,"value":1.50}', 'Metric name was empty', { timestamp: 5, value: '1.50' });
  refuse('{}', 'Metric name was empty', { timestamp: 0 });
  refuse('null', 'Unexpected null datapoint encountered in set.', null);
  refuse(point({ metric: 'sys cpu' }), 'Invalid metric name ("sys cpu"): illegal character:  ');
  refuse(
    point({ tags: { 'a b': 'c' } }),
    'Invalid tag name with value [c] ("a b"): illegal character:  ',
  );
  refuse(
    point({ tags: { a: 'b=c' } }),
    'Invalid tag value with key [a] ("b=c"): illegal character: =',
  );
  refuse(point({ tags: { a: '' } }), 'Invalid tag value with key [a]: empty string');
  refuse(point({ tags: { a: null } }), 'Invalid tag value with key [a]: null');
  refuse(point({ tags: { '': 'x' } }), 'Invalid tag name with value [x]: empty string');
  refuse(point({ tags: { __name__: 'x' } }), 'Invalid tag name ("__name__"): reserved');
  check('{"metric":5,"timestamp":5,"value":1,"tags":{"a":1.50}}', '5,a=1.50 f64 1 @5000000');
});

test('more tags than a series may have are counted, not looked at', () => {
  const tags = Array.from({ length: 256 }, (_, i) => [`t${i}`, i === 7 ? 'a,"{[\\' : 'v'] as const);
  const many = (count: number): string =>
    point({
      tags: Object.fromEntries(
        [...tags, ...tags.map(([name]) => [`x${name}`, 'v'])].slice(0, count),
      ),
    });
  refuse(many(256), 'Invalid tag value with key [t7] ("a,"{[\\"): illegal character: ,');
  refuse(many(257), 'Too many tags: 257 maximum allowed: 256', {
    metric: 'm',
    timestamp: 5,
    value: '1',
  });
});

test('a series that a limit refuses is told with its reason', () => {
  const recorder = new RowRecorder();
  recorder.refused.add('__name__=n,a=b');
  const { result } = scan(`[${point({})},${point({ metric: 'n' })}]`, recorder);
  assert.deepEqual([result.pointCount, result.errorCount], [1, 1]);
  assert.equal(result.problems[0]!.error, 'refused by the test');
});

test('what is no JSON of points is refused as a whole', () => {
  const start = 'The JSON must start as an object or an array';
  for (const [text, reason] of [
    ['', start],
    ['  ', start],
    ['1', start],
    ['"x"', start],
    ['[1,2]', 'expected an object (byte 1)'],
    ['[{}', 'expected a comma or a closing bracket (byte 3)'],
    ['[{},]', 'expected an object (byte 4)'],
    ['{} {}', 'text behind the end (byte 2)'],
    ['{"metric"}', 'expected a colon (byte 9)'],
    ['{metric:1}', 'expected a field (byte 1)'],
    ['{"metric":["a"]}', 'a number or a text cannot be made of this (byte 10)'],
    ['{"tags":1}', 'tags must be an object (byte 8)'],
    ['{"tags":[1,2]}', 'tags must be an object (byte 8)'],
    ['{"timestamp":"x"}', 'the timestamp is no whole number (byte 14)'],
    ['{"timestamp":"1.5"}', 'the timestamp is no whole number (byte 14)'],
    ['{"timestamp":true}', 'the timestamp is no whole number (byte 13)'],
    ['{"value":01}', 'a value that is none (byte 9)'],
    ['{"value":1.}', 'a value that is none (byte 9)'],
    ['{"value":+1}', 'a value that is none (byte 9)'],
    ['{"a":"\n"}', 'a value that is none (byte 5)'],
    [`{"a":${'['.repeat(1000)}}`, 'a value that is none (byte 5)'],
    [point({ tags: { a: ['x'] } }), 'the value of a tag must be a text (byte 45)'],
    // Beside another reason against its point.
    ['[{"tags":{"a":{}}},null]', 'the value of a tag must be a text (byte 9)'],
  ] as const) {
    const { result } = scan(text);
    assert.equal(result.malformed, reason, text);
  }
});

test('invalid UTF-8 in names is refused, in a field that nobody reads it is not', () => {
  const { result } = scan(Buffer.from(`[${point({ metric: '\xff' })}]`, 'latin1'));
  assert.equal(result.problems[0]!.error, 'Names must be valid UTF-8');
  const { result: other } = scan(Buffer.from(`[${point({ other: '\xff' })}]`, 'latin1'));
  assert.equal(other.pointCount, 1);
});
