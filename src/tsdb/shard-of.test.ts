// Where a series belongs is on the disk: these numbers never change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { asLabelBytes } from '../../test/support/label-bytes.ts';
import { labelsFromObject } from '../model/labels.ts';
import {
  localRef,
  refOf,
  shardOfBytes,
  shardOfName,
  shardOfRef,
  shardOfSeries,
} from './shard-of.ts';

const encoder = new TextEncoder();

/** The same hash, over the bytes that an encoder makes. */
function plainHash(texts: readonly string[]): number {
  let hash = 0x811c9dc5n;
  const add = (byte: number): void => {
    hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  };
  for (const text of texts) {
    for (const byte of encoder.encode(text)) add(byte);
    add(0xff);
  }
  hash ^= hash >> 16n;
  hash = (hash * 0x85ebca6bn) & 0xffffffffn;
  hash ^= hash >> 13n;
  hash = (hash * 0xc2b2ae35n) & 0xffffffffn;
  return Number(hash ^ (hash >> 16n));
}

test('a series stays where it was: fixed cases', () => {
  const up = labelsFromObject({ __name__: 'up', job: 'node' });
  const cases = [
    ['default', up, 1],
    ['default', up, 3],
    ['other', up, 3],
    ['default', [], 3],
    ['default', ['é', '\u{1f600}\uffff'], 64],
  ] as const;
  assert.deepEqual(
    cases.map(([tenant, labels, count]) => shardOfSeries(tenant, labels, count)),
    [0, 1, 1, 0, 16],
  );
});

test('the shard is the hash of UTF-8 bytes modulo the number of shards', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 });
  fc.assert(
    fc.property(text, fc.array(text), fc.integer({ min: 1, max: 64 }), (tenant, labels, count) => {
      assert.equal(shardOfSeries(tenant, labels, count), plainHash([tenant, ...labels]) % count);
      const name = labels[0] ?? '';
      assert.equal(shardOfName(tenant, name, count), plainHash([tenant, name]) % count);
    }),
  );
});

test('labels and their bytes belong to one shard', () => {
  const sets = [['a', 'b'], ['é', '\u{1f600}\uffff', 'z', 'x'], []];
  let i = 0;
  for (const bytes of asLabelBytes(sets))
    assert.equal(shardOfBytes('t', bytes, 64), shardOfSeries('t', sets[i++]!, 64));
  assert.equal(i, sets.length);
});

test('series that differ in one number spread evenly', () => {
  const counts = new Uint32Array(3);
  for (let i = 0; i < 30_000; i++)
    counts[shardOfSeries('default', ['__name__', 'm', 'host', `host-${i}`], 3)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 30000`);
});

test('a ref carries its shard', () => {
  for (const shardCount of [2, 3, 64])
    for (const local of [0, 1, 12_345_678])
      for (const shard of [0, 1, shardCount - 1]) {
        const ref = refOf(local, shard, shardCount);
        assert.deepEqual([shardOfRef(ref, shardCount), localRef(ref, shardCount)], [shard, local]);
      }
});
