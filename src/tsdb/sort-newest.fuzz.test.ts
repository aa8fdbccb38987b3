// Samples sorted in place are those that a map of times would have kept, however late they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sortNewest } from './sort-newest.ts';

const BASE_US = 1.76e15;

interface Arrivals {
  readonly count: number;
  readonly reach: number;
  readonly seed: readonly number[];
}

const arrivals = fc.record({
  count: fc.integer({ min: 1, max: 400 }),
  // In order, a little late, much too late for moves; many equal times.
  reach: fc.constantFrom(0, 1, 5, 40, 1000),
  seed: fc.array(fc.nat(1000), { minLength: 7, maxLength: 60 }),
});

function timesOf({ count, reach, seed }: Arrivals): number[] {
  const late = (i: number): number => (reach === 0 ? 0 : seed[i % seed.length]! % (reach + 1));
  return Array.from({ length: count }, (_, i) => BASE_US + (i - late(i)) * 1000);
}

test('of equal times the last one stays, and all others in order', () => {
  const check = (one: Arrivals): void => {
    const times = timesOf(one);
    const count = times.length;
    const tUs = Float64Array.of(...times, 1, 2);
    const words = new Int32Array(2 * count + 4).map((_, i) => i);
    const wanted = [...new Map(times.map((time, i) => [time, i]))].toSorted(([a], [b]) => a - b);
    const kept = sortNewest(tUs, words, count);
    assert.equal(kept, wanted.length);
    assert.deepEqual(
      Array.from({ length: kept }, (_, i) => [tUs[i], words[2 * i], words[2 * i + 1]]),
      wanted.map(([time, i]) => [time, 2 * i, 2 * i + 1]),
    );
    // Nothing behind the samples was touched.
    assert.deepEqual([...tUs.subarray(count)], [1, 2]);
    assert.equal(words[2 * count], 2 * count);
  };
  fc.assert(fc.property(arrivals, check), { numRuns: 500 });
});

const senders = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  turns: fc.array(fc.tuple(fc.nat(19), fc.integer({ min: 0, max: 3 })), {
    minLength: 1,
    maxLength: 300,
  }),
});

test('samples of senders that are each in order are merged, equal times among them', () => {
  const check = ({ count, turns }: { count: number; turns: [number, number][] }): void => {
    const clocks = Array.from({ length: count }, () => 0);
    const times = turns.map(([turn, step]) => {
      const sender = turn % count;
      clocks[sender]! += step;
      return BASE_US + clocks[sender]! * 1000;
    });
    const wanted = [...new Map(times.map((time, i) => [time, i]))].toSorted(([a], [b]) => a - b);
    const tUs = Float64Array.from(times);
    const words = new Int32Array(2 * times.length).map((_, i) => i);
    const kept = sortNewest(tUs, words, times.length);
    assert.deepEqual(
      Array.from({ length: kept }, (_, i) => [tUs[i], words[2 * i], words[2 * i + 1]]),
      wanted.map(([time, i]) => [time, 2 * i, 2 * i + 1]),
    );
  };
  fc.assert(fc.property(senders, check), { numRuns: 1000 });
});

test('times from last to first are sorted too', () => {
  const count = 8192;
  const tUs = Float64Array.from({ length: count }, (_, i) => BASE_US - i);
  const words = new Int32Array(2 * count).map((_, i) => i);
  assert.equal(sortNewest(tUs, words, count), count);
  for (let i = 0; i < count; i++) {
    assert.equal(tUs[i], BASE_US - count + 1 + i);
    assert.equal(words[2 * i], 2 * (count - 1 - i));
  }
});
