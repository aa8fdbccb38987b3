// The caches of parts: what is asked for comes back, memory stays bounded, hot entries stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { BlobRange, Blobs } from '../blobs/blobs.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { EXTENT_BYTES } from './limits.ts';
import { ExtentCache, SectionCache, SectionSlot } from './part-cache.ts';

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

function sectionsOf(limitBytes: number): {
  cache: SectionCache;
  loads: string[];
  ask: (key: string, part?: string) => Promise<void>;
} {
  const cache = new SectionCache(limitBytes);
  const loads: string[] = [];
  const ask = async (key: string, part = 'p'): Promise<void> => {
    const load = async (): Promise<{ value: string; sizeBytes: number }> => {
      loads.push(key);
      return { value: `of ${key}`, sizeBytes: 1 };
    };
    assert.equal(await cache.get(part, key, load), `of ${key}`);
  };
  return { cache, loads, ask };
}

test('a section asked for again and again stays while others pass; few are held', async () => {
  const { cache, loads, ask } = sectionsOf(8);
  await ask('hot');
  for (let i = 0; i < 1000; i++) {
    await ask(`a ${i}`);
    await ask('hot');
  }
  assert.equal(loads.filter((key) => key === 'hot').length, 1);
  loads.length = 0;
  for (let i = 0; i < 1000; i++) await ask(`a ${i}`);
  assert.ok(loads.length >= 992, `${1000 - loads.length} sections were held`);
  cache.drop('p');
  loads.length = 0;
  for (let i = 0; i < 8; i++) await ask(`a ${i}`);
  for (let i = 0; i < 4; i++) await ask(`a ${i}`);
  assert.ok(loads.length <= 12 && loads.length >= 8);
});

test('what is dropped is one section of one part, or all of a part', async () => {
  const { cache, loads, ask } = sectionsOf(100);
  const keys = ['a', 'b'];
  const parts = ['p', 'p 2'];
  const askAll = async (): Promise<void> => {
    for (const part of parts) for (const key of keys) await ask(key, part);
  };
  await askAll();
  assert.deepEqual(loads, ['a', 'b', 'a', 'b']);
  assert.equal(cache.sizeBytes, 4);
  loads.length = 0;
  cache.drop('p', 'a');
  cache.drop('p', 'unknown');
  cache.drop('unknown');
  assert.equal(cache.sizeBytes, 3);
  await askAll();
  assert.deepEqual(loads, ['a']);
  cache.drop('p');
  assert.equal(cache.sizeBytes, 2);
  await askAll();
  assert.deepEqual(loads, ['a', 'a', 'b']);
});

test('a section that could not be read is asked for again', async () => {
  const { cache, ask } = sectionsOf(100);
  await assert.rejects(
    cache.get('p', 'a', () => Promise.reject(new Error('EIO'))),
    /EIO/,
  );
  await ask('a');
  assert.equal(cache.sizeBytes, 1);
});

test('all sections used: the hand takes their marks and drops all the same', async () => {
  const { loads, ask } = sectionsOf(4);
  for (const key of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) await ask(key);
  assert.deepEqual(loads, ['a', 'b', 'c', 'd']);
  await ask('e');
  loads.length = 0;
  for (const key of ['a', 'b', 'c', 'd', 'e']) await ask(key);
  assert.ok(loads.length > 0, 'something was dropped for the fifth');
});

test('hits cost the same however many others there are', async () => {
  const cpuUs = async (others: number): Promise<number> => {
    const { ask } = sectionsOf(1e9);
    for (let i = 0; i < others; i++) await ask(`a ${i}`);
    const before = process.cpuUsage();
    for (let i = 0; i < 100_000; i++) await ask(i % 2 === 0 ? 'a 1' : 'a 2');
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await cpuUs(10);
  const [few, many] = [await cpuUs(10), await cpuUs(20_000)];
  // Moving each hit to the end of a Map made it tens of times.
  assert.ok(many < few * 8, `${few} us of CPU with few, ${many} with many`);
});

test('what parts that went had is garbage, though the cache never was full', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const cache = new SectionCache(1e9);
  const refs: WeakRef<object>[] = [];
  for (let part = 0; part < 200; part++) {
    for (let key = 0; key < 20; key++)
      await cache.get(`p${part}`, String(key), async () => {
        const value = { part, key };
        refs.push(new WeakRef(value));
        return { value, sizeBytes: 100 };
      });
    cache.drop(`p${part - 2}`);
  }
  // What a job made is kept to its end.
  await new Promise((resolve) => void setImmediate(resolve));
  collect();
  assert.equal(refs.length, 4000);
  assert.equal(cache.sizeBytes, 2 * 20 * 100);
  assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 2 * 20);
});

test('what is forgotten is garbage, also where a slot and what is told of it know it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const cache = new SectionCache(1000);
  const slots: SectionSlot<object>[] = [];
  const refs: WeakRef<object>[] = [];
  const forgotten = new Set<number>();
  for (let key = 0; key < 200; key++) {
    const slot = new SectionSlot<object>();
    slots.push(slot);
    const load = async () => {
      const value = { key };
      refs.push(new WeakRef(value));
      return { value, sizeBytes: 100, onForgotten: () => void forgotten.add(value.key) };
    };
    await cache.get('p', String(key), load, slot);
  }
  await new Promise((resolve) => void setImmediate(resolve));
  collect();
  assert.equal(forgotten.size, 190);
  assert.equal(slots.filter(({ held }) => held !== undefined).length, 10);
  assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 10);
});

test('a slot finds what the cache holds, keeps it there by asking, and holds nothing else', async () => {
  const { cache, loads, ask } = sectionsOf(8);
  const slot = new SectionSlot<string>();
  const load = async (): Promise<{ value: string; sizeBytes: number }> => {
    loads.push('hot');
    return { value: 'of hot', sizeBytes: 1 };
  };
  const askHot = (): Promise<string> => slot.held ?? cache.get('p', 'hot', load, slot);
  for (let i = 0; i < 1000; i++) {
    await ask(`a ${i}`);
    assert.equal(await askHot(), 'of hot');
  }
  assert.equal(loads.filter((key) => key === 'hot').length, 1);
  // Another slot finds what is there.
  const other = new SectionSlot<string>();
  await cache.get('p', 'hot', load, other);
  assert.equal(await other.held!, 'of hot');
  assert.equal(loads.filter((key) => key === 'hot').length, 1);
  cache.drop('p', 'hot');
  assert.equal(slot.held, undefined);
  assert.notEqual(await slot.section!.value, 'of hot');
  assert.equal(await askHot(), 'of hot');
  assert.equal(await slot.held!, 'of hot');
  for (let i = 0; i < 20; i++) await ask(`b ${i}`);
  assert.equal(slot.held, undefined);
});

test('a section may ask for others while it is loaded', async () => {
  const prng = seededPrng(7);
  const cache = new SectionCache(1000);
  const ask = (part: string, depth: number): Promise<string> =>
    cache.get(part, String(depth), async () => {
      const value = depth === 0 ? 'end' : await ask(part, depth - 1);
      return { value: `${depth} ${value}`, sizeBytes: 100 };
    });
  for (let round = 0; round < 300; round++) {
    assert.match(await ask(`p${round}`, randomInt(prng, 4)), /0 end$/);
    if (randomInt(prng, 3) === 0) cache.drop(`p${round - randomInt(prng, 3)}`);
    assert.ok(cache.sizeBytes <= 1000, `${cache.sizeBytes} after round ${round}`);
  }
  for (let round = 0; round < 300; round++) cache.drop(`p${round}`);
  assert.equal(cache.sizeBytes, 0);
});
