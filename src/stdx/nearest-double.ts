// 64-bit integers as doubles without a BigInt for each: by halves, with one rounding, that of the
// sum, so each is the nearest double and a tie goes to the even one, as `Number(bigint)` has it.

const TWO_32 = 2 ** 32;

/** The first `count` of them. */
export function nearestDoubles(
  values: BigInt64Array | BigUint64Array,
  count: number,
): Float64Array {
  const { buffer, byteOffset } = values;
  const out = new Float64Array(count);
  const lows = new Uint32Array(buffer, byteOffset, count * 2);
  const highs =
    values instanceof BigInt64Array ? new Int32Array(buffer, byteOffset, count * 2) : lows;
  for (let i = 0; i < count; i++) out[i] = highs[2 * i + 1]! * TWO_32 + lows[2 * i]!;
  return out;
}
