// A bounded memory of texts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remembered } from './remembered.ts';

test('the oldest text goes when there is one too many, a long one is not kept', () => {
  const known = new Remembered<number>({ countMax: 2, lengthMax: 3 });
  known.keep('a', 1);
  known.keep('b', 2);
  known.keep('long', 9);
  assert.deepEqual(
    ['a', 'b', 'long'].map((text) => known.get(text)),
    [1, 2, undefined],
  );
  known.keep('b', 3);
  assert.deepEqual(
    ['a', 'b'].map((text) => known.get(text)),
    [1, 3],
  );
  known.keep('c', 4);
  assert.deepEqual(
    ['a', 'b', 'c'].map((text) => known.get(text)),
    [undefined, 3, 4],
  );
});
