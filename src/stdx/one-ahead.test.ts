// An item made ahead: when it is made, whose its failure is, and that nothing runs on afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { oneAhead } from './one-ahead.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Numbers up to `count`, and what became of their maker. */
function producer(count: number, failAt = -1) {
  const events: string[] = [];
  async function* make(): AsyncGenerator<number, void, undefined> {
    try {
      for (let i = 0; i < count; i++) {
        await turn();
        if (i === failAt) throw new Error(`item ${i}`);
        events.push(`made ${i}`);
        yield i;
      }
    } finally {
      events.push('ended');
    }
  }
  return { events, items: oneAhead(make()) };
}

test('the next item is made while one is used, and none after that', async () => {
  const { events, items } = producer(3);
  for await (const item of items) {
    events.push(`begin ${item}`);
    for (let i = 0; i < 5; i++) await turn();
    events.push(`end ${item}`);
  }
  assert.deepEqual(events, [
    'made 0',
    'begin 0',
    'made 1',
    'end 0',
    'begin 1',
    'made 2',
    'end 1',
    'ended',
    'begin 2',
    'end 2',
  ]);
});

test('nothing and one', async () => {
  for (const count of [0, 1]) {
    const seen: number[] = [];
    for await (const item of producer(count).items) seen.push(item);
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, i) => i),
    );
  }
});

test('an item that fails fails in its turn', async () => {
  const { events, items } = producer(3, 1);
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const item of items) {
      for (let i = 0; i < 5; i++) await turn();
      seen.push(item);
    }
  }, /item 1/);
  assert.deepEqual(seen, [0]);
  assert.deepEqual(events, ['made 0', 'ended']);
});

test('whoever ends early waits for the maker to end', async () => {
  const { events, items } = producer(9);
  await assert.rejects(async () => {
    for await (const item of items) throw new Error(`no use for ${item}`);
  }, /no use for 0/);
  assert.deepEqual(events, ['made 0', 'made 1', 'ended']);
});

test('a failure of what was made ahead is lost with it where nobody comes for it', async () => {
  const { events, items } = producer(9, 1);
  for await (const item of items) {
    assert.equal(item, 0);
    break;
  }
  assert.deepEqual(events, ['made 0', 'ended']);
});
