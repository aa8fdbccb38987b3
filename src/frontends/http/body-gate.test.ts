// Memory of bodies: loud tenants leave room for quiet ones, and the house has its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyGate } from './body-gate.ts';
import { INFLATE_TURN_BYTES } from './limits.ts';

const BUSY = { kind: 'unavailable', code: 'bodies-in-flight', retryAfterSec: 1 };

test('the tenant that holds most is refused, the quiet one and the house are not', () => {
  const gate = new BodyGate(1000);
  for (let i = 0; i < 10; i++) gate.take('loud', 100);
  assert.throws(() => gate.take('loud', 100), { ...BUSY, message: /1000 of them are of this/ });
  gate.take('quiet', 200);
  gate.take(undefined, 4096);
  gate.take('quieter', 40);
  assert.throws(() => gate.take('quiet', 100), BUSY);
  gate.take(undefined, 4096);
  assert.equal(gate.heldBytes, 1000 + 200 + 40 + 8192);
  gate.give('loud', 1000);
  gate.take('quiet', 100);
  gate.give(undefined, 8192);
  assert.equal(gate.heldBytes, 340);
});

test('bodies to decompress take turns by tenant', async () => {
  const gate = new BodyGate(4 * INFLATE_TURN_BYTES);
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const inflate = (tenant: string) =>
    gate.whileInflating(tenant, 4 * INFLATE_TURN_BYTES, () => {
      order.push(tenant);
      return new Promise<void>((end) => void ends.push(end));
    });
  const all = ['a', 'a', 'a', 'a', 'b'].map(inflate);
  while (order.length < all.length) {
    ends.shift()!();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
  for (const end of ends) end();
  await Promise.all(all);
  assert.deepEqual(order, ['a', 'a', 'b', 'a', 'a']);
});
