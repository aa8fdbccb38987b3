// Who holds most is refused first; who holds nothing finds room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '../stdx/prng.ts';
import { boundOfAll, FairBytes } from './fair-bytes.ts';

function fill(bytes: FairBytes, tenant: string, sizeBytes: number): number {
  let count = 0;
  while (bytes.tryTake(tenant, sizeBytes)) count++;
  return count;
}

test('one tenant alone gets what is its bound, and a quiet one finds room beside it', () => {
  const bytes = new FairBytes(boundOfAll(1000));
  assert.equal(fill(bytes, 'loud', 10), 100);
  assert.equal(bytes.tryTake('quiet', 200), true);
  assert.equal(bytes.tryTake('loud', 10), false);
  bytes.give('loud', 500);
  assert.equal(bytes.tryTake('loud', 10), true);
  assert.deepEqual([bytes.heldBytes, bytes.heldBy('loud')], [710, 510]);
});

test('the more loud tenants there are, the less each gets; one more is let in', () => {
  const bytes = new FairBytes(boundOfAll(10_000));
  for (let i = 0; i < 1000; i++) for (const tenant of ['a', 'b', 'c']) bytes.tryTake(tenant, 10);
  const held = ['a', 'b', 'c'].map((tenant) => bytes.heldBy(tenant));
  assert.ok(Math.max(...held) - Math.min(...held) <= 10, held.join(' '));
  assert.equal(bytes.tryTake('d', 800), true);
});

test('more than all is refused; what is given back is there again', () => {
  const bytes = new FairBytes(100);
  assert.equal(bytes.tryTake('a', 101), false);
  assert.equal(bytes.heldBytes, 0);
  assert.equal(bytes.tryTake('a', 100), true);
  assert.equal(bytes.tryTake('b', 1), false);
  bytes.give('a', 100);
  assert.equal(bytes.tryTake('b', 100), true);
  assert.throws(() => bytes.give('a', 1), /given back once/);
});

test('property: never more than the bound, and sums are right', () => {
  const prng = seededPrng(5);
  const bytes = new FairBytes(1000);
  const held: [string, number][] = [];
  for (let i = 0; i < 5000; i++) {
    const tenant = `t${prng.u32() % 5}`;
    const sizeBytes = prng.u32() % 300;
    if (prng.u32() % 3 > 0 && bytes.tryTake(tenant, sizeBytes)) held.push([tenant, sizeBytes]);
    const gone = prng.u32() % 2 === 0 ? held.shift() : undefined;
    if (gone !== undefined) bytes.give(...gone);
    assert.equal(
      bytes.heldBytes,
      held.reduce((sum, [, size]) => sum + size, 0),
    );
    assert.ok(bytes.heldBytes <= 1000);
  }
});
