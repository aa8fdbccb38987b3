// How much of the thread a flush takes, by how far it is and how near the next one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlushPace } from './flush-pace.ts';
import { FLUSH_END_FILL, FLUSH_SHARE_MIN } from './limits.ts';

test('little where it is ahead, more where it falls behind, all where the next one is due', () => {
  const pace = new FlushPace();
  pace.begin(1000);
  assert.equal(pace.share(0), FLUSH_SHARE_MIN);
  const early = pace.share(0.1);
  assert.ok(early > FLUSH_SHARE_MIN && early < 1);
  assert.ok(pace.share(0.3) > early);
  assert.equal(pace.share(1), 1);
  pace.wrote(500);
  assert.equal(pace.share(FLUSH_END_FILL / 2), FLUSH_SHARE_MIN);
  pace.wrote(500);
  // What follows the samples, such as the index, must end as well.
  assert.equal(pace.share(FLUSH_END_FILL), FLUSH_SHARE_MIN);
  assert.ok(pace.share(0.9) > FLUSH_SHARE_MIN);
  assert.equal(pace.share(1.5), 1);
});

test('a flush ends before the next is due, as long as the thread can do that at all', () => {
  for (const needed of [0.05, 0.2, 0.4, 0.7]) {
    const pace = new FlushPace();
    pace.begin(1000);
    let fill = 0;
    let written = 0;
    let most = 0;
    // In steps of a thousandth of the time to the next one, a flush that needs so much of it.
    for (; written < 1000; fill += 0.001) {
      const share = pace.share(fill);
      most = Math.max(most, share);
      pace.wrote(share / needed);
      written += share / needed;
    }
    assert.ok(fill < 1, `needs ${needed}, ended at ${fill}`);
    assert.ok(needed > 0.1 || most === FLUSH_SHARE_MIN, `needs ${needed}, took ${most}`);
  }
});

test('one without samples takes little', () => {
  const pace = new FlushPace();
  pace.begin(0);
  assert.equal(pace.share(0), FLUSH_SHARE_MIN);
});
