// What is remembered of matchers: keys tell apart what accepts something else; lists are bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../model/matcher.ts';
import { LISTS_REMEMBERED, LISTS_REMEMBERED_SERIES_MAX } from './limits.ts';
import { MatchedLists, matchersKey } from './matched-values.ts';

test('keys of matchers are equal for equal ones alone', () => {
  const lists = [
    [],
    [matcher('a', '=', 'b')],
    [matcher('a', '!=', 'b')],
    [matcher('a', '=~', 'b')],
    [matcher('ab', '=', '')],
    [matcher('a', '=', 'b'), matcher('a', '=', 'b')],
    [matcher('a', '=', '1 =1 a1 =1 ab')],
    [matcher('a', '=', 'b'), matcher('c', '=', 'd')],
    [matcher('a', '=', 'b1 =1 cd')],
    [matcher('c', '=', 'd'), matcher('a', '=', 'b')],
  ];
  assert.equal(new Set(lists.map((one) => matchersKey(one))).size, lists.length);
  assert.equal(matchersKey([matcher('a', '=', 'b')]), matchersKey(lists[1]!));
});

test('short lists are kept, the oldest goes', () => {
  const lists = new MatchedLists();
  const long = new Uint32Array(LISTS_REMEMBERED_SERIES_MAX + 1);
  lists.keep('long', long);
  assert.equal(lists.get('long'), undefined);
  lists.keep('first', long.subarray(0, 3));
  assert.equal(lists.get('first')!.buffer.byteLength, 12);
  for (let i = 0; i < LISTS_REMEMBERED; i++) lists.keep(`key ${i}`, Uint32Array.of(i));
  assert.equal(lists.get('first'), undefined);
  assert.deepEqual(lists.get('key 0'), Uint32Array.of(0));
});
