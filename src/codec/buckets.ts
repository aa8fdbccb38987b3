// Buckets of the entropy coder (docs/formats/block.md, "rANS"): a number below 16 is its own
// bucket, above that an exponent and two bits of mantissa; the rest of its bits go out as they are.

/** Numbers are below 2^53: exponents 4 to 52, four buckets each. */
export const BUCKET_COUNT = 16 + 49 * 4;
const EXACT_END = 16;

/** Bits of a number of each bucket that the bucket does not say. */
export const BUCKET_EXTRA_BITS = new Uint8Array(256);
/** Smallest number of each bucket. */
export const BUCKET_BASE = new Float64Array(256);

for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
  if (bucket < EXACT_END) BUCKET_BASE[bucket] = bucket;
  else {
    const exponent = 4 + ((bucket - EXACT_END) >> 2);
    BUCKET_EXTRA_BITS[bucket] = exponent - 2;
    BUCKET_BASE[bucket] = (4 + ((bucket - EXACT_END) & 3)) * 2 ** (exponent - 2);
  }
}

/** The bucket of a whole number in [0, 2^53). */
export function bucketOf(value: number): number {
  if (value < EXACT_END) return value;
  if (value < 4294967296) {
    const exponent = 31 - Math.clz32(value);
    return EXACT_END + ((exponent - 4) << 2) + ((value >>> (exponent - 2)) & 3);
  }
  const high = Math.floor(value / 4294967296);
  const exponent = 63 - Math.clz32(high);
  return EXACT_END + ((exponent - 4) << 2) + (Math.floor(value / BUCKET_SCALE[exponent - 2]!) & 3);
}

/** Bucket of a code below 2^31. */
export function narrowBucket(code: number): number {
  if (code < EXACT_END) return code;
  const exponent = 31 - Math.clz32(code);
  return (exponent << 2) + ((code >>> (exponent - 2)) & 3);
}

const BUCKET_SCALE = Float64Array.from({ length: 64 }, (_, exponent) => 2 ** exponent);

/** Bits of a whole number in [0, 2^53). */
export function widthOf(value: number): number {
  return value < 4294967296
    ? 32 - Math.clz32(value)
    : 64 - Math.clz32(Math.floor(value / 4294967296));
}
