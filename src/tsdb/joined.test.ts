// Joined times are the same array for the same arrays alone; room is lent again once it ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinedTimes, Room } from './joined.ts';
import { JOINED_TIMES_BYTES_MAX, JOINED_TIMES_BYTES_MIN, ROOM_BYTES_MAX } from './limits.ts';

const COUNT = JOINED_TIMES_BYTES_MIN / 8;

function times(count: number, from: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => from + i);
}

test('the same arrays are joined once', () => {
  const [a, b] = [times(COUNT, 0), times(COUNT, COUNT)];
  const joined = joinedTimes([a, b]);
  assert.deepEqual(joined, times(2 * COUNT, 0));
  assert.equal(joinedTimes([a, b]), joined);
  // Views of the same memory are the same times.
  assert.equal(joinedTimes([a.subarray(0), b.subarray(0)]), joined);
});

test('other arrays, another order, other stretches of them are something else', () => {
  const [a, b] = [times(COUNT, 0), times(COUNT, 7)];
  const joined = joinedTimes([a, b]);
  for (const others of [
    [b, a],
    [a, b, b],
    [a.subarray(1), b],
    [a.slice(), b],
  ]) {
    const other = joinedTimes(others);
    assert.notEqual(other, joined);
    assert.deepEqual(
      [...other],
      others.flatMap((one) => [...one]),
    );
  }
});

test('what is small is not kept, and what is kept is bounded', () => {
  const small = [times(4, 0), times(4, 4)];
  assert.notEqual(joinedTimes(small), joinedTimes(small));
  const first = [times(COUNT, 0), times(COUNT, 1)];
  const joined = joinedTimes(first);
  for (let i = 0; i < JOINED_TIMES_BYTES_MAX / (COUNT * 16); i++)
    joinedTimes([times(COUNT, i), times(COUNT, i)]);
  assert.notEqual(joinedTimes(first), joined);
});

test('room that ended is given to the next, never to two at once', () => {
  const first = new Room();
  const values = first.of(1000);
  const second = new Room();
  assert.notEqual(second.of(1000), values);
  assert.equal(first.of(500), values);
  first.end();
  const third = new Room();
  assert.equal(third.of(900), values);
  assert.throws(() => first.of(1));
  assert.throws(() => first.end());
  second.end();
  third.end();
});

test('room that is too large is not kept', () => {
  const large = new Room();
  const values = large.of(ROOM_BYTES_MAX / 8 + 1);
  large.end();
  const next = new Room();
  assert.notEqual(next.of(ROOM_BYTES_MAX / 8 + 1), values);
  next.end();
});
