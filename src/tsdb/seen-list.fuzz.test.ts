// A seen list read by a fresh index counts what the index that wrote it counts, and what is damaged
// is refused, never taken up in part.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CodecError } from '../codec/varint.ts';
import { labelsFromObject } from '../model/labels.ts';
import { ACTIVE_WINDOW_SEC } from './limits.ts';
import { parseSeenList, seenListChunks } from './seen-list.ts';
import { SeriesIndex } from './series-index.ts';

const NOW_MS = Date.UTC(2026, 10, 28);
const TENANTS = ['a', 'ü', 'no-one'];
const writes = fc.array(
  fc.record({ tenant: fc.nat(1), n: fc.nat(40), minutes: fc.integer({ min: -90, max: 0 }) }),
  { maxLength: 120 },
);

function labelsOf(n: number) {
  return labelsFromObject({ __name__: `m${n % 3}`, n: `${n}` });
}

function write(index: SeriesIndex, tenant: number, n: number, tMs: number): void {
  const id = TENANTS[tenant]!;
  index.applied(id, Uint32Array.of(index.resolve(id, labelsOf(n))), tMs);
}

async function listOf(index: SeriesIndex): Promise<Uint8Array<ArrayBuffer>> {
  const stretch = { shard: 2, frontier: 77, nowMs: NOW_MS };
  const chunks: Uint8Array[] = [];
  for await (const chunk of seenListChunks(index, stretch, () => undefined))
    chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}

function take(index: SeriesIndex, bytes: Uint8Array<ArrayBuffer>): void {
  for (const step of index.takeSeen(parseSeenList(bytes), NOW_MS)) assert.equal(step, undefined);
}

/** By tenant the count of each minute of the window to come. */
function counts(index: SeriesIndex): number[][] {
  return TENANTS.map((tenant) =>
    Array.from({ length: 61 }, (_, minute) => {
      const { active, reserved } = index.seriesCount(tenant, NOW_MS + minute * 60_000);
      return active + reserved;
    }),
  );
}

test('a tenant that comes while a list is written is not in it', async () => {
  const index = new SeriesIndex(11);
  write(index, 0, 1, NOW_MS);
  const chunks: Uint8Array[] = [];
  const stretch = { shard: 2, frontier: 77, nowMs: NOW_MS };
  for await (const chunk of seenListChunks(index, stretch, () => undefined)) {
    chunks.push(chunk.slice());
    if (chunks.length === 1) write(index, 1, 2, NOW_MS);
  }
  const restarted = new SeriesIndex(12);
  take(restarted, new Uint8Array(Buffer.concat(chunks)));
  assert.deepEqual(
    counts(restarted).map(([now]) => now),
    [1, 0, 0],
  );
});

test('a list and an index that takes it up count the same, now and later', async () => {
  await fc.assert(
    fc.asyncProperty(writes, writes, fc.boolean(), async (first, second, isPressed) => {
      const index = new SeriesIndex(11);
      for (const { tenant, n, minutes } of first)
        write(index, tenant, n, NOW_MS + minutes * 60_000);
      const request = { nowMs: NOW_MS, countMax: 1000, isHeld: () => false };
      if (isPressed) index.retire({ ...request, idleMs: 600_000 });
      const copy = new SeriesIndex(12);
      take(copy, await listOf(index));
      assert.deepEqual(counts(copy), counts(index));
      // Records that are replayed may be older than what the list says.
      for (const { tenant, n, minutes } of second) {
        const id = TENANTS[tenant]!;
        const before = copy.seriesCount(id, NOW_MS).active;
        const isKnown = copy.remembers(id, labelsOf(n));
        const ref = copy.resolve(id, labelsOf(n));
        if (isKnown) assert.ok(copy.isReturning(ref));
        for (const one of [index, copy]) write(one, tenant, n, NOW_MS + minutes * 60_000);
        const isIn = minutes * 60 > -ACTIVE_WINDOW_SEC;
        if (isKnown || !isIn) assert.equal(copy.seriesCount(id, NOW_MS).active, before);
        assert.equal(copy.remembers(id, labelsOf(n)), false);
      }
      assert.deepEqual(counts(copy), counts(index));
      // And once more, of rows and of what has none.
      const third = new SeriesIndex(13);
      take(third, await listOf(copy));
      assert.deepEqual(counts(third), counts(copy));
    }),
    { numRuns: 60 },
  );
});

test('a list with a flipped bit, or that is cut, is refused', async () => {
  const index = new SeriesIndex(1);
  for (let n = 0; n < 7; n++) write(index, n % 2, n, NOW_MS - n * 1000);
  const bytes = await listOf(index);
  take(new SeriesIndex(2), bytes);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1 << (at % 8);
    assert.throws(() => parseSeenList(damaged), CodecError, `byte ${at}`);
    assert.throws(() => parseSeenList(bytes.slice(0, at)), CodecError, `cut at ${at}`);
  }
  assert.throws(() => parseSeenList(Uint8Array.from([...bytes, 0])), CodecError);
});
