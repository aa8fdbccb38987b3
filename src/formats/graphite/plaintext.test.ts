// Graphite lines, line by line: what carbon takes and what it does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { scanPlaintext } from './plaintext.ts';
import type { PlaintextResult } from './plaintext.ts';

const NOW_US = 1_700_000_000_123_456;

function scan(text: string | Uint8Array, recorder = new RowRecorder()) {
  const { body, end } = withCanary(text);
  const options = { defaultTimeUs: NOW_US };
  const result: PlaintextResult = scanPlaintext(body, end, options, recorder, recorder);
  return { recorder, result };
}

/** Lines in, rows out; nothing may be refused. */
function check(text: string, ...expected: string[]): void {
  const { recorder, result } = scan(text);
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text(), expected.map((row) => `__name__=${row}`).join('\n'), text);
  assert.equal(result.pointCount, expected.length);
}

/** A line that must be refused for `reason`, alone. */
function refuse(line: string, reason: string): void {
  const { recorder, result } = scan(`before 1 5\n${line}\nafter 2 5\n`);
  assert.equal(result.errors[0]?.reason, `unable to parse '${line}': ${reason}`);
  assert.equal(result.errors[0].line, 2);
  assert.deepEqual([result.rowCount, result.pointCount, result.errorCount], [3, 2, 1]);
  assert.equal(recorder.text(), '__name__=before f64 1 @5000000\n__name__=after f64 2 @5000000');
}

test('a path is a name, dots and all', () => {
  check('servers.web01.cpu 12.5 1700000000\n', 'servers.web01.cpu f64 12.5 @1700000000000000');
  check('a..b. 1 5', 'a..b. f64 1 @5000000');
  check('größe.µ 1 5', 'größe.µ f64 1 @5000000');
  check('123 455', '123 f64 455 @1700000000123456');
});

test('tags are labels, in both forms', () => {
  check('cpu.user;host=web01;dc=ams 1 5', 'cpu.user,dc=ams,host=web01 f64 1 @5000000');
  check('cpu;host=a=b 1 5', 'cpu,host=a=b f64 1 @5000000');
  check('cpu;host=a;host=b 1 5', 'cpu,host=b f64 1 @5000000');
  check('cpu{host="web01",x="a\\"\\\\b"} 1 5', 'cpu,host=web01,x=a"\\b f64 1 @5000000');
  check('cpu{1} 1 5', 'cpu{1} f64 1 @5000000');
  const { recorder } = scan('cpu;b=1;a=2 1 5\ncpu;a=2;b=1 2 6\n');
  assert.equal(new Set(recorder.rows.map((row) => row.series)).size, 1);
});

test('tags that carbon refuses are refused, and a tag without an equals sign does no harm', () => {
  refuse('cpu;host 1 5', "tag 'host' has no equals sign");
  refuse('cpu; 1 5', "tag '' has no equals sign");
  refuse('cpu;=x 1 5', 'a tag has no name');
  refuse('cpu;host= 1 5', "tag 'host' has no value");
  refuse('cpu;a!b=x 1 5', "tag 'a!b' has one of ; ! ^ = in its name");
  refuse('cpu;a=~x 1 5', "the value of tag 'a' starts with ~");
  refuse(';a=x 1 5', 'the path has no name');
  refuse('cpu;__name__=x 1 5', 'tag __name__ is reserved');
  refuse('cpu{a=b,c="d"} 1 5', 'malformed tags at \'a=b,c="d"\'');
  const { result } = scan(`cpu${';a=b'.repeat(257)} 1 5`);
  assert.match(result.errors[0]!.reason, /: more than 256 tags$/);
});

test('what stands in front of @. is not part of the name', () => {
  check('secret@.a.b 1 5', 'a.b f64 1 @5000000');
  check('@.a 1 5', '@.a f64 1 @5000000');
});

test('values are what carbon takes: every digit, exponents, infinities', () => {
  check('a 0.1234567890123456789 5', 'a f64 0.12345678901234568 @5000000');
  check('a 1e-9 5', 'a f64 1e-9 @5000000');
  check('a +5 5', 'a f64 5 @5000000');
  check('a -1.5E3 5', 'a f64 -1500 @5000000');
  check('a .5 5', 'a f64 0.5 @5000000');
  check('a 7. 5', 'a f64 7 @5000000');
  check('a 9007199254740993 5', 'a f64 9007199254740992 @5000000');
  check('a inf 5', 'a f64 Infinity @5000000');
  check('a -Infinity 5', 'a f64 -Infinity @5000000');
  check('a +INF 5', 'a f64 Infinity @5000000');
  check('a 1e400 5', 'a f64 Infinity @5000000');
  assert.ok(Object.is(scan('a -0 5').recorder.rows[0]!.value, -0));
  for (const value of ['x', '1x', '0x10', '1,5', 'true', 'infinite', '1_000', '-', '.', 'n', '--1'])
    refuse(`a ${value} 5`, 'the value is not a number');
});

test('NaN is understood, counted and stores nothing', () => {
  for (const word of ['nan', 'NaN', 'NAN', '-nan', '+nan']) {
    const { recorder, result } = scan(`a ${word} 5\r\nb 1 5\r\n`);
    assert.deepEqual([result.rowCount, result.pointCount, result.nanCount], [2, 1, 1]);
    assert.equal(result.errorCount, 0);
    assert.equal(recorder.text(), '__name__=b f64 1 @5000000');
  }
});

test('times are seconds: fractions, negatives, exponents; -1 is now', () => {
  check('a 1 1700000000.25', 'a f64 1 @1700000000250000');
  check('a 1 4294.9431239', 'a f64 1 @4294943123');
  check('a 1 5.', 'a f64 1 @5000000');
  check('a 1 .5', 'a f64 1 @500000');
  check('a 1 0', 'a f64 1 @0');
  check('a 1 -5', 'a f64 1 @-5000000');
  check('a 1 -2.5', 'a f64 1 @-2500000');
  check('a 1 1.7e9', 'a f64 1 @1700000000000000');
  check('a 1 +7', 'a f64 1 @7000000');
  for (const now of ['-1', '-1.0', '-1.9', '-1e0']) check(`a 1 ${now}`, `a f64 1 @${NOW_US}`);
  check('a 1', `a f64 1 @${NOW_US}`);
  check('a 1 \r\n', `a f64 1 @${NOW_US}`);
  for (const bad of ['x', 'nan', 'inf', '1700000000000', '1e300', '5x', '-', '.', '1.5.5'])
    refuse(`a 1 ${bad}`, 'the time is not seconds within the years 1684 to 2255');
});

test('blank lines, CR LF, tabs, runs of blanks, a missing last line break', () => {
  check(
    '\n\r\n  \n\t a\t 1 \t5\r\n  b   2   6  \n\n\nc 3 7',
    'a f64 1 @5000000',
    'b f64 2 @6000000',
    'c f64 3 @7000000',
  );
  check('');
  check('\r');
});

test('bad lines take no other line with them', () => {
  refuse('a', 'expected a path, a value and a time');
  refuse('a ', 'expected a path, a value and a time');
  refuse('a 1 5 6', 'unexpected text behind path, value and time');
  refuse('a\rb 1 5', 'expected a path, a value and a time');
  const { recorder, result } = scan(Buffer.from('a 1 5\nb\xff 1 5\nc 1 5\n', 'latin1'));
  assert.match(result.errors[0]!.reason, /: invalid UTF-8 in the path$/);
  assert.equal(recorder.rows.length, 2);
});

test('a series that a limit refuses is told with its reason, others are kept', () => {
  const recorder = new RowRecorder();
  recorder.refused.add('__name__=b');
  const { result } = scan('a 1 5\nb 1 5\nb 2 6\nc 1 5\n', recorder);
  assert.deepEqual([result.pointCount, result.errorCount], [2, 2]);
  assert.match(result.errors[1]!.reason, /^unable to parse 'b 2 6': refused by the test$/);
});

test('all refused lines are counted, some are described', () => {
  const { result } = scan('bad\n'.repeat(100));
  assert.deepEqual([result.rowCount, result.errorCount, result.errors.length], [100, 100, 32]);
});
