// Duration text both ways, and the value of duration expressions at query time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DurationError,
  formatDurationMs,
  parseDurationMs,
  resolveDurationUs,
} from './durations.ts';
import { parseExpr } from './parser.ts';

const CONTEXT = { stepMs: 15_000, rangeMs: 3_600_000 };

function resolveRange(range: string): number {
  const expr = parseExpr(`foo[${range}]`);
  assert.ok(expr.type === 'MatrixSelector');
  return resolveDurationUs(expr.range, CONTEXT, { allowNegative: false });
}

describe('durations', () => {
  test('text and milliseconds', () => {
    const cases = [
      ['0s', 0],
      ['1ms', 1],
      ['1m30s', 90_000],
      ['1h30m', 5_400_000],
      ['90d', 90 * 86_400_000],
      ['2w', 14 * 86_400_000],
      ['2y', 730 * 86_400_000],
      // A unit above the day only where it fits exactly.
      ['367d', 367 * 86_400_000],
    ] as const;
    for (const [text, ms] of cases) {
      assert.equal(parseDurationMs(text), ms);
      assert.equal(formatDurationMs(ms), text);
    }
    assert.equal(parseDurationMs('0'), 0);
    assert.equal(parseDurationMs('90m'), 5_400_000);
    for (const bad of ['', '5', '5m1h', '1h1h', '5x', 'm', '-5m', '1.5h', '1e3s', '300y', '5 m'])
      assert.throws(() => parseDurationMs(bad), DurationError, bad);
  });

  test('expressions at query time', () => {
    assert.equal(resolveRange('5m'), 300e6);
    assert.equal(resolveRange('0.0005'), 500);
    assert.equal(resolveRange('step()*2'), 30e6);
    assert.equal(resolveRange('max_of(range(), 2h)'), 7200e6);
    assert.equal(resolveRange('min_of(range(), 2h) % 7s'), 2e6);
    assert.equal(resolveRange('10s/(3)'), 3333e3);
    assert.equal(resolveRange('-(10s-5s)+2^3'), 3e6);
    for (const [range, reason] of [
      ['step()-1m', /must be greater than 0/],
      ['1s/(0s)', /division by zero/],
      ['1s%(0s)', /modulo by zero/],
      ['10^20', /out of range/],
      ['(-1)^0.5', /NaN or infinite/],
    ] as const)
      assert.throws(() => resolveRange(range), reason);
  });

  test('an offset may be negative', () => {
    const expr = parseExpr('foo offset -(step()*2)');
    assert.ok(expr.type === 'VectorSelector' && expr.offset !== undefined);
    assert.equal(resolveDurationUs(expr.offset, CONTEXT, { allowNegative: true }), -30e6);
  });
});
