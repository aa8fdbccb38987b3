// Refused lines are kept by tenant, the newest first, counted by reason, and bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFUSED_LINES_MAX, REFUSED_TENANTS_MAX } from './limits.ts';
import { refusedByReason } from './refusal-reasons.ts';
import { RefusedLines } from './refused-lines.ts';

const from = { protocol: 'p', peer: 'q' };

function row(reason: string) {
  return { line: 7, column: 3, reason };
}

test('the last lines of a tenant, the newest first, and the count of all', () => {
  let nowMs = 0;
  const refused = new RefusedLines({ nowMs: () => nowMs, monotonicMs: () => nowMs });
  for (nowMs = 1; nowMs <= 200; nowMs++)
    refused.add({
      ...from,
      tenant: 'a',
      counts: [
        ['malformed', 4],
        ['label-limits', 1],
      ],
      rows: [row(`first ${nowMs}`), row(`second ${nowMs}`)],
    });
  refused.add({ ...from, tenant: 'b', counts: [['malformed', 1]], rows: [] });
  const { count, counts, lines } = refused.of('a');
  assert.equal(count, 1000);
  assert.deepEqual(counts, [
    { protocol: 'p', reason: 'malformed', count: 800 },
    { protocol: 'p', reason: 'label-limits', count: 200 },
  ]);
  assert.equal(lines.length, REFUSED_LINES_MAX);
  assert.deepEqual(lines[0], { timeMs: 200, ...from, ...row('second 200') });
  assert.equal(lines.at(-1)!.reason, `first ${200 - REFUSED_LINES_MAX / 2 + 1}`);
  assert.equal(refused.of('b').count, 1);
  assert.deepEqual(refused.of('c'), { count: 0, counts: [], lines: [] });
});

test('tenants beyond the bound forget the one that was quiet longest', () => {
  const refused = new RefusedLines({ nowMs: () => 1, monotonicMs: () => 1 });
  const add = (tenant: string) =>
    refused.add({ ...from, tenant, counts: [['malformed', 1]], rows: [row('x')] });
  for (let i = 0; i < REFUSED_TENANTS_MAX; i++) add(`t${i}`);
  add('t0');
  add('new');
  assert.deepEqual(
    [refused.of('t0').count, refused.of('t1').count, refused.of('new').count],
    [2, 0, 1],
  );
});

test("what nobody else counted is the parser's; the sum is the count of errors", () => {
  const result = { rowCount: 10, pointCount: 3, errorCount: 7, errors: [] };
  const counts = (known: [Parameters<typeof refusedByReason>[1]][0]) =>
    Object.fromEntries(refusedByReason(result, known));
  assert.deepEqual(counts(new Map()), { malformed: 7 });
  assert.deepEqual(counts(new Map([['time-range', 2] as const, ['label-limits', 1] as const])), {
    'time-range': 2,
    'label-limits': 1,
    malformed: 4,
  });
  assert.deepEqual(counts(new Map([['label-limits', 9] as const])), { 'label-limits': 7 });
});
