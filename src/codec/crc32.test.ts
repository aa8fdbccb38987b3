// The usual check value, that table and zlib agree around the length where they meet, and that any
// split gives the same sum, also from the sums of both sides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combinedCrc32, crc32 } from './crc32.ts';

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

test('the sums of two sides give that of both', () => {
  for (const sizeB of [0, 1, 2, 3, 7, 8, 63, 64, 65, 255, 4096, 65_537, 100_000, 100_000]) {
    const bytes = Uint8Array.from({ length: 17 + sizeB }, (_, i) => (i * 151 + (i >> 8)) & 255);
    for (const sizeA of [0, 1, 17]) {
      const a = bytes.subarray(17 - sizeA, 17);
      const b = bytes.subarray(17);
      const both = crc32(bytes.subarray(17 - sizeA));
      assert.equal(combinedCrc32(crc32(a), crc32(b), sizeB), both, `${sizeA} and ${sizeB} bytes`);
      assert.equal(
        combinedCrc32(crc32(a, 0x1234abcd), crc32(b), sizeB),
        crc32(b, crc32(a, 0x1234abcd)),
      );
    }
  }
});
