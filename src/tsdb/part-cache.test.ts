// The cache of extents: any range comes back, memory stays bounded, neighbours are read at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobRange, Blobs } from '../blobs/blobs.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { EXTENT_BYTES } from './limits.ts';
import { ExtentCache } from './part-cache.ts';

function blobOf(sizeBytes: number): { bytes: Uint8Array; blobs: Blobs; reads: number[] } {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7) ^ (i >> 8));
  const reads: number[] = [];
  const get = async (_name: string, range: BlobRange, into: Uint8Array): Promise<Uint8Array> => {
    reads.push(range.length);
    into.set(bytes.subarray(range.offset, range.offset + range.length));
    return into;
  };
  return { bytes, blobs: { get } as unknown as Blobs, reads };
}

test('any range comes back, whatever was read before', async () => {
  const sizeBytes = EXTENT_BYTES * 5 + 100;
  const { bytes, blobs } = blobOf(sizeBytes);
  const prng = seededPrng(3);
  const cache = new ExtentCache(EXTENT_BYTES * 2);
  for (let i = 0; i < 300; i++) {
    const offset = randomInt(prng, sizeBytes);
    const length = 1 + randomInt(prng, Math.min(sizeBytes - offset, EXTENT_BYTES * 3));
    const got = await cache.read(blobs, { name: 'a', sizeBytes }, { offset, length });
    assert.ok(Buffer.from(got).equals(bytes.subarray(offset, offset + length)));
    assert.ok(got.buffer instanceof SharedArrayBuffer);
  }
});

test('what was read is not read again until it is pushed out or dropped', async () => {
  const sizeBytes = EXTENT_BYTES * 4;
  const { blobs, reads } = blobOf(sizeBytes);
  const cache = new ExtentCache(EXTENT_BYTES * 3);
  const read = async (number: number, count = 1): Promise<void> => {
    const range = { offset: number * EXTENT_BYTES, length: count * EXTENT_BYTES };
    await cache.read(blobs, { name: 'a', sizeBytes }, range);
  };
  await read(0, 3);
  assert.deepEqual(reads, [3 * EXTENT_BYTES]);
  await read(0);
  await read(1, 2);
  assert.equal(reads.length, 1);
  await read(3); // pushes out the extent that was used least recently: the first
  await read(1, 3);
  assert.equal(reads.length, 2);
  await read(0);
  assert.equal(reads.length, 3);
  cache.drop('a');
  await read(0);
  assert.equal(reads.length, 4);
});
