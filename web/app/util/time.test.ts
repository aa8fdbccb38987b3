/** Typed times, ranges and steps. Zone-dependent cases compare with the host's own zone rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  describeRange,
  formatDurationSec,
  formatTick,
  formatTime,
  isRelative,
  parseRange,
  parseTime,
  pickStepSec,
  toIso,
  tryParseDurationMs,
  tryResolve,
} from './time.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

test('relative times keep their text and move with now', () => {
  assert.deepEqual(parseTime(' NOW-6h ', 'utc'), {
    kind: 'relative',
    offsetMs: -6 * 3_600_000,
    text: 'now-6h',
  });
  assert.deepEqual(parseTime('now', 'local'), { kind: 'relative', offsetMs: 0, text: 'now' });
  assert.equal(tryParseDurationMs('1h30m'), 5_400_000);
  assert.equal(tryParseDurationMs('500ms'), 500);
  assert.equal(tryParseDurationMs('6 h'), undefined);
  assert.equal(parseTime('now-6parsecs', 'utc').kind, 'invalid');
});

test('absolute times are read in the displayed zone and kept in UTC', () => {
  assert.deepEqual(parseTime('2009-05-02 00:56', 'utc'), {
    kind: 'absolute',
    ms: Date.UTC(2009, 4, 2, 0, 56),
    text: '2009-05-02T00:56:00Z',
  });
  const local = parseTime('2009-05-02 00:56', 'local');
  assert.equal(local.kind === 'absolute' && local.ms, new Date(2009, 4, 2, 0, 56).getTime());
  const explicit = parseTime('2009-05-02T00:56:07.25Z', 'local');
  assert.equal(explicit.kind === 'absolute' && explicit.text, '2009-05-02T00:56:07.250Z');
  assert.equal(toIso(1.5e12), '2017-07-14T02:40:00Z');
});

test('epochs are seconds or milliseconds', () => {
  const want = 1_700_000_000_000;
  for (const text of ['1700000000', '1700000000000']) {
    const parsed = parseTime(text, 'utc');
    assert.equal(parsed.kind === 'absolute' && parsed.ms, want);
  }
});

test('dates that are not on the calendar are refused', () => {
  for (const text of ['2026-06-31', '2026-02-29 10:00', '2026-01-01 24:00', 'yesterday', '']) {
    assert.equal(parseTime(text, 'utc').kind, 'invalid', text);
  }
});

test('ranges resolve, an empty end means now, and a reversed range says so', () => {
  assert.deepEqual(tryResolve({ from: 'now-1h', to: 'now' }, NOW), {
    startMs: NOW - 3_600_000,
    endMs: NOW,
  });
  assert.deepEqual(parseRange({ from: 'now-6h', to: '' }, 'utc', NOW), {
    range: { from: 'now-6h', to: 'now' },
  });
  const reversed = parseRange({ from: 'now', to: 'now-1h' }, 'utc', NOW);
  assert.match('error' in reversed ? reversed.error : '', /ends before it starts/);
  assert.equal(isRelative({ from: '2009-05-02T00:56:00Z', to: '2009-05-03T00:00:00Z' }), false);
});

test('times and ticks print compactly', () => {
  assert.equal(formatTime(Date.UTC(2009, 4, 2, 0, 56), 'utc'), '2009-05-02 00:56');
  assert.equal(formatTime(Date.UTC(2009, 4, 2, 0, 56, 7, 5), 'utc'), '2009-05-02 00:56:07.005');
  const noon = Date.UTC(2009, 4, 2, 12, 0);
  assert.equal(formatTick(noon, 300, 'utc'), '12:00');
  assert.equal(formatTick(noon, 5, 'utc'), '12:00:00');
  assert.equal(formatTick(Date.UTC(2009, 4, 2), 3600, 'utc'), '05-02');
  assert.equal(formatTick(noon, 90 * 86_400, 'utc'), '2009-05');
  assert.equal(describeRange({ from: 'now-6h', to: 'now' }, 'utc'), 'Last 6 hours');
  assert.equal(
    describeRange({ from: '2009-05-02T00:56:00Z', to: 'now' }, 'utc'),
    '2009-05-02 00:56 – now',
  );
});

test('a step never gives more points than pixels', () => {
  for (const rangeSec of [1, 60, 300, 3600, 86_400, 40 * 30 * 86_400]) {
    for (const pixels of [200, 640, 1200]) {
      assert.ok(rangeSec / pickStepSec(rangeSec, pixels) <= pixels, `${rangeSec} ${pixels}`);
    }
  }
  assert.equal(pickStepSec(3600, 720), 5);
  assert.equal(formatDurationSec(90), '90s');
  assert.equal(formatDurationSec(7200), '2h');
  assert.equal(formatDurationSec(0.5), '500ms');
});
