// Answers to nobody come at once until there are too many, then at a rate, and after a while at
// once again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFUSAL_BURST_MS, REFUSAL_WAIT_MS_MAX, REFUSALS_PER_SECOND } from './limits.ts';
import { RefusalPace } from './refusal-pace.ts';

const BURST = (REFUSAL_BURST_MS / 1000) * REFUSALS_PER_SECOND;

test('so many are answered at once, the others at a rate', () => {
  const pace = new RefusalPace();
  for (let i = 0; i < BURST; i++) assert.equal(pace.waitMs(1000), 0, `${i}`);
  for (let i = 1; i <= 10; i++) {
    const waitMs = pace.waitMs(1000);
    assert.ok(Math.abs(waitMs - (i * 1000) / REFUSALS_PER_SECOND) < 1e-6, `${i}: ${waitMs}`);
  }
});

test('in a flood that waits for its answers no more come than the rate', () => {
  const pace = new RefusalPace();
  // 32 connections, each sends when it was answered.
  const freeMs = Array.from({ length: 32 }, () => 0);
  let answered = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs++)
    for (const [lane, untilMs] of freeMs.entries())
      if (untilMs <= nowMs) {
        freeMs[lane] = nowMs + pace.waitMs(nowMs);
        answered++;
      }
  const most = BURST + 10 * REFUSALS_PER_SECOND + 32;
  assert.ok(answered <= most && answered > most * 0.8, `${answered} of ${most}`);
});

test('no one waits longer than the bound, and nobody after a pause', () => {
  const pace = new RefusalPace();
  let most = 0;
  for (let i = 0; i < 100_000; i++) most = Math.max(most, pace.waitMs(0));
  assert.equal(most, REFUSAL_WAIT_MS_MAX);
  assert.equal(pace.waitMs(REFUSAL_WAIT_MS_MAX + 2 * REFUSAL_BURST_MS), 0);
});
