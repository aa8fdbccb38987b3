// 64-bit integers become the doubles that `Number` makes of them, near every power of two.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestDoubles } from './nearest-double.ts';
import { seededPrng } from './prng.ts';

/** Around every power of two, where doubles get coarser and ties are. */
function edges(): bigint[] {
  const out: bigint[] = [];
  for (let power = 0n; power <= 64n; power++)
    for (let near = -5n; near <= 5n; near++) {
      out.push(2n ** power + near);
      for (let tie = 1n; tie <= 12n; tie++) out.push(2n ** power + ((2n ** power) >> tie) + near);
    }
  return out;
}

function random(count: number): bigint[] {
  const prng = seededPrng(7);
  return Array.from({ length: count }, () => {
    const bits = BigInt(prng.u32() % 65);
    return ((BigInt(prng.u32()) << 32n) | BigInt(prng.u32())) >> (64n - bits);
  });
}

test('are those of Number(), signed and not', () => {
  const all = [...edges(), ...random(20_000)];
  const signed = BigInt64Array.from(all.flatMap((value) => [value, -value]));
  const unsigned = BigUint64Array.from(all);
  const fromSigned = nearestDoubles(signed, signed.length);
  for (const [i, value] of signed.entries()) assert.ok(Object.is(fromSigned[i], Number(value)));
  const fromUnsigned = nearestDoubles(unsigned, unsigned.length);
  for (const [i, value] of unsigned.entries()) assert.ok(Object.is(fromUnsigned[i], Number(value)));
});

test('the rest of an array is left alone', () => {
  const values = BigInt64Array.of(1n, -2n, 3n).subarray(1);
  assert.deepEqual([...nearestDoubles(values, 1)], [-2]);
});
