// Long work beside writes: short slices, rests in proportion, one more where the thread is late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { PACE_BUSY_MS, PACE_REST_MAX_MS, PACE_SLICE_MS } from './limits.ts';
import { Pacer } from './pacer.ts';

/** A thread in which each rest ends `lateMs` after its time. */
function setup({ share, lateMs = 0 }: { share: number; lateMs?: number }) {
  let nowMs = 1000;
  const rests: number[] = [];
  const clock = { monotonicMs: () => nowMs } as Clock;
  const scheduler = {
    sleep: async (restMs: number) => {
      rests.push(restMs);
      nowMs += restMs + lateMs;
    },
    yieldTurn: async () => {
      rests.push(0);
    },
  } as unknown as Scheduler;
  const pacer = new Pacer(clock, scheduler, () => share);
  const work = async (ms: number): Promise<void> => {
    nowMs += ms;
    await pacer.pause();
  };
  return { pacer, work, rests, advance: (ms: number) => void (nowMs += ms) };
}

test('a slice that is not used up goes on, one that is rests in proportion', async () => {
  const { pacer, work, rests } = setup({ share: 0.25 });
  pacer.noteWrite();
  await pacer.yieldTurn();
  rests.length = 0;
  await work(PACE_SLICE_MS / 2);
  assert.deepEqual(rests, []);
  await work(PACE_SLICE_MS / 2);
  assert.deepEqual(rests, [PACE_SLICE_MS * 3]);
});

test('without writes only the loop turns', async () => {
  const { pacer, work, rests, advance } = setup({ share: 0.25 });
  pacer.noteWrite();
  advance(PACE_BUSY_MS);
  await work(PACE_SLICE_MS);
  assert.deepEqual(rests, [0]);
});

test('woken late it rests as long again, within a bound', async () => {
  for (const [lateMs, again] of [
    [1, undefined],
    [8, 8],
    [500, PACE_REST_MAX_MS],
  ] as const) {
    const { pacer, rests } = setup({ share: 0.5, lateMs });
    pacer.noteWrite();
    await pacer.yieldTurn();
    assert.deepEqual(rests.slice(1), again === undefined ? [] : [again]);
  }
});

test('what is stopped ends at its next pause', () => {
  const { pacer } = setup({ share: 1 });
  pacer.stop();
  assert.throws(() => pacer.pause(), { code: 'closed' });
});
