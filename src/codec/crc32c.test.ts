// Known vectors of RFC 3720 B.4 and the usual check value, and that any split gives the same sum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.ts';

function check(bytes: Uint8Array, expected: number): void {
  assert.equal(crc32c(bytes).toString(16), expected.toString(16));
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), expected);
  }
}

test('known vectors', () => {
  check(new Uint8Array(0), 0);
  check(new TextEncoder().encode('123456789'), 0xe3069283);
  check(new Uint8Array(32), 0x8a9136aa);
  check(new Uint8Array(32).fill(255), 0x62a8ab43);
  check(
    Uint8Array.from({ length: 32 }, (_, i) => i),
    0x46dd794e,
  );
  check(
    Uint8Array.from({ length: 32 }, (_, i) => 31 - i),
    0x113fdb5c,
  );
});

test('equals the bit-by-bit definition at every length and alignment', () => {
  const bytes = Uint8Array.from({ length: 67 }, (_, i) => (i * 151 + 7) & 255);
  for (let from = 0; from < 9; from++) {
    for (let to = from; to <= bytes.length; to++) {
      let crc = -1;
      for (let i = from; i < to; i++) {
        crc ^= bytes[i] as number;
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      assert.equal(crc32c(bytes.subarray(from, to)), ~crc >>> 0);
    }
  }
});
