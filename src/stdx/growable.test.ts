// Growing keeps what was written, leaves zeros behind it, and costs what was written alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grownI32, grownU16, grownU32, grownU8, lengthenedU32, release } from './growable.ts';

const KINDS = [
  { name: 'u32', make: (n: number) => new Uint32Array(n), grow: grownU32 },
  { name: 'i32', make: (n: number) => new Int32Array(n), grow: grownI32 },
  { name: 'u16', make: (n: number) => new Uint16Array(n), grow: grownU16 },
  { name: 'u8', make: (n: number) => new Uint8Array(n), grow: grownU8 },
] as const;

type Numbers = Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

for (const { name, make, grow } of KINDS)
  test(`${name} keeps what was written and is zero behind it, small, large and in between`, () => {
    let array = make(16) as Numbers;
    let count = 0;
    for (const length of [16, 17, 1000, 300_000, 300_001, 1_000_000, 5_000_000]) {
      const before = array;
      array = (grow as (array: Numbers, length: number) => Numbers)(array, length);
      assert.ok(array.length >= length);
      if (before !== array) assert.equal(before.length, 0);
      for (let i = 0; i < count; i += 97) assert.equal(array[i], (i * 7) & 0xff);
      for (let i = count; i < array.length; i++) if (array[i] !== 0) assert.fail(`${i} is not 0`);
      for (; count < length; count++) array[count] = (count * 7) & 0xff;
    }
  });

test('a lengthened array has exactly the length that was asked for', () => {
  let array = new Uint32Array(8).fill(3);
  for (let length = 16; length <= 2 ** 21; length *= 2) {
    array = lengthenedU32(array, length);
    assert.equal(array.length, length);
    assert.equal(array[7], 3);
    assert.equal(array[8], 0);
    assert.equal(array.at(-1), 0);
  }
});

test('a large array grows in place: only so much of it is resident as was written', (t) => {
  if (process.platform !== 'linux') return t.diagnostic('memory is read from the system: Linux');
  const before = process.memoryUsage.rss();
  const arrays = Array.from({ length: 8 }, () => grownU8(new Uint8Array(1024), 1 << 27));
  assert.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024);
  for (const array of arrays) release(array);
});
