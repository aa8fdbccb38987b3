// Refused lines are kept by tenant, the newest first, and bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFUSED_LINES_MAX, REFUSED_TENANTS_MAX } from './limits.ts';
import { RefusedLines } from './refused-lines.ts';

const from = { protocol: 'p', peer: 'q' };

test('the last lines of a tenant, the newest first, and the count of all', () => {
  let nowMs = 0;
  const refused = new RefusedLines({ nowMs: () => nowMs, monotonicMs: () => nowMs });
  for (nowMs = 1; nowMs <= 200; nowMs++)
    refused.add('a', from, { count: 5, reasons: [`first ${nowMs}`, `second ${nowMs}`] });
  refused.add('b', from, { count: 1, reasons: [] });
  const { count, lines } = refused.of('a');
  assert.equal(count, 1000);
  assert.equal(lines.length, REFUSED_LINES_MAX);
  assert.deepEqual(lines[0], { timeMs: 200, ...from, reason: 'second 200' });
  assert.equal(lines.at(-1)!.reason, `first ${200 - REFUSED_LINES_MAX / 2 + 1}`);
  assert.deepEqual(refused.of('b'), { count: 1, lines: [] });
  assert.deepEqual(refused.of('c'), { count: 0, lines: [] });
});

test('tenants beyond the bound forget the one that was quiet longest', () => {
  const refused = new RefusedLines({ nowMs: () => 1, monotonicMs: () => 1 });
  const one = { count: 1, reasons: ['x'] };
  for (let i = 0; i < REFUSED_TENANTS_MAX; i++) refused.add(`t${i}`, from, one);
  refused.add('t0', from, one);
  refused.add('new', from, one);
  assert.deepEqual(
    [refused.of('t0').count, refused.of('t1').count, refused.of('new').count],
    [2, 0, 1],
  );
});
