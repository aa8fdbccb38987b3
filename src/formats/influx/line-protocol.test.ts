// Line protocol, line by line: what InfluxDB's documents and its parser's errors promise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { influxV1Error, influxV2Error, influxV2RefusesBatch, influxV3Error } from './answers.ts';
import { influxV3RefusesBatch } from './answers.ts';
import type { InfluxPrecision, LineProtocolResult } from './line-protocol.ts';
import { scanLineProtocol } from './line-protocol.ts';

const NOW_US = 1_700_000_000_123_456;

interface Scanned {
  readonly recorder: RowRecorder;
  readonly result: LineProtocolResult;
}

function scan(
  text: string | Uint8Array,
  precision: InfluxPrecision = 'ns',
  mapping: string[] = [],
  recorder = new RowRecorder(),
): Scanned {
  const { body, end } = withCanary(text);
  const options = { precision, defaultTimeUs: NOW_US, mapping };
  return { recorder, result: scanLineProtocol(body, end, options, recorder, recorder) };
}

/** Lines in, rows out; nothing may be refused. */
function check(text: string, expected: string, precision: InfluxPrecision = 'ns'): void {
  const { recorder, result } = scan(text, precision);
  assert.equal(recorder.text(), expected);
  assert.deepEqual(result.errors, []);
  assert.equal(result.pointCount, recorder.rows.length);
}

/** A line that must be refused for `reason`. */
function refuse(line: string, reason: string): void {
  const { recorder, result } = scan(line);
  assert.equal(recorder.text(), '', line);
  assert.equal(result.errors[0]?.reason, `unable to parse '${line}': ${reason}`);
}

test('fields of every kind become series named measurement_field', () => {
  check(
    'm,b=2,a=1 f=1.5,i=-7i,u=18446744073709551615u,t=T,s="x y" 1000000001',
    [
      '__name__=m_f,a=1,b=2 f64 1.5 @1000000+1ns',
      '__name__=m_i,a=1,b=2 i64 -7 @1000000+1ns',
      '__name__=m_u,a=1,b=2 u64 18446744073709551615 @1000000+1ns',
      '__name__=m_t,a=1,b=2 boolean true @1000000+1ns',
      '__name__=m_s,a=1,b=2 string "x y" @1000000+1ns',
    ].join('\n'),
  );
});

test('the field "value" adds nothing to the name and its split is told', () => {
  const { recorder } = scan('cpu value=1 1000\ncpu,a=b usage=2 1000');
  assert.equal(recorder.text(), '__name__=cpu f64 1 @1\n__name__=cpu_usage,a=b f64 2 @1');
  assert.deepEqual(recorder.splits.get('__name__=cpu'), {
    name: 'cpu',
    measurement: 'cpu',
    field: 'value',
  });
  assert.deepEqual(recorder.splits.get('__name__=cpu_usage,a=b'), {
    name: 'cpu_usage',
    measurement: 'cpu',
    field: 'usage',
  });
});

test('database and retention policy become labels and win over tags', () => {
  const { recorder } = scan('m,db=tag f=1 1000', 'ns', ['db', 'mydb', 'rp', 'week']);
  assert.equal(recorder.text(), '__name__=m_f,db=mydb,rp=week f64 1 @1');
});

test('escapes in measurement, tags, field keys and strings', () => {
  check(
    'my\\ m\\,x=y,t\\ 1=v\\,a\\=b\\ c f\\,\\ \\=k="say \\"hi\\" \\\\ \\n" 0',
    '__name__=my m,x=y_f, =k,t 1=v,a=b c string "say \\"hi\\" \\\\ \\\\n" @0',
  );
  check('a\\b,c=\\d f=1 0', '__name__=a\\b_f,c=\\d f64 1 @0');
  check('wëtter,ort=Köln grad=1 0', '__name__=wëtter_grad,ort=Köln f64 1 @0');
});

test('quoted strings keep line breaks, commas, equals signs and spaces', () => {
  check(
    'm s="a\nb,c=d e",f=2 1000\nm f=3 2000',
    '__name__=m_s string "a\\nb,c=d e" @1\n__name__=m_f f64 2 @1\n__name__=m_f f64 3 @2',
  );
});

test('timestamps of every precision are exact', () => {
  check('m f=1 1700000000123456789', '__name__=m_f f64 1 @1700000000123456+789ns');
  check('m f=1 -1', '__name__=m_f f64 1 @-1+999ns');
  check('m f=1 -1000', '__name__=m_f f64 1 @-1');
  check('m f=1 7', '__name__=m_f f64 1 @0+7ns');
  check('m f=1 1700000000123456', '__name__=m_f f64 1 @1700000000123456', 'us');
  check('m f=1 1700000000123', '__name__=m_f f64 1 @1700000000123000', 'ms');
  check('m f=1 -5', '__name__=m_f f64 1 @-5000000', 's');
  check('m f=1 2', '__name__=m_f f64 1 @120000000', 'm');
  check('m f=1 2', '__name__=m_f f64 1 @7200000000', 'h');
});

test('with auto a timestamp says by its size what it counts', () => {
  const cases: [string, string][] = [
    ['0', '0'],
    ['-1', '-1000000'],
    ['1700000000', '1700000000000000'],
    ['0001700000000', '1700000000000000'],
    ['4999999999', '4999999999000000'],
    ['5000000000', '5000000000000'],
    ['1700000000123', '1700000000123000'],
    ['-1700000000123', '-1700000000123000'],
    ['4999999999999', '4999999999999000'],
    ['5000000000000', '5000000000000'],
    ['1700000000123456', '1700000000123456'],
    ['4999999999999999', '4999999999999999'],
    ['5000000000000000', '5000000000000'],
    ['1700000000123456789', '1700000000123456+789ns'],
    ['-1700000000123456789', '-1700000000123457+211ns'],
  ];
  for (const [given, expected] of cases)
    check(`m f=1 ${given}`, `__name__=m_f f64 1 @${expected}`, 'auto');
  check('m f=1', `__name__=m_f f64 1 @${NOW_US}`, 'auto');
  // Each line for itself.
  check(
    cases.map(([given]) => `m f=1 ${given}`).join('\n'),
    cases.map(([, expected]) => `__name__=m_f f64 1 @${expected}`).join('\n'),
    'auto',
  );
  const { result } = scan('m f=1 9223372036854775808', 'auto');
  assert.match(result.errors[0]!.reason, /time outside range/);
});

test('without a timestamp the default is cut to the precision', () => {
  check('m f=1', `__name__=m_f f64 1 @${NOW_US}`);
  check('m f=1', `__name__=m_f f64 1 @1700000000123000`, 'ms');
  check('m f=1', `__name__=m_f f64 1 @1700000000000000`, 's');
});

test('blank lines, comments, CR LF, extra spaces and a missing last line break', () => {
  check(
    '\n# m f=9\r\n\r\n   m f=1 1000\r\nm,a=b   f=2   2000  \n\t\nm f=3',
    ['__name__=m_f f64 1 @1', '__name__=m_f,a=b f64 2 @2', `__name__=m_f f64 3 @${NOW_US}`].join(
      '\n',
    ),
  );
  check('# only', '');
});

test('numbers: short, long, exponents, limits', () => {
  const cases: [string, string][] = [
    ['0', 'f64 0'],
    ['-0', 'f64 0'],
    ['.5', 'f64 0.5'],
    ['5.', 'f64 5'],
    ['-12.25', 'f64 -12.25'],
    ['123456789', 'f64 123456789'],
    ['1234567890.123', 'f64 1234567890.123'],
    ['0.1234567890123456789', 'f64 0.12345678901234568'],
    ['1e3', 'f64 1000'],
    ['-1.5E-3', 'f64 -0.0015'],
    ['1.7976931348623157e308', 'f64 1.7976931348623157e+308'],
    ['0i', 'i64 0'],
    ['-0i', 'i64 0'],
    ['9223372036854775807i', 'i64 9223372036854775807'],
    ['-9223372036854775808i', 'i64 -9223372036854775808'],
    ['-4294967296i', 'i64 -4294967296'],
    ['12u', 'u64 12'],
  ];
  for (const [token, expected] of cases) check(`m f=${token} 0`, `__name__=m_f ${expected} @0`);
  assert.ok(Object.is(scan('m f=-0 0').recorder.rows[0]!.value, -0));
  for (const token of ['t', 'T', 'true', 'True', 'TRUE'])
    check(`m f=${token} 0`, '__name__=m_f boolean true @0');
  for (const token of ['f', 'F', 'false', 'False', 'FALSE'])
    check(`m f=${token} 0`, '__name__=m_f boolean false @0');
});

test('bad lines are refused with the words of InfluxDB', () => {
  refuse('cpu', 'missing fields');
  refuse('cpu,a=b', 'missing fields');
  refuse('cpu,a', 'missing tag value');
  refuse(',a=b f=1', 'missing measurement');
  refuse('cpu,=b f=1', 'missing tag key');
  refuse('cpu, f=1', 'missing tag key');
  refuse('cpu,a= f=1', 'missing tag value');
  refuse('cpu,a=b=c f=1', 'invalid tag format');
  refuse('cpu,a=1,a=2 f=1', 'duplicate tags');
  // The key is told before the fields, as by InfluxDB.
  refuse('cpu,=b x', 'missing tag key');
  refuse('cpu,a=b\\ f=1 1', 'invalid tag format');
  refuse('cpu,__name__=x f=1', 'tag key __name__ is reserved');
  const tags = Array.from({ length: 257 }, (_, i) => `t${i}=v`).join(',');
  const { result } = scan(`cpu,${tags} f=1`);
  assert.match(result.errors[0]!.reason, /: more than 256 tags$/);
  refuse('cpu f', 'invalid field format');
  refuse('cpu f=1,g', 'invalid field format');
  refuse('cpu =1', 'missing field key');
  refuse('cpu f=', 'missing field value');
  refuse('cpu f=,g=1', 'missing field value');
  refuse('cpu f="abc', 'unbalanced quotes');
  refuse('cpu f=1.1.1', 'invalid number');
  refuse('cpu f=1abci', 'invalid number');
  refuse('cpu f=9223372036854775808i', 'invalid number');
  refuse('cpu f=-1u', 'invalid number');
  refuse('cpu f=18446744073709551616u', 'invalid number');
  refuse('cpu f=1e999', 'invalid float');
  refuse('cpu f=NaN', 'invalid number');
  refuse('cpu f=yes', 'invalid boolean');
  refuse('cpu f=tRue', 'invalid boolean');
  refuse('cpu f=1 baz', 'bad timestamp');
  refuse('cpu f=1 1.5', 'bad timestamp');
  refuse('cpu f=1 -', 'bad timestamp');
  refuse('cpu f=1 1 2', 'point is invalid');
  refuse('cpu f="a"b', 'invalid field format');
});

test('a bad line takes no other line with it and nothing of itself', () => {
  const { recorder, result } = scan(
    'a f=1 0\nbad f=1,g=\\\nb f=x,g=1\nc f=1 0\n\nd f="q" x\ne f=2 0',
  );
  assert.equal(
    recorder.text(),
    '__name__=a_f f64 1 @0\n__name__=c_f f64 1 @0\n__name__=e_f f64 2 @0',
  );
  assert.deepEqual(
    result.errors.map((error) => error.line),
    [2, 3, 6],
  );
  assert.equal(result.rowCount, 6);
  assert.equal(result.errorCount, 3);
});

test('invalid UTF-8 is refused wherever it becomes text', () => {
  for (const parts of [['\x6d\xff f=1'], ['m,a=\xff f=1'], ['m \xff=1'], ['m s="\xff"']]) {
    const { recorder, result } = scan(Buffer.from(parts[0]!, 'latin1'));
    assert.equal(recorder.rows.length, 0);
    assert.match(result.errors[0]!.reason, /invalid UTF-8/);
  }
});

test('a refused series drops its field and says so once a line', () => {
  const recorder = new RowRecorder();
  recorder.refused.add('__name__=m_b');
  const { result } = scan('m a=1,b="x",c="y" 0', 'ns', [], recorder);
  assert.equal(recorder.text(), '__name__=m_a f64 1 @0\n__name__=m_c string "y" @0');
  assert.equal(result.refusedFieldCount, 1);
  assert.equal(influxV1Error(result), 'partial write: refused by the test dropped=1');
  assert.equal(influxV2RefusesBatch(result), false);
  assert.deepEqual(influxV2Error(result), {
    status: 422,
    body: {
      code: 'unprocessable entity',
      message: 'failure writing points to database: partial write: refused by the test dropped=1',
    },
  });
  const body = new TextEncoder().encode('m a=1,b="x",c="y" 0');
  assert.deepEqual(influxV3Error(result, { acceptsPartial: true, body }), {
    status: 422,
    body: {
      error: 'partial write of line protocol occurred',
      data: [
        {
          error_message: 'refused by the test',
          line_number: 1,
          original_line: 'm a=1,b="x",c="y" 0',
        },
      ],
    },
  });
});

test('answers in the shapes of 1.x and 2.x', () => {
  const good = scan('m f=1').result;
  assert.equal(influxV1Error(good), undefined);
  assert.equal(influxV2Error(good), undefined);
  const mixed = scan('m f=1\nx').result;
  assert.equal(
    influxV1Error(mixed),
    "partial write: unable to parse 'x': missing fields dropped=0",
  );
  assert.deepEqual(influxV2Error(mixed), {
    status: 400,
    body: { code: 'invalid', message: "unable to parse 'x': missing fields" },
  });
  assert.ok(influxV2RefusesBatch(mixed));
  assert.equal(influxV1Error(scan('x').result), "unable to parse 'x': missing fields");
});

test('answers in the shape of 3', () => {
  const text = 'm f=1\n\n# x\nm s="a\nb" 1 2\nm f=2\nit\'s\': x\n';
  const body = new TextEncoder().encode(text);
  const { result } = scan(text);
  const first = { error_message: 'point is invalid', line_number: 4, original_line: 'm s="a' };
  const second = {
    error_message: 'invalid field format',
    line_number: 7,
    original_line: "it's': x",
  };
  assert.deepEqual(influxV3Error(result, { acceptsPartial: true, body }), {
    status: 400,
    body: { error: 'partial write of line protocol occurred', data: [first, second] },
  });
  assert.equal(influxV3RefusesBatch(result, { acceptsPartial: true }), false);
  assert.deepEqual(influxV3Error(result, { acceptsPartial: false, body }), {
    status: 400,
    body: { error: 'parsing failed for write_lp endpoint', data: first },
  });
  assert.equal(influxV3RefusesBatch(result, { acceptsPartial: false }), true);
  const good = scan('m f=1').result;
  assert.equal(influxV3Error(good, { acceptsPartial: false, body }), undefined);
  assert.equal(influxV3RefusesBatch(good, { acceptsPartial: false }), false);
});

test('many bad lines are counted, the first are described', () => {
  const text = 'x\n'.repeat(100);
  const { result } = scan(text);
  const body = new TextEncoder().encode(text);
  const { data } = influxV3Error(result, { acceptsPartial: true, body })!.body;
  assert.ok(Array.isArray(data));
  assert.equal(data.length, 33);
  assert.deepEqual(data[31], {
    error_message: 'missing fields',
    line_number: 32,
    original_line: 'x',
  });
  assert.deepEqual(data[32], {
    error_message: '… and 68 more lines',
    line_number: 0,
    original_line: '',
  });
  assert.match(influxV1Error(result)!, /missing fields\n… and 68 more lines$/);
});

test('known rows build nothing', () => {
  const text = 'm,h=a f=1,g=2 1\nm,h=b f=1,g=2 1\n';
  const { recorder } = scan(text.repeat(5));
  assert.equal(recorder.addCount, 4);
  assert.equal(recorder.rows.length, 20);
});

test('a body cut anywhere reads nothing behind its end', () => {
  const text = 'm,a=b\\ c f=1.25,s="x\ny",i=-12i,b=true 1234567890123\nn v=1e5 -77\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const plain = scan(text.slice(0, cut));
    const bytes = new TextEncoder().encode(text);
    const recorder = new RowRecorder();
    const options = { precision: 'ns', defaultTimeUs: NOW_US, mapping: [] } as const;
    const result = scanLineProtocol(bytes, cut, options, recorder, recorder);
    assert.equal(recorder.text(), plain.recorder.text(), `cut at ${cut}`);
    assert.deepEqual(result, plain.result);
  }
});
