// Pushed groups of one tenant never take the room that another one needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../../model/errors.ts';
import { PushRoom } from './push-room.ts';

const BOUNDS = { groupBytesMax: 400, groupsMax: 20, bytesMax: 1000 };

function refusal(room: PushRoom, tenant: string, sizeBytes: number, before?: number): string {
  try {
    room.check(tenant, sizeBytes, before);
    return '';
  } catch (error) {
    assert.ok(error instanceof AppError && error.kind === 'tooLarge');
    return error.message;
  }
}

/** Pushes groups of one size until one is refused; how many were taken. */
function fill(room: PushRoom, tenant: string, sizeBytes: number): number {
  for (let count = 0; ; count++) {
    if (refusal(room, tenant, sizeBytes) !== '') return count;
    room.put(tenant, sizeBytes, undefined);
  }
}

test('a tenant has half of what others leave, in bytes and in groups', () => {
  const bytes = new PushRoom(BOUNDS);
  assert.deepEqual(
    ['a', 'b', 'c'].map((tenant) => fill(bytes, tenant, 100)),
    [5, 2, 1],
  );
  assert.match(refusal(bytes, 'a', 100), /may take 350 bytes now, .* would take 600/);
  const groups = new PushRoom(BOUNDS);
  assert.deepEqual(
    ['a', 'b', 'c'].map((tenant) => fill(groups, tenant, 1)),
    [10, 5, 2],
  );
  assert.match(refusal(groups, 'b', 1), /may have 4 groups now/);
  assert.match(refusal(groups, 'd', 401), /may take 400 bytes, this one takes 401/);
});

test('what becomes smaller is taken, and what is deleted makes room', () => {
  const room = new PushRoom(BOUNDS);
  for (let i = 0; i < 2; i++) room.put('a', 300, undefined);
  assert.equal(refusal(room, 'a', 300, 300), '');
  assert.notEqual(refusal(room, 'a', 301, 300), '');
  room.drop('a', 300);
  assert.equal(refusal(room, 'a', 200), '');
  room.drop('a', 300);
  assert.equal(fill(room, 'b', 100), 5);
});

test('whatever the others push, one more finds room for a small group', () => {
  const pushes = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 60 })),
  );
  fc.assert(
    fc.property(pushes, (all) => {
      const room = new PushRoom({ ...BOUNDS, groupsMax: 10_000, bytesMax: 1_000_000 });
      for (const [tenant, kilobytes] of all) {
        const sizeBytes = Math.min(400, kilobytes * 8);
        if (refusal(room, `t${tenant}`, sizeBytes) === '')
          room.put(`t${tenant}`, sizeBytes, undefined);
      }
      assert.equal(refusal(room, 'one more', 400), '');
    }),
  );
});
