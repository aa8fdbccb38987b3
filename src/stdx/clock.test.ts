// A clock that stands still within a turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turnClock } from './clock.ts';

test('The wall clock is read once until the code that runs has returned', async () => {
  let nowMs = 0;
  let lookCount = 0;
  const clock = turnClock({
    nowMs() {
      lookCount++;
      return nowMs;
    },
    monotonicMs: () => nowMs,
  });
  for (nowMs = 10; nowMs < 20; nowMs++) assert.equal(clock.nowMs(), 10);
  assert.equal(lookCount, 1);
  assert.equal(clock.monotonicMs(), 20);
  await Promise.resolve();
  assert.equal(clock.nowMs(), 20);
  assert.equal(lookCount, 2);
});
