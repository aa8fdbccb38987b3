// Series numbers of another process: unknown ones are told from known ones, and of two lives of a
// slot the later one counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayRefs } from './replay-refs.ts';

function translated(refs: ReplayRefs, ...numbers: number[]): [number, number[]] {
  const out = new Uint32Array(numbers.length);
  const end = refs.translate(Uint32Array.from(numbers), 0, numbers.length, out);
  return [end, [...out.subarray(0, end)]];
}

test('numbers stand for the refs that they were defined with', () => {
  const refs = new ReplayRefs();
  assert.deepEqual(translated(refs, 0), [0, []]);
  refs.define(Uint32Array.of(0, 5, 70_000), Int32Array.of(9, 0, 7));
  assert.deepEqual(translated(refs, 5, 0, 70_000, 5), [4, [0, 9, 7, 0]]);
  assert.deepEqual(translated(refs, 5, 1, 0), [1, [0]]);
  assert.deepEqual(translated(refs, 2 ** 31 - 1), [0, []]);
  const nextLife = 0x0100_0005;
  assert.deepEqual(translated(refs, nextLife), [0, []]);
  refs.define(Uint32Array.of(nextLife), Int32Array.of(3));
  assert.deepEqual(translated(refs, nextLife), [1, [3]]);
  assert.deepEqual(translated(refs, 5), [0, []], 'the slot has another life');
  refs.clear();
  assert.deepEqual(translated(refs, 0), [0, []]);
});
