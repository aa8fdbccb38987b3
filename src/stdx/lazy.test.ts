// What is loaded on first use is loaded once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lazy } from './lazy.ts';

test('what was loaded once is not loaded again, a failure is', async () => {
  let count = 0;
  const get = lazy(async () => {
    count++;
    if (count === 1) throw new Error('not yet');
    return { count };
  });
  await assert.rejects(get(), /not yet/);
  const [first, second] = await Promise.all([get(), get()]);
  assert.equal(first, second);
  assert.equal(await get(), first);
  assert.equal(count, 2);
});
