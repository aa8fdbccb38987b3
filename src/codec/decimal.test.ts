// Number text against what JavaScript itself reads, at every edge of the exact fast paths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseDecimal, parseInt64, parseSafeInteger, parseUint64 } from './decimal.ts';
import { formatGoFloat, formatOpenMetricsFloat } from './go-float.ts';

const encoder = new TextEncoder();

function decimal(text: string): number {
  const bytes = encoder.encode(`7${text}7`);
  return parseDecimal(bytes, 1, bytes.length - 1);
}

function signed(text: string): bigint | undefined {
  const out = new Int32Array(2);
  const bytes = encoder.encode(text);
  return parseInt64(bytes, 0, bytes.length, out) ? new BigInt64Array(out.buffer)[0] : undefined;
}

function unsigned(text: string): bigint | undefined {
  const out = new Int32Array(2);
  const bytes = encoder.encode(text);
  return parseUint64(bytes, 0, bytes.length, out) ? new BigUint64Array(out.buffer)[0] : undefined;
}

test('decimals equal what JavaScript reads', () => {
  const texts = [
    '0',
    '-0',
    '1',
    '007',
    '1.5',
    '.5',
    '5.',
    '123456789012345',
    '1234567890123456',
    '12345678901234567890123',
    '0.1',
    '0.30000000000000004',
    '1e22',
    '1e23',
    '1e-22',
    '4.9e-324',
    '1.7976931348623157e308',
    '0.000000000000000000000000000001',
    '1e400',
    '-1e400',
    '1e-400',
    '00000000000000000000001.25e-1',
    '9007199254740993',
    '2.2250738585072014e-308',
    '+3',
  ];
  for (const text of texts) assert.ok(Object.is(decimal(text), Number(text)), text);
});

test('what is no decimal is NaN', () => {
  for (const text of [
    '',
    '-',
    '+',
    '.',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    '1_0',
    '0x1',
    '1 ',
    'NaN',
    '--1',
  ])
    assert.ok(Number.isNaN(decimal(text)), text);
});

test('any double survives printing and parsing', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      // JavaScript prints no sign of minus zero.
      const sign = Object.is(value, -0) ? '-' : '';
      assert.ok(Object.is(decimal(`${sign}${value}`), value));
      assert.ok(Object.is(decimal(`${sign}${value.toExponential()}`), value));
    }),
  );
});

test('64-bit integers are exact to their limits', () => {
  assert.equal(signed('9223372036854775808'), undefined);
  assert.equal(signed('-9223372036854775809'), undefined);
  assert.equal(unsigned('18446744073709551616'), undefined);
  assert.equal(unsigned('99999999999999999999'), undefined);
  for (const text of ['', '-', '1x', '1.0', '+1']) assert.equal(signed(text), undefined, text);
  assert.equal(signed('-000000000000000000000000000000012'), -12n);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(signed(String(value)), value);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      assert.equal(unsigned(String(value)), value);
    }),
  );
});

test('safe integers end at 2^53 - 1', () => {
  const parse = (text: string): number => {
    const bytes = encoder.encode(text);
    return parseSafeInteger(bytes, 0, bytes.length);
  };
  assert.equal(parse('9007199254740991'), 9_007_199_254_740_991);
  assert.equal(parse('-9007199254740991'), -9_007_199_254_740_991);
  assert.ok(Object.is(parse('-0'), 0));
  for (const text of ['9007199254740992', '9'.repeat(40), '', '-', '1a'])
    assert.ok(Number.isNaN(parse(text)), text);
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => assert.equal(parse(String(value)), value)));
});

test('floats in labels look as Go prints them', () => {
  const cases: [number, string][] = [
    [1, '1.0'],
    [0, '0.0'],
    [-1, '-1.0'],
    [100_000, '100000.0'],
    [1e6, '1e+06'],
    [1e21, '1e+21'],
    [0.25, '0.25'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [123456.5, '123456.5'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [Number.NaN, 'NaN'],
    [1234567.5, '1.2345675e+06'],
  ];
  for (const [value, text] of cases) assert.equal(formatOpenMetricsFloat(value), text);
  assert.equal(formatGoFloat(3), '3');
  assert.equal(formatGoFloat(-0), '-0');
});

test('long decimals round as JavaScript rounds, halfway cases and their neighbours too', () => {
  const digits = fc.stringMatching(/^[0-9]{1,19}$/);
  const written = fc
    .tuple(digits, fc.nat({ max: 19 }), fc.constantFrom('', 'e-3', 'e-9', 'e4', 'e-22'))
    .map(([text, point, exponent]) => {
      const at = Math.min(point, text.length);
      return `${text.slice(0, at)}.${text.slice(at)}${exponent}`;
    });
  const halfway = fc
    .tuple(
      fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: -1, max: 1 }),
    )
    .map(([mantissa, shift, step]) =>
      String(((2n * mantissa + 1n) << BigInt(shift)) + BigInt(step)),
    );
  const printed = fc
    .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 15, max: 18 }))
    .map(([value, precision]) => value.toPrecision(precision));
  fc.assert(
    fc.property(fc.oneof(written, halfway, printed), (text) => {
      assert.ok(Object.is(decimal(text), Number(text)), text);
    }),
    { numRuns: 3000 },
  );
});
